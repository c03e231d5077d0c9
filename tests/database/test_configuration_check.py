"""`spacelift-usage check`: how long ago each file landed, and the parts that not everybody has."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.configuration_check import check_parts
from orchestration.drop_folder import DropFolder
from orchestration.optional_parts import Part
from orchestration.settings import Settings, SettingsError
from orchestration.warehouse.schema import claim_account
from tests.pipeline.listening_elasticsearch import Elasticsearch, Handler, listening_elasticsearch
from tests.pipeline.listening_public_api import listening_public_api

LOAD = (
    "insert into raw.usage_loads (account, aspect, usage_date, requested_since, requested_until, source,"
    " status, started_at, finished_at)"
    " values ('acme', %s, '2024-02-29', '2024-02-29', '2024-03-01', 'api', 'succeeded', now(),"
    " now() - %s::interval)"
)


ELASTIC_KEY = "c2VjcmV0LWlkOnNlY3JldC1rZXk="


def part_of(name: str, **environ: str) -> Part:
    settings = Settings.from_environment({"SPACELIFT_ACCOUNT": "acme", **environ})
    (part,) = (part for part in check_parts(settings) if part.name == name)
    return part


def reporting(**environ: str) -> Part:
    return part_of("reporting", **environ)


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


@pytest.fixture
def server() -> Iterator[Elasticsearch]:
    with listening_elasticsearch() as listening:
        yield listening


def answers(status: int, body: Any, *, path: str = "/") -> Any:
    def gate(handler: Handler) -> tuple[int, Any] | None:
        return (status, body) if handler.path.startswith(path) else None

    return gate


def test_an_elasticsearch_that_takes_the_key_is_told_by_its_name(server, tmp_path):
    home = {"USAGE_HOME": str(tmp_path)}
    assert part_of("elastic", **home).verdict == "not configured"
    seen: set[str] = set()
    server.gate = lambda handler: seen.add(handler.headers["Authorization"])
    key = {"ELASTICSEARCH_URL": server.url, "ELASTICSEARCH_API_KEY": ELASTIC_KEY}
    assert part_of("elastic", **home, **key) == Part(
        "elastic",
        "ok",
        f"{server.url} takes ELASTICSEARCH_API_KEY; Elasticsearch 8.15.2, cluster demo-cluster",
    )
    assert seen == {f"ApiKey {ELASTIC_KEY}"}
    # A key for the export alone may not see the name, and does all the same.
    server.gate = lambda handler: (403, {"error": "monitor"}) if handler.path == "/" else None
    narrow = part_of("elastic", **home, **key)
    assert (narrow.verdict, "name and version we may not see" in narrow.detail) == ("ok", True)


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        pytest.param(
            answers(401, {"error": f"unable to authenticate {ELASTIC_KEY}"}),
            '401 to GET /: {"error": "unable to authenticate [secret]"} (check ELASTICSEARCH_API_KEY',
            id="wrong key",
        ),
        pytest.param(
            answers(403, {"error": "no"}, path="/_index_template"), "lacks a privilege", id="may not export"
        ),
        pytest.param(
            answers(404, b"<html>"), "answered 404 to GET / (check ELASTICSEARCH_URL)", id="no path"
        ),
        pytest.param(answers(503, {}), "answered 503 to GET /", id="away"),
        pytest.param(answers(200, b"<html>"), "no JSON object: check ELASTICSEARCH_URL", id="a web page"),
        pytest.param(
            answers(200, {"name": "x"}),
            "does not call itself Elasticsearch: check ELASTICSEARCH_URL",
            id="other",
        ),
    ],
)
def test_an_elasticsearch_that_would_refuse_the_export_is_one_line_without_the_key(
    server, tmp_path, gate, words
):
    server.gate = gate
    key = {"ELASTICSEARCH_URL": server.url, "ELASTICSEARCH_API_KEY": ELASTIC_KEY}
    told = part_of("elastic", USAGE_HOME=str(tmp_path), **key)
    assert (told.verdict, words in told.detail) == ("failed", True), told
    assert ELASTIC_KEY not in told.detail
    assert "\n" not in told.detail


def test_a_wrong_elasticsearch_url_is_one_line_that_names_the_variable(tmp_path):
    nobody = part_of("elastic", USAGE_HOME=str(tmp_path), ELASTICSEARCH_URL="http://127.0.0.1:9")
    assert (nobody.verdict, nobody.detail.endswith("; check ELASTICSEARCH_URL")) == ("failed", True), nobody
    for wrong in (
        "https://elastic.example:port",
        "elastic.example:9200",
        "https://me:s3cr3t@elastic.example",
    ):
        with pytest.raises(SettingsError, match=r"^ELASTICSEARCH_URL ") as refused:
            part_of("elastic", USAGE_HOME=str(tmp_path), ELASTICSEARCH_URL=wrong)
        assert "s3cr3t" not in str(refused.value)


def test_the_drop_folder_is_told_with_what_waits_and_what_failed(tmp_path):
    home = {"USAGE_HOME": str(tmp_path / "home")}
    assert part_of("drop folder", **home).verdict == "not configured"
    folder = tmp_path / "drop"
    folder.mkdir()
    configured = {**home, "USAGE_DROP_FOLDER": str(folder)}
    assert part_of("drop folder", **configured) == Part(
        "drop folder", "ok", f"{folder}; 0 wait, 0 in failed/"
    )
    for name in ("a.csv", "b.json", "c.csv.part"):
        (folder / name).write_text("x")
    taken = folder / "working" / "bad.txt"
    taken.parent.mkdir()
    taken.write_text("x")
    DropFolder(folder).finish(taken, succeeded=False, reason="why")
    assert part_of("drop folder", **configured).detail == f"{folder}; 2 wait, 1 in failed/"
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["failed", "working"]


def test_a_drop_folder_whose_files_could_not_be_moved_on_fails(tmp_path, monkeypatch):
    folder = tmp_path / "drop"
    configured = {"USAGE_HOME": str(tmp_path / "home"), "USAGE_DROP_FOLDER": str(folder)}
    with pytest.raises(SettingsError, match=r"^USAGE_DROP_FOLDER names .*, which is no folder: make it"):
        part_of("drop folder", **configured)
    folder.mkdir()
    (folder / "done").write_text("a file")
    assert part_of("drop folder", **configured) == Part(
        "drop folder",
        "failed",
        f"USAGE_DROP_FOLDER: {folder / 'done'}: is in the way of the folder of that name, and no folder",
    )
    (folder / "done").unlink()
    (folder / "failed").mkdir()
    # Permissions would not stop a superuser, who may well run this test.
    closed = {folder / "failed"}
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in closed)
    assert (
        f"{folder / 'failed'}: may not be read and written to" in part_of("drop folder", **configured).detail
    )


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
