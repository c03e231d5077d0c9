"""A self-hosted instance by the command line: reports to marts, and to Spacelift when somebody asks."""

import datetime as dt
import gzip
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from orchestration import cli
from orchestration.demo.self_hosted import usage_report
from orchestration.demo.server import demo_server
from orchestration.settings import VARIABLES
from tests.conftest import MakeHome
from tests.pipeline.listening_public_api import PublicApi, listening_public_api


@pytest.fixture
def public_api(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_home: MakeHome, database_url: str
) -> Iterator[PublicApi]:
    """Spacelift's public API, in a configured environment with a home and a database of this test's own."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    home = make_home(tmp_path / "home", database_url)
    before = dict(os.environ)
    with demo_server() as server, listening_public_api() as api:
        os.environ.update(
            {
                "DAGSTER_HOME": "",
                "USAGE_HOME": str(home),
                "DATABASE_URL": database_url,
                "SPACELIFT_ACCOUNT": "acme",
                "SPACELIFT_API_KEY_ENDPOINT": server.endpoint,
                "SPACELIFT_API_KEY_ID": server.key_id,
                "SPACELIFT_API_KEY_SECRET": server.key_secret,
                "SPACELIFT_PUBLIC_API": api.url,
            }
        )
        try:
            yield api
        finally:
            os.environ.clear()
            os.environ.update(before)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg.connect(url)) as connection:
        return connection.execute(query).fetchall()


JULY = "between timestamptz '2026-07-01' and timestamptz '2026-07-31 23:59:59'"
PERCENTILES = """
    select scope, worker_pool_key, hours_counted, hours_at_zero, p50_workers, p90_workers, p95_workers,
        p99_workers, max_workers, mean_workers
    from marts.billing_worker_percentiles
    where period_start_at = timestamptz '2026-07-01' and worker_pool_key is distinct from 'any'
    order by 1, 2
"""
WORKER_HOURS = f"""
    select worker_pool_key, hour_at, worker_count from marts.fct_worker_pool_hourly
    where hour_at {JULY} order by 1, 2
"""
# Of runs from July alone: what a run did before the first report, no report can tell.
RUN_MINUTES = """
    select timestamp_unix, run_ulid, run_state, state_duration_minutes, public, run_type, stack_ulid,
        is_stack, worker_pool_ulid
    from raw.run_minutes
    where run_ulid >= %s
        and timestamp_unix >= extract(epoch from timestamptz '2026-07-01')
        and timestamp_unix < extract(epoch from timestamptz '2026-08-01')
    order by 1, 2, 3
