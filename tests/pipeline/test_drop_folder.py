"""The drop folder: the sensor as the daemon calls it, its runs executed, the files afterwards."""

import datetime as dt
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from orchestration.definitions import build_defs
from orchestration.demo.account import FIRST_DAY, usage_csv
from orchestration.drop_folder_sensor import dropped_files
from orchestration.settings import VARIABLES
from orchestration.spacelift.aspects import WORKER_COUNT

DAY = FIRST_DAY + dt.timedelta(days=2)
NEXT = DAY + dt.timedelta(days=1)


class Daemon:
    """Ticks the sensor, and executes what it asks for without the models: they are tested elsewhere."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.defs = build_defs(os.environ)
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> dg.RunRequest | None:
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.defs.get_repository_def(),
            resources={"postgres": self.defs.resources["postgres"]},
        )
        tick = dropped_files.evaluate_tick(context)
        self.cursor = tick.cursor
        (request,) = tick.run_requests or [None]
        return request

    def execute(self, request: dg.RunRequest) -> bool:
        job = self.defs.resolve_job_def("spacelift_usage_daily")
        keys = [key for key in request.asset_selection or [] if key.path == ["raw", WORKER_COUNT.table]]
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
