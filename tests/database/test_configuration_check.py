"""`spacelift-usage check`: how long ago each file landed, and how a self-hosted instance reports."""

import pytest

from orchestration.configuration_check import Part, check_parts
from orchestration.settings import Settings
from orchestration.warehouse.schema import claim_account
from tests.pipeline.listening_public_api import listening_public_api

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
