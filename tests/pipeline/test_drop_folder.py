"""The drop folder: the sensor as the daemon calls it, its runs executed, the files afterwards."""

import datetime as dt
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from orchestration.definitions import build_defs
from orchestration.demo.account import FIRST_DAY, usage_csv
from orchestration.demo.self_hosted import usage_report
from orchestration.settings import VARIABLES
from orchestration.spacelift.aspects import WORKER_COUNT

DAY = FIRST_DAY + dt.timedelta(days=2)
NEXT = DAY + dt.timedelta(days=1)


class Daemon:
    """Ticks the sensor, and executes what it asks for without the models: they are tested elsewhere."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.defs = build_defs(os.environ)
        self.sensor = self.defs.get_repository_def().get_sensor_def("dropped_files")
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> dg.RunRequest | None:
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.defs.get_repository_def(),
            resources={"postgres": self.defs.resources["postgres"]},
        )
        tick = self.sensor.evaluate_tick(context)
        self.cursor = tick.cursor
        (request,) = tick.run_requests or [None]
        return request

    def execute(self, request: dg.RunRequest) -> bool:
        assert request.job_name is not None
        job = self.defs.resolve_job_def(request.job_name)
        landing = (["raw", WORKER_COUNT.table], ["raw", "selfhosted_rows"])
        keys = [key for key in request.asset_selection or [] if key.path in landing]
        return job.execute_in_process(
            run_config=request.run_config,
            tags=request.tags,
            asset_selection=keys,
            instance=self.instance,
            raise_on_error=False,
        ).success


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "drop"
    folder.mkdir()
    monkeypatch.setenv("USAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SPACELIFT_ACCOUNT", "acme")
    monkeypatch.setenv("USAGE_DROP_FOLDER", str(folder))
    return folder


@pytest.fixture
def daemon(folder: Path) -> Iterator[Daemon]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(instance)


def export(*, since: dt.date = DAY, until: dt.date = NEXT) -> bytes:
    return b"".join(usage_csv(WORKER_COUNT, since=since, until=until))


def reasons(folder: Path) -> dict[str, str]:
    """What stands beside the finished files, by folder and name without the time in front."""
    return {
        f"{path.parent.name}/{path.stem.partition('-')[2]}": path.read_text().strip()
        for path in sorted(folder.glob("*/*.txt"))
        if (path.parent / path.stem).is_file()
    }


def test_a_file_is_landed_once_nobody_writes_to_it_any_more(folder, daemon, database_url):
    whole = export()
    (folder / "usage.csv").write_bytes(whole[:-30])
    (folder / "usage.csv.part").write_bytes(whole)
    assert daemon.tick() is None
    (folder / "usage.csv").write_bytes(whole)
    assert daemon.tick() is None
    request = daemon.tick()
    assert request is not None
    assert request.tags["dagster/asset_partition_range_start"] == DAY.isoformat()
    chosen = {key.to_user_string() for key in request.asset_selection or []}
    assert chosen >= {"raw/worker_count", "raw/usage_loads", "marts/data_freshness"}
    assert not chosen & {"raw/run_minutes", "raw/vendor_usage"}
    # A daemon that was killed before the run began asks for it again.
    again = daemon.tick()
    assert again is not None
    assert again.run_config == request.run_config
    assert daemon.execute(again)
    assert daemon.tick() is None
    assert list(reasons(folder)) == ["done/usage.csv"]
    with psycopg.connect(database_url) as connection:
        loads = connection.execute("select status, source, usage_date from raw.usage_loads").fetchall()
    assert loads == [("succeeded", "file", DAY)]
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["usage.csv.part"]


def test_a_file_that_cannot_land_is_moved_with_its_reason_and_the_next_one_is_taken(folder, daemon):
    (folder / "a.csv").write_text("nothing of ours\n")
    (folder / "b.csv.gz").write_bytes(gzip.compress(export())[:-9])
    (folder / "c.csv").write_bytes(export())
    os.utime(folder / "c.csv", (2e9, 2e9))
    (folder / "d.csv").write_bytes(b"".join(export().splitlines(keepends=True)[:1]) + b"1,x,y,z\n")
    daemon.tick()
    request = daemon.tick()
    assert request is not None
    assert "c.csv" in request.tags["usage/dropped_file"]
    told = reasons(folder)
    assert sorted(told) == ["failed/a.csv", "failed/b.csv.gz", "failed/d.csv"]
    assert "is the header of neither" in told["failed/a.csv"]
    assert "is cut, its gzip stream does not end" in told["failed/b.csv.gz"]
    assert "has no row that could be landed" in told["failed/d.csv"]


def test_a_run_that_fails_leaves_its_reason_beside_the_file(folder, daemon, database_url):
    rows = export().splitlines(keepends=True)
    (folder / "bad.csv").write_bytes(
        b"".join([*rows[:20], b"1,-3,%d,pool\n" % (int(rows[1].split(b",")[2]))])
    )
    daemon.tick()
    request = daemon.tick()
    assert request is not None
    assert not daemon.execute(request)
    daemon.tick()
    told = reasons(folder)
    assert "1 of 20 rows are bad" in told["failed/bad.csv"]


USAGE_ROWS = (
    "select timestamp_unix, worker_pool_name, count::float from raw.worker_count"
    " union all select timestamp_unix, run_ulid || run_state, state_duration_minutes from raw.run_minutes"
    " order by 1, 2"
)


def test_a_report_of_a_self_hosted_instance_is_landed_by_the_job_of_reports(folder, daemon, database_url):
    body = usage_report(since=DAY, until=NEXT, tables=None)
    (folder / f"usage_data_{DAY}_{NEXT}.json").write_bytes(body)
    daemon.tick()
    request = daemon.tick()
    assert request is not None
    assert request.job_name == "spacelift_self_hosted_report"
    assert request.tags["dagster/asset_partition_range_end"] == DAY.isoformat()
    chosen = {key.to_user_string() for key in request.asset_selection or []}
    assert chosen >= {"raw/selfhosted_rows", "raw/usage_loads", "marts/data_freshness"}
    assert not chosen & {"raw/worker_count", "raw/run_minutes", "raw/vendor_worker_pools"}
    assert daemon.execute(request)
    daemon.tick()
    assert list(reasons(folder)) == [f"done/usage_data_{DAY}_{NEXT}.json"]
    told = json.loads(body)["metrics"]
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("select table_name, count(*) from raw.selfhosted_rows group by 1")
        assert dict(tables) == {table: len(days[str(DAY)]) for table, days in told.items()}
        loads = connection.execute(
            "select aspect, status, source, usage_date from raw.usage_loads order by 1"
        )
        assert list(loads) == [
            (aspect, "succeeded", "report", DAY) for aspect in ("run-minutes", "worker-count")
        ]
        landed = list(connection.execute(USAGE_ROWS))
        assert len(landed) > 24

    # Once more, before any marts were built from it: it lands again, and nothing differs.
    (folder / "again.json.gz").write_bytes(gzip.compress(body))
    daemon.tick()
    request = daemon.tick()
    assert request is not None
    assert daemon.execute(request)
    daemon.tick()
    with psycopg.connect(database_url) as connection:
        assert list(connection.execute(USAGE_ROWS)) == landed
        # All of a build that such a look asks for.
        connection.execute("create schema marts create table data_freshness (built_at timestamptz)")
        connection.execute("insert into marts.data_freshness values (now())")

    # And after that: no run.
    (folder / "thrice.json").write_bytes(body)
    daemon.tick()
    assert daemon.tick() is None
    assert f"are in the marts already (report {DAY} to {DAY})" in reasons(folder)["done/thrice.json"]
    # Unless another report has had a word since, even about one table.
    (folder / "logins.json").write_bytes(usage_report(since=DAY, until=NEXT, tables=["logins"]))
    daemon.tick()
    request = daemon.tick()
    assert request is not None
    assert daemon.execute(request)
    with psycopg.connect(database_url) as connection:
        connection.execute("update marts.data_freshness set built_at = now()")
    (folder / "thrice.json").write_bytes(body)
    daemon.tick()
    assert daemon.tick() is not None


def test_a_report_that_cannot_land_is_moved_with_one_line_that_says_why(folder, daemon):
    today = dt.datetime.now(tz=dt.UTC).date()
    body = usage_report(since=DAY, until=NEXT, tables=None)
    damaged = [bytearray(gzip.compress(body)) for _ in range(2)]
    damaged[0][200:300] = bytes(100)
    damaged[1][-3000:-2900] = bytes(100)
    envelope = json.loads(usage_report(since=DAY, until=NEXT, tables=["logins"]))
    for name, content in {
        "cut.json": body[:-100],
        "cut.json.gz": gzip.compress(body)[:-9],
        "damaged.json.gz": damaged[0],
        "damaged late.json.gz": damaged[1],
        "other.json": b'{"data": {}}',
        "early.json": json.dumps(
            envelope | {"time_range": {"start": "2023-12-31T00:00:00Z", "end": "2024-01-02T00:00:00Z"}}
        ).encode(),
        "today.json": json.dumps(
            envelope | {"time_range": {"start": f"{DAY}", "end": f"{today}T23:59:59.999Z"}}
        ).encode(),
    }.items():
        (folder / name).write_bytes(content)
    daemon.tick()
    assert daemon.tick() is None
    told = reasons(folder)
    for name, words in {
        "cut.json": "the JSON is cut or damaged",
        "cut.json.gz": "the gzip file is cut or damaged",
        "damaged.json.gz": "the gzip file is cut or damaged",
        "damaged late.json.gz": "the gzip file is cut or damaged",
        "other.json": "is no usage report of a self-hosted instance",
        "early.json": "begins with 2023-12-31, before USAGE_START_DATE=2024-01-01",
        "today.json": f"goes up to {today}, which is not over: load it on {today + dt.timedelta(days=1)}",
    }.items():
        assert words in told[f"failed/{name}"]
        assert "\n" not in told[f"failed/{name}"]


def test_a_run_of_a_report_that_fails_leaves_its_reason_beside_the_file(folder, daemon, database_url):
    report = json.loads(usage_report(since=DAY, until=NEXT, tables=["heartbeats"]))
    report["metrics"]["heartbeats"][str(DAY)][0]["last_heartbeat_time"] = "?"
    (folder / "report.json").write_text(json.dumps(report))
    daemon.tick()
    request = daemon.tick()
    assert request is not None
    assert not daemon.execute(request)
    daemon.tick()
    assert (
        f"days that did not land: worker-count of {DAY}: heartbeats of {DAY}, row 1: last_heartbeat_time is "
        "no time" in reasons(folder)["failed/report.json"]
    )
