"""`spacelift-usage check`: how long ago each file landed, and how a self-hosted instance reports."""

from pathlib import Path

import pytest

from orchestration.configuration_check import Part, check_parts
from orchestration.settings import Settings
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.readers import reader_url
from orchestration.warehouse.schema import claim_account, ensure_schema
from tests.pipeline.listening_public_api import listening_public_api

OLDEST_WAREHOUSE = Path(__file__).parents[1] / "data" / "warehouse_of_version_1.sql"
LOAD = (
    "insert into raw.usage_loads (account, aspect, usage_date, requested_since, requested_until, source,"
    " status, started_at, finished_at)"
    " values ('acme', %s, '2024-02-29', '2024-02-29', '2024-03-01', 'api', 'succeeded', now(),"
    " now() - %s::interval)"
)


def reporting(**environ: str) -> Part:
    settings = Settings.from_environment({"SPACELIFT_ACCOUNT": "acme", **environ})
    (part,) = (part for part in check_parts(settings) if part.name == "reporting")
    return part


def test_how_a_self_hosted_instance_reports_is_told_and_whether_spacelift_answers_from_here(tmp_path):
    home = {"USAGE_HOME": str(tmp_path)}
    assert reporting(**home).verdict == "not configured"
    automatic = reporting(USAGE_REPORTING="automatic", **home)
    assert (automatic.verdict, "the instance itself needs SPACELIFT_PUBLIC_API" in automatic.detail) == (
        "failed",
        True,
    )
    with listening_public_api() as api:
        answering = reporting(USAGE_REPORTING="script", SPACELIFT_PUBLIC_API=api.url, **home)
    assert (answering.verdict, f"{api.url} answers" in answering.detail) == ("ok", True)
    silent = reporting(USAGE_REPORTING="automatic", SPACELIFT_PUBLIC_API=api.url, **home)
    assert (silent.verdict, "127.0.0.1 does not answer" in silent.detail) == ("failed", True)


@pytest.mark.parametrize(
    ("hours_ago", "verdict", "said"),
    [
        pytest.param({}, "ok", "nothing has landed yet", id="before the first run"),
        pytest.param({"run-minutes": 1, "worker-count": 25}, "ok", "", id="since yesterday"),
        pytest.param({"run-minutes": 1, "worker-count": 27}, "late", "worker-count", id="one file is late"),
        pytest.param({"run-minutes": 1}, "late", "of both files", id="one file never came"),
    ],
)
def test_a_file_that_has_not_landed_for_26_hours_is_late(
    database_url, connection, tmp_path, hours_ago, verdict, said
):
    claim_account(connection, "acme")
    for aspect, hours in hours_ago.items():
        connection.execute(LOAD, (aspect, f"{hours} hours"))
    connection.commit()
    settings = Settings.from_environment(
        {"DATABASE_URL": database_url, "SPACELIFT_ACCOUNT": "acme", "USAGE_HOME": str(tmp_path)}
    )
    (landing,) = (part for part in check_parts(settings) if part.name == "landing")
    assert (landing.verdict, said in landing.detail) == (verdict, True), landing


def database_and_landing(url: str, home: Path) -> list[Part]:
    settings = Settings.from_environment(
        {"DATABASE_URL": url, "SPACELIFT_ACCOUNT": "acme", "USAGE_HOME": str(home)}
    )
    return [part for part in check_parts(settings) if part.name in ("database", "landing")]


def test_a_warehouse_of_an_older_version_is_well_and_its_landing_is_judged(empty_database_url, tmp_path):
    with connect(empty_database_url) as old:
        old.execute(OLDEST_WAREHOUSE.read_bytes())
    database, landing = database_and_landing(empty_database_url, tmp_path)
    assert (database.verdict, landing.verdict) == ("ok", "late")
    assert "account acme; raw schema of an older version, the next run" in database.detail
    assert "last: run-minutes at 2024-03-02" in landing.detail


def test_a_warehouse_of_a_later_version_is_one_line(database_url, connection, tmp_path):
    connection.execute("update raw.warehouse set schema_version = schema_version + 1")
    connection.commit()
    database, landing = database_and_landing(database_url, tmp_path)
    assert (database.verdict, landing.verdict) == ("failed", "failed")
    assert "upgrade this installation" in database.detail


def test_a_user_who_may_not_read_the_raw_tables_is_told_so_in_one_line(database_url, connection, tmp_path):
    connection.execute("create role reader_of_nothing login password 'x'")
    connection.commit()
    try:
        url = reader_url(database_url, "reader_of_nothing", password="x")
        database, landing = database_and_landing(url, tmp_path)
    finally:
        connection.execute("drop role reader_of_nothing")
        connection.commit()
    assert (database.verdict, landing.verdict) == ("failed", "failed")
    assert "refuses its user (permission denied for schema raw)" in database.detail


def test_a_stopped_embedded_server_is_started_and_its_landing_judged_but_none_is_made(tmp_path):
    def verdicts() -> dict[str, str]:
        settings = Settings.from_environment({"SPACELIFT_ACCOUNT": "acme", "USAGE_HOME": str(tmp_path)})
        return {part.name: part.verdict for part in check_parts(settings)}

    before = verdicts()
    assert (before["database"], before["landing"]) == ("ok", "ok")
    assert embedded.status(tmp_path).state == "absent"
    try:
        with connect(embedded.ensure_running(tmp_path)) as connection:
            ensure_schema(connection)
            claim_account(connection, "acme")
            connection.execute(LOAD, ("run-minutes", "27 hours"))
        embedded.stop(tmp_path)
        after = verdicts()
    finally:
        embedded.stop(tmp_path)
    assert (after["database"], after["landing"]) == ("ok", "late")


def test_an_archive_that_takes_no_bodies_is_not_well(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings.from_environment(
        {"USAGE_HOME": str(tmp_path), "USAGE_ARCHIVE_URL": str(tmp_path / "file" / "archive")}
    )
    (archive,) = (part for part in check_parts(settings) if part.name == "archive")
    assert (archive.verdict, "Not a directory" in archive.detail) == ("failed", True)
