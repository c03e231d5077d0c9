"""Days of a raw table: replaced whole, or left as they were."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.landing.archive import Archive, ArchivedBody
from orchestration.landing.errors import ArchiveError, HeaderError
from orchestration.landing.loads import Load
from orchestration.landing.raw_tables import land
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect
from orchestration.spacelift.errors import SpaceliftUnavailableError

FIRST = dt.date(2024, 2, 28)
LEAP_DAY = dt.date(2024, 2, 29)
MARCH = dt.date(2024, 3, 1)
AFTER = dt.date(2024, 3, 2)
WORKERS = "Id,Count,TimestampUnix,WorkerPoolName\n"
ULID = "01JHFXXPDC6J8XM2VB0M9CS338"


def at(day: dt.date, hour: int = 0) -> int:
    return int(dt.datetime.combine(day, dt.time(hour), dt.UTC).timestamp())


def worker_row(day: dt.date, *, hour: int = 0, count: object = 3, pool: str = "pool") -> str:
    return f"1,{count},{at(day, hour)},{pool}\n"


@pytest.fixture
def land_text(connection: psycopg.Connection, tmp_path: Path) -> Callable[..., list[Load]]:
    def land_text(
        text: str | Iterable[bytes],
        *,
        since: dt.date = LEAP_DAY,
        until: dt.date | None = None,
        aspect: Aspect = WORKER_COUNT,
        run_id: str | None = None,
    ) -> list[Load]:
        until = until or since + dt.timedelta(days=1)
        blocks = iter([text.encode()] if isinstance(text, str) else text)
        with Archive(str(tmp_path)).writer(account="acme", aspect=aspect, since=since, until=until) as writer:

            def kept() -> Iterator[bytes]:
                for block in blocks:
                    writer.write(block)
                    yield block

            return land(
                connection,
                aspect=aspect,
                account="acme",
                since=since,
                until=until,
                blocks=kept(),
                commit_archive=writer.commit,
                run_id=run_id,
            )

    return land_text


def counts(connection: psycopg.Connection) -> list[tuple[int, int]]:
    rows = connection.execute("select timestamp_unix, count from raw.worker_count order by 1, 2").fetchall()
    connection.rollback()
    return rows


def bodies(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_same_day_twice_is_one_set_of_rows(connection, land_text):
    body = WORKERS + worker_row(LEAP_DAY, count=3) + worker_row(LEAP_DAY, hour=1, count=4)
    land_text(body)
    (load,) = land_text(body)
    assert counts(connection) == [(at(LEAP_DAY), 3), (at(LEAP_DAY, 1), 4)]
    assert (load.status, load.rows_landed) == ("succeeded", 2)
