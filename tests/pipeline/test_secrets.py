"""After a run in which all that can repeat a secret does so, no secret is anywhere but where it belongs."""

import base64
import gzip
import os
import sqlite3
import stat
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest

from orchestration import cli
from orchestration.assets import land_days
from orchestration.assets.elastic import elastic
from orchestration.exports import elastic_client
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import VARIABLES
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from tests.pipeline import faulty_spacelift as faulty
from tests.pipeline.listening_elasticsearch import Handler, listening_elasticsearch

WEBHOOK = "http://127.0.0.1:9/services/secret-of-the-webhook"
OTHER_PASSWORD = "secret-of-another-database"
ELASTIC_KEY_SECRET = "secret-of-the-elastic-key"
ELASTIC_KEY = base64.b64encode(f"key-id:{ELASTIC_KEY_SECRET}".encode()).decode()
ELASTIC_PASSWORD = "secret-of-the-elastic-user"
ELASTIC_HEADER = base64.b64encode(f"elastic:{ELASTIC_PASSWORD}".encode()).decode()
ELASTIC_URL_PASSWORD = "secret-in-the-elastic-url"
NO_SERVER = "http://127.0.0.1:9"
BAD_DAY = faulty.DAYS[1]
DAYS = ("--since", "2024-02-28", "--until", "2024-03-02")


def repeats(handler: faulty.Handler) -> bytes:
    """All that a careless server could know."""
    return f"{handler.headers['Authorization']} {faulty.KEY_SECRET} {dict(handler.headers)}".encode()


def says_it(status: int) -> faulty.Fault:
    return lambda handler, right: handler.answer(repeats(handler), status=status, content_type="text/plain")


def says_it_on_a_page(handler: faulty.Handler, right: bytes) -> None:
    handler.answer(b"<html>" + repeats(handler))


def redirects_with_it(handler: faulty.Handler, right: bytes) -> None:
    ticket = handler.headers["Authorization"].rpartition(" ")[2]
    handler.answer(b"", status=302, location=f"https://me:{faulty.KEY_SECRET}@login.example/?ticket={ticket}")


def elastic_that_says_it(status: int, *, path: str = "/") -> Any:
    """Its answers hold the header as it came and as it is decoded."""

    def gate(handler: Handler) -> tuple[int, Any] | None:
        kind, _, credentials = handler.headers["Authorization"].partition(" ")
        decoded = base64.b64decode(credentials).decode()
        words = {"error": f"{kind} {credentials} is {decoded} in {dict(handler.headers)}"}
        return (status, words) if handler.path.startswith(path) else None

    return gate


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line of every process that is started."""
    seen: list[str] = []
    start = subprocess.Popen.__init__

    def remember(self: Any, args: Any, *others: Any, **options: Any) -> None:
        seen.append(str(args))
        start(self, args, *others, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", remember)
    return seen


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> Iterator[Path]:
    """A home with an embedded warehouse in which dbt will fail early, and nothing else configured."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    before = dict(os.environ)
    try:
        with closing(connect(embedded.ensure_running(home), autocommit=True)) as connection:
            connection.execute("create schema staging")
            connection.execute("create type staging.stg_spacelift__usage_loads as enum ('in the way')")
        yield home
    finally:
        os.environ.clear()
        os.environ.update(before)
        embedded.stop(home)


def readable(path: Path) -> bytes:
    """A file's bytes, and what is packed in them."""
    content = path.read_bytes()
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as database:
            tables = [
                name for (name,) in database.execute("select name from sqlite_master where type = 'table'")
            ]
            for table in tables:
                for row in database.execute(f'select * from "{table}"'):
                    content += b"".join(_unpacked(cell) for cell in row)
    return content + _unpacked(content)


def _unpacked(cell: object) -> bytes:
    data = cell if isinstance(cell, bytes) else str(cell).encode()
    for unpack in (gzip.decompress, zlib.decompress):
        try:
            return unpack(data)
        except (OSError, EOFError, zlib.error):
            continue
    return data


def export_that_fails() -> None:
    """By the check, the command, and the last step of a run, recorded where those before it are."""
    cli.exit_code_of(["check"])
    assert cli.exit_code_of(["export-elastic"]) == 1
    with dg.DagsterInstance.get() as instance:
        run = dg.materialize(
            [elastic], resources={"postgres": PostgresResource()}, instance=instance, raise_on_error=False
        )
    assert not run.success


