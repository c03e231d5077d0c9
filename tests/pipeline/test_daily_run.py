"""The command line against the demo account: real runs, recorded, into a database of the test's own."""

import datetime as dt
import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import httpx
import psycopg
import pytest
from psycopg import sql

from orchestration import cli
from orchestration.demo.account import FIRST_DAY, usage_csv
from orchestration.demo.server import demo_server
from orchestration.settings import VARIABLES
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT
from tests.conftest import MakeHome
from tests.pipeline.listening_webhook import listening_webhook


@dataclass
class FaultyAccount:
    """The demo's server behind a door that refuses some days, each as often as it is told."""

    endpoint: str = ""
    # (aspect, day that the requested range begins with) -> answers still to give before the real one
    refusals: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = field(default_factory=dict)


@pytest.fixture
def account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_home: MakeHome, database_url: str
) -> Iterator[FaultyAccount]:
    """A configured environment: nothing of the machine's own, a home and a database of this test's own."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    home = make_home(tmp_path / "home", database_url)
    before = dict(os.environ)
    with demo_server() as server, _door(server.endpoint) as account:
        os.environ.update(
            {
                "DAGSTER_HOME": "",
                "USAGE_HOME": str(home),
                "DATABASE_URL": database_url,
                "SPACELIFT_ACCOUNT": "acme",
                "SPACELIFT_API_KEY_ENDPOINT": account.endpoint,
                "SPACELIFT_API_KEY_ID": server.key_id,
                "SPACELIFT_API_KEY_SECRET": server.key_secret,
            }
        )
        try:
            yield account
        finally:
            os.environ.clear()
            os.environ.update(before)


def run(*arguments: str) -> int:
    os.environ["DAGSTER_HOME"] = ""
    return cli.exit_code_of(["run", *arguments])


def rows(database_url: str, query: str) -> list[tuple]:
    with closing(psycopg.connect(database_url)) as connection:
        return connection.execute(query).fetchall()


def recorded_runs(home: Path, filters: dg.RunsFilter | None = None) -> list[dg.DagsterRun]:
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    with dg.DagsterInstance.get() as instance:
        return list(instance.get_runs(filters))


NOT_IN_THE_ARCHIVE = [
    *("last_landed_at", "built_at", "load_id", "previous_load_id", "restated_at"),
    *("vendor_quantity", "vendor_amount", "vendor_fetched_at"),
]

LANDINGS = """
    select aspect, usage_date, count(*) from raw.usage_loads where status = 'succeeded'
    group by aspect, usage_date order by 1, 2
"""
# Sums of floats depend on the order of their rows.
RAW_HOURS = """
    select timestamp_unix, count(*), sum(state_duration_minutes::numeric)
    from raw.run_minutes group by timestamp_unix order by 1
"""


def marts_of(database_url: str) -> dict[str, list[tuple]]:
    """Every row of every mart, without what tells when it landed and what Spacelift's GraphQL said."""
    with closing(psycopg.connect(database_url)) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        ).fetchall()
        return {
            table: connection.execute(
                sql.SQL("select to_jsonb(whole) - %s::text[] from marts.{} as whole order by 1").format(
                    sql.Identifier(table)
                ),
                [NOT_IN_THE_ARCHIVE],
            ).fetchall()
            for (table,) in tables
        }