"""


def test_a_month_of_reports_has_the_figures_of_its_twin_and_reaches_spacelift_as_it_is_in_the_archive(
    public_api: PublicApi, database_url: str, demo_warehouse_url: str, tmp_path: Path
) -> None:
    month = ["report", "--since", "2026-07-01", "--until", "2026-08-01", "--batch-days", "16"]
    assert cli.exit_code_of([*month, "--send-to-spacelift"]) == 0
    assert rows(database_url, PERCENTILES) == rows(demo_warehouse_url, PERCENTILES)
    assert rows(database_url, WORKER_HOURS) == rows(demo_warehouse_url, WORKER_HOURS)
    first_run = min(
        run for (run,) in rows(database_url, "select distinct run_ulid from raw.run_minutes order by 1")
    )
    query = RUN_MINUTES.replace("%s", f"'{first_run}'")
    minutes = rows(database_url, query)
    assert minutes == rows(demo_warehouse_url, query)
    assert len(minutes) > 30_000
    ((private, public),) = rows(
        database_url,
        "select vendor_quantity, quantity from marts.billing_reconciliation"
        " where metric = 'used_private_minutes'",
    )
    assert 0 <= private - public < 500

    files = sorted((tmp_path / "home/archive/acme/self-hosted").glob("*/*.json"))
    assert [path.name for path in files] == [
        "usage_data_2026-07-01_2026-07-17.json",
        "usage_data_2026-07-17_2026-08-01.json",
    ]
    assert [body for _, _, body in public_api.objects] == [path.read_bytes() for path in files]
    loads = rows(database_url, "select archive_uri from raw.usage_loads where usage_date = '2026-07-20'")
    assert {Path(unquote(urlsplit(uri).path)) for (uri,) in loads} == {files[1]}


def test_a_file_from_an_air_gapped_instance_is_landed_without_asking_or_sending(
    public_api: PublicApi, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beats = {"worker_ulid": "w", "first_heartbeat_time": "2026-06-01T08:00:00Z"}
    report = tmp_path / "from_the_air_gap.json"
    report.write_text(
        json.dumps(
            {
                "account": {"ulid": "01A", "license_id": "L"},
                "time_range": {"start": "2026-06-01T00:00:00Z", "end": "2026-06-03T00:00:00Z"},
                "metrics": {
                    "heartbeats": {
                        "2026-06-01": [beats | {"last_heartbeat_time": "2026-06-01T09:30:00Z"}],
                        "2026-06-02": [beats],
                    }
                },
            }
        )
    )
    os.environ["SPACELIFT_API_KEY_ENDPOINT"] = "https://air-gapped.invalid"
    assert cli.exit_code_of(["load-file", str(report)]) == 1
    # The run ends here, before it builds marts: the other day has landed and waits for the next one.
    assert capsys.readouterr().err.splitlines()[-1] == (
        "days that did not land: worker-count of 2026-06-02: heartbeats of 2026-06-02, row 1: "
        "last_heartbeat_time is no time"
    )
    assert rows(database_url, "select source, usage_date::text, status from raw.usage_loads order by 2") == [
        ("report", "2026-06-01", "succeeded"),
        ("report", "2026-06-02", "failed"),
    ]
    assert rows(database_url, "select count, worker_pool_name from raw.worker_count") == [(1, None)] * 2
    assert rows(database_url, "select source, bytes from raw.selfhosted_reports") == [
        ("file", report.stat().st_size)
    ]
    (archived,) = (tmp_path / "home/archive/acme/self-hosted").glob("*/usage_data_2026-06-01_2026-06-03.json")
    assert archived.read_bytes() == report.read_bytes()
    assert public_api.objects == []

    (tmp_path / "other.json").write_text('{"data": {}}')
    assert cli.exit_code_of(["load-file", str(tmp_path / "other.json")]) == 1
    assert "is no usage report of a self-hosted instance" in capsys.readouterr().err


def test_a_report_file_whose_bytes_are_in_the_marts_already_starts_no_run(
    public_api: PublicApi, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "usage_data_2026-06-01_2026-06-03.json.gz"
    report.write_bytes(
        gzip.compress(usage_report(since=dt.date(2026, 6, 1), until=dt.date(2026, 6, 3), tables=None))
    )
    assert cli.exit_code_of(["load-file", str(report)]) == 0
    covered = "select date_day::text from marts.fct_account_hourly where is_covered group by 1 order by 1"
    assert rows(database_url, covered) == [("2026-06-01",), ("2026-06-02",)]
    reports = "select report_id, source, landed_at from raw.selfhosted_reports"
    before = rows(database_url, reports)
    assert [source for _, source, _ in before] == ["file"]
    capsys.readouterr()
    assert cli.exit_code_of(["load-file", str(report)]) == 0
    assert "are in the marts already (report 2026-06-01 to 2026-06-02)" in capsys.readouterr().out
    assert rows(database_url, reports) == before
    # Of two files, none lands when one is refused.
    early = tmp_path / "early.json"
    early.write_bytes(gzip.decompress(report.read_bytes()).replace(b"2026-06-01T", b"2023-06-01T"))
    assert cli.exit_code_of(["load-file", str(early), str(report)]) == 1
    assert "begins with 2023-06-01, before USAGE_START_DATE" in capsys.readouterr().err


def test_what_a_person_asks_for_wrongly_is_one_line(
    public_api: PublicApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    days = ["report", "--since", "2026-06-01", "--until", "2026-06-02"]

    def said(*arguments: str) -> tuple[int, str]:
        code = cli.exit_code_of([*days, *arguments])
        return code, capsys.readouterr().err.splitlines()[-1]

    assert said("--dry-run") == (
        2,
        "--dry-run and --again are about sending: give --send-to-spacelift as well",
    )
    monkeypatch.setitem(os.environ, "USAGE_REPORTING", "automatic")
    code, words = said("--send-to-spacelift", "--again")
    assert (code, "the instance reports by itself" in words) == (2, True)
    monkeypatch.setitem(os.environ, "USAGE_REPORTING", "sometimes")
    assert said() == (2, "USAGE_REPORTING=sometimes: use automatic, manual or script")
    monkeypatch.setitem(os.environ, "USAGE_REPORTING", "manual")
    monkeypatch.setitem(os.environ, "SPACELIFT_PUBLIC_API", "http://spacelift.example.com")
    code, words = said("--send-to-spacelift")
    assert (code, words.startswith("SPACELIFT_PUBLIC_API: ")) == (2, True)
    monkeypatch.setitem(os.environ, "SPACELIFT_PUBLIC_API", "")
    assert said("--send-to-spacelift")[0] == 2
    code, words = said("--tables", "logins,seats,heartbeats")
    assert code == 1
    tables = json.loads(usage_report(since=dt.date(2026, 6, 1), until=dt.date(2026, 6, 2), tables=None))
    assert f"unknown tables: seats; valid tables: {', '.join(tables['metrics'])}" in words
    assert public_api.objects == []