def test_no_secret_is_in_any_file_output_or_process_argument_after_a_run_full_of_faults(
    home: Path,
    demo_warehouse_url: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(land_days, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(land_days, "MAX_RETRIES", 1)
    monkeypatch.setattr(elastic_client, "LONGEST_WAIT_SECONDS", 0.0)
    with faulty.faulty_spacelift() as spacelift:
        os.environ.update(
            {
                "DAGSTER_HOME": "",
                "USAGE_HOME": str(home),
                "SPACELIFT_ACCOUNT": "acme",
                "SPACELIFT_API_KEY_ENDPOINT": spacelift.endpoint,
                "SPACELIFT_API_KEY_ID": faulty.KEY_ID,
                "SPACELIFT_API_KEY_SECRET": faulty.KEY_SECRET,
                "USAGE_WEBHOOK_URL": WEBHOOK,
                "ELASTICSEARCH_URL": NO_SERVER,
                "ELASTICSEARCH_API_KEY": ELASTIC_KEY,
            }
        )
        # With its neighbours, twice, alone, and alone when it is asked for again.
        spacelift.faults["run-minutes", BAD_DAY] = [
            says_it(400),
            says_it(500),
            says_it(503),
            says_it_on_a_page,
        ]
        spacelift.faults["worker-count", BAD_DAY] = [says_it(429), redirects_with_it]
        assert cli.exit_code_of(["run", *DAYS]) == 1
        spacelift.exchanges_left = 0
        assert cli.exit_code_of(["check"]) == 1
    os.environ["DATABASE_URL"] = f"postgresql://usage:{OTHER_PASSWORD}@127.0.0.1:9/usage"
    assert cli.exit_code_of(["check"]) == 1
    assert cli.exit_code_of(["run", *DAYS]) == 1
    # Exports need marts; nothing of the demo's is changed by one that is refused at its first request.
    os.environ["DATABASE_URL"] = demo_warehouse_url
    export_that_fails()
    with listening_elasticsearch() as server:
        os.environ["ELASTICSEARCH_URL"] = server.url
        for status in (401, 403, 429):
            server.gate = elastic_that_says_it(status)
            export_that_fails()
        os.environ |= {
            "ELASTICSEARCH_API_KEY": "",
            "ELASTICSEARCH_USERNAME": "elastic",
            "ELASTICSEARCH_PASSWORD": ELASTIC_PASSWORD,
        }
        for status in (401, 302):
            server.gate = elastic_that_says_it(status)
            export_that_fails()
        server.gate = elastic_that_says_it(200, path="/spacelift-usage-hourly/_bulk")
        export_that_fails()
    os.environ["ELASTICSEARCH_URL"] = f"https://elastic:{ELASTIC_URL_PASSWORD}@elastic.example"
    assert cli.exit_code_of(["check"]) == 2
    assert cli.exit_code_of(["export-elastic"]) == 2
    output = "".join(capfd.readouterr())

    # All of it was met, so there was something to repeat.
    for words in (
        *("answered 503", "web page", "answered 429", "redirect to", "refused the API key", "dbt: "),
        *(
            "no answer from Elasticsearch",
            "answered 401 to PUT",
            "answered 429 to PUT",
            "answered 302 to PUT",
        ),
        *("answered 401 to GET", "without one item for each document", "ELASTICSEARCH_URL has more than"),
    ):
        assert words in output, words
    assert any("initdb" in line for line in arguments)
    password_file = home / "postgres" / "password"
    password = password_file.read_text().strip()
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    files = [path for path in home.rglob("*") if path.is_file() and path != password_file]
    assert {path.suffix for path in files} >= {".db", ".gz", ".json", ".log", ".msgpack"}
    told = {"output": output.encode(), "arguments": "\n".join(arguments).encode()}
    told |= {str(path.relative_to(home)): readable(path) for path in files}
    secrets = (
        *(faulty.KEY_SECRET, faulty.TOKEN_SECRET, OTHER_PASSWORD, WEBHOOK, password),
        *(ELASTIC_KEY, ELASTIC_KEY_SECRET, ELASTIC_PASSWORD, ELASTIC_HEADER, ELASTIC_URL_PASSWORD),
        urlsplit(demo_warehouse_url).password or "",
    )
    assert all(secrets)
    assert [(place, secret) for place in told for secret in secrets if secret.encode() in told[place]] == []