def test_two_processes_that_land_the_same_day_leave_what_the_archive_alone_gives_in_an_empty_database(
    account, database_url, empty_database_url, tmp_path
):
    command = [sys.executable, "-m", "orchestration.cli", "run"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [*command, "--since", since, "--until", until],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for since, until in (("2026-06-01", "2026-06-03"), ("2026-06-02", "2026-06-04"))
    ]
    said = [process.communicate(timeout=280) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(b"models: " in out and b"done: 2026-06-0" in out for out, _ in said)
    # Neither has anything to say about what went well.
    assert [errors for _, errors in said] == [b"", b""]
    runs = recorded_runs(tmp_path / "home")
    assert [(run.job_name, run.is_success) for run in runs] == [("spacelift_usage_daily", True)] * 2
    # The web page lists a job's runs by this label.
    label = {".dagster/repository": "__repository__@orchestration.definitions"}
    assert len(recorded_runs(tmp_path / "home", dg.RunsFilter(tags=label))) == 2
    # The day of both landed twice, one landing after the other.
    assert [count for *_, count in rows(database_url, LANDINGS)] == [1, 2, 1, 1, 2, 1]
    raw, marts = rows(database_url, RAW_HOURS), marts_of(database_url)
    assert len(marts["fct_account_hourly"]) == 72

    os.environ["DATABASE_URL"] = empty_database_url
    os.environ["SPACELIFT_API_KEY_SECRET"] = "not asked with"
    assert run("--since", "2026-06-01", "--until", "2026-06-04", "--from-archive") == 0
    assert rows(empty_database_url, RAW_HOURS) == raw
    restored = marts_of(empty_database_url)
    assert restored.keys() == marts.keys()
    assert [table for table in marts if restored[table] != marts[table]] == []


def test_a_day_that_fails_is_named_one_that_may_land_is_asked_for_again_and_the_others_are_built(
    account, database_url, tmp_path, capsys
):
    account.refusals["run-minutes", "2026-06-02"] = [(400, {})] * 9
    account.refusals["worker-count", "2026-06-01"] = [(503, {"Retry-After": "0"})]
    with listening_webhook() as webhook:
        os.environ["USAGE_WEBHOOK_URL"] = webhook.url
        assert run("--since", "2026-06-01", "--until", "2026-06-04") == 1
    error = capsys.readouterr().err
    assert "run-minutes: 2026-06-02" in error
    (told,) = webhook.texts
    assert told.startswith("spacelift_usage_daily failed for 2026-06-01 to 2026-06-03: ")
    assert "run-minutes: 2026-06-02" in told
    assert told.endswith("(account acme)")
    assert "2026-06-01" not in error
    assert "Traceback" not in error

    loads = rows(
        database_url, "select aspect, usage_date::text, status from raw.usage_loads order by 1, 2, 3"
    )
    assert [load[:2] for load in loads if load[2] == "succeeded"] == [
        ("run-minutes", "2026-06-01"),
        ("run-minutes", "2026-06-03"),
        ("worker-count", "2026-06-01"),
        ("worker-count", "2026-06-02"),
        ("worker-count", "2026-06-03"),
    ]
    assert account.refusals["worker-count", "2026-06-01"] == []
    covered = rows(
        database_url,
        """
        select (hour_at at time zone 'UTC')::date::text, bool_and(is_covered), count(private_active_minutes)
        from marts.fct_account_hourly group by 1 order by 1
        """,
    )
    assert covered == [("2026-06-01", True, 24), ("2026-06-02", False, 0), ("2026-06-03", True, 24)]

    (failed_run,) = recorded_runs(tmp_path / "home")
    with dg.DagsterInstance.get() as instance:
        materialized = instance.get_materialized_partitions(dg.AssetKey(["raw", "run_minutes"]))
    assert failed_run.status == dg.DagsterRunStatus.FAILURE
    assert materialized == {"2026-06-01", "2026-06-03"}


def copy_by_hand(database_url: str, *, since: dt.date, until: dt.date) -> None:
    for aspect in (RUN_MINUTES, WORKER_COUNT):
        statement = sql.SQL("copy {} from stdin (format csv, header)").format(
            sql.Identifier("raw", aspect.table)
        )
        with (
            psycopg.connect(database_url) as connection,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for block in usage_csv(aspect, since=since, until=until):
                copy.write(block)


def test_exports_and_copies_by_hand_land_without_asking_the_vendor_and_twice_they_change_nothing(
    account, database_url, tmp_path, capsys
):
    first, between, after = (FIRST_DAY + dt.timedelta(days=days) for days in (2, 3, 4))
    exports = {
        tmp_path / "workers-2.csv.gz": (WORKER_COUNT, between, after),
        tmp_path / "workers-1.csv": (WORKER_COUNT, first, between),
        tmp_path / "minutes.csv": (RUN_MINUTES, first, after),
    }
    for path, (aspect, since, until) in exports.items():
        content = b"".join(usage_csv(aspect, since=since, until=until))
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    # Whoever asks the vendor now gets no answer.
    os.environ["SPACELIFT_API_KEY_ENDPOINT"] = "http://127.0.0.1:9"
    command = ["load-file", *map(str, exports)]
    os.environ["DAGSTER_HOME"] = ""
    assert cli.exit_code_of(command) == 0, capsys.readouterr().err
    loads = "select aspect, source, status, usage_date from raw.usage_loads order by 1, 4"
    landed = rows(database_url, loads)
    assert landed == [
        (aspect, "file", "succeeded", day)
        for aspect in ("run-minutes", "worker-count")
        for day in (first, between)
    ]
    # Only the last of the runs has built.
    runs = recorded_runs(tmp_path / "home")
    assert [run.job_name for run in runs] == ["spacelift_usage_daily"] * 3
    assert len(rows(database_url, "select * from marts.fct_account_hourly where is_covered")) == 48

    capsys.readouterr()
    os.environ["DAGSTER_HOME"] = ""
    assert cli.exit_code_of(command) == 0
    assert capsys.readouterr().out.count("these very bytes are in the marts already") == 3
    assert rows(database_url, loads) == landed
    assert len(recorded_runs(tmp_path / "home")) == 3

    half, other = tmp_path / "half.csv", tmp_path / "other.csv"
    lines = b"".join(usage_csv(RUN_MINUTES, since=first, until=after)).splitlines(keepends=True)
    noon = int(dt.datetime.combine(between, dt.time(12), dt.UTC).timestamp())
    half.write_bytes(lines[0] + b"".join(line for line in lines[1:] if int(line.split(b",")[0]) < noon))
    other.write_text("nothing of ours\n")
    assert cli.exit_code_of(["load-file", str(half), str(other)]) == 1
    error = capsys.readouterr().err
    assert "other.csv: its first line is the header of neither run-minutes nor worker-count" in error
    assert f"half.csv: seems to hold a day only in part: {between} has landed up to" in error
    assert rows(database_url, loads) == landed

    # Two days more, copied into the tables as the vendor documents it.
    copy_by_hand(database_url, since=after, until=after + dt.timedelta(days=2))
    os.environ["DAGSTER_HOME"] = ""
    assert cli.exit_code_of(["run", "--no-download"]) == 0, capsys.readouterr().err
    assert rows(database_url, "select count(*) from marts.fct_account_hourly where is_covered") == [(96,)]


def test_another_account_is_refused_before_anything_is_asked_for(account, database_url, capsys):
    with closing(psycopg.connect(database_url)) as connection, connection:
        connection.execute("update raw.warehouse set account = 'globex'")
    assert run("--since", "2026-06-01", "--until", "2026-06-02") == 2
    error = capsys.readouterr().err
    assert "globex" in error
    assert "acme" in error
    assert rows(database_url, "select * from raw.usage_loads") == []


def test_nothing_configured_is_said_in_one_line_that_names_the_variables(account, capsys):
    for name in VARIABLES:
        os.environ.pop(name, None)
    assert run() == 2
    error = capsys.readouterr().err
    assert "SPACELIFT_API_KEY_ENDPOINT" in error
    assert error.count("\n") == 1


@contextmanager
def _door(target: str) -> Iterator[FaultyAccount]:
    account = FaultyAccount()
    http = httpx.Client(base_url=target)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            waiting = [
                answers
                for (aspect, day), answers in account.refusals.items()
                if answers and query["aspect"] == [aspect] and query["since"][0] <= day < query["until"][0]
            ]
            if waiting:
                status, headers = waiting[0].pop()
                self._send(status, headers, b"")
            else:
                self._forward(lambda: http.get(self.path, headers=self._headers()))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._forward(lambda: http.post(self.path, headers=self._headers(), content=body))

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _headers(self) -> dict[str, str]:
            return {name: value for name, value in self.headers.items() if name.lower() != "host"}

        def _forward(self, ask: Callable[[], httpx.Response]) -> None:
            answer = ask()
            self._send(answer.status_code, {"Content-Type": answer.headers["Content-Type"]}, answer.content)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        http.close()
