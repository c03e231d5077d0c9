"""A usage file that a person exported by hand: which file it is, which days it covers, and its landing.

Here: everything the request to the vendor would have told us. Not here: the rows (raw_tables.py), the
download (ingest.py).

A file says its days only by its rows: it covers every UTC day from its first row to its last, and a day
between them without rows is an empty one. Rows of 00:00 alone do not make a last day: they are the one
bucket that the vendor adds behind the days that were asked for.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.errors import FileRefusedError, HeaderError
from orchestration.landing.ingest import ONE_DAY, FailedWindow, Progress, land_body
from orchestration.landing.loads import Request
from orchestration.landing.usage_csv import BLOCK_BYTES, GoodRows, UsageCsv
from orchestration.landing.usage_header import Layout
from orchestration.landing.usage_rows import Broken, split_record, timestamp_of
from orchestration.landing.usage_spans import unix_seconds
from orchestration.spacelift.aspects import ASPECTS, Aspect

_ANY_TIME = (dt.date(2010, 1, 1), dt.date(2100, 1, 1))
_SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True)
class UsageFile:
    """A file whose header and rows have been looked at: it covers `since` to `until` (exclusive), UTC."""

    path: Path
    aspect: Aspect
    since: dt.date
    until: dt.date


def survey_file(path: Path, *, aspect: Aspect | None = None) -> UsageFile:
    """Find out which aspect and which days a file holds; with `aspect`, it must be that one.

    Raises:
        FileRefusedError: it cannot be read, is no usage file, or has no row that could be landed.
    """
    candidates = [aspect] if aspect else list(ASPECTS.values())
    refusals: list[HeaderError] = []
    for candidate in candidates:
        try:
            days = _days(path, aspect=candidate)
        except HeaderError as error:
            refusals.append(error)
        else:
            return UsageFile(path, candidate, min(days), max(days) + ONE_DAY)
    if len(refusals) == 1:
        raise refusals[0]
    names = " nor ".join(candidate.name for candidate in candidates)
    raise HeaderError(f"{path}: its first line is the header of neither {names}")


def ingest_file(
    file: UsageFile,
    *,
    account: str,
    archive: Archive,
    connection: psycopg.Connection,
    run_id: str | None,
    on_progress: Progress,
    accept_shrinkage: bool = False,
) -> list[FailedWindow]:
    """Keep a file in the archive and land its days, as `ingest` does with a download.

    The connection must have no transaction open; it may be in autocommit mode or not.

    Raises:
        FileRefusedError: it cannot be read any more.
        ArchiveError: the archive cannot be written.
        psycopg.Error: the database failed.
    """
    return land_body(
        Request(file.aspect, account, file.since, file.until, "file", run_id, accept_shrinkage),
        blocks=_blocks(file.path),
        archive=archive,
        connection=connection,
        on_progress=on_progress,
    )


def _days(path: Path, *, aspect: Aspect) -> set[dt.date]:
    """The UTC days that have rows, without a last day that has rows of 00:00 alone."""
    since, until = _ANY_TIME
    usage = UsageCsv(_blocks(path), aspect=aspect, since=since, until=until, origin=str(path))
    # The blocks that come out have the kept columns only.
    layout = replace(usage.layout, fields=usage.layout.columns)
    days: set[dt.date] = set()
    beyond_first_hour: set[dt.date] = set()
    for rows in usage:
        if isinstance(rows, GoodRows):
            days.add(rows.day)
            if rows.day == max(days) and rows.day not in beyond_first_hour:
                first_hour_ends = unix_seconds(rows.day) + _SECONDS_PER_HOUR
                if any(timestamp >= first_hour_ends for timestamp in _timestamps(rows.data, layout=layout)):
                    beyond_first_hour.add(rows.day)
    if not days:
        raise FileRefusedError(
            f"{path}: has no row that could be landed, so nothing says which days it covers"
        )
    if len(days) > 1 and max(days) not in beyond_first_hour:
        days.remove(max(days))
    return days


def _timestamps(data: bytes, *, layout: Layout) -> Iterator[int]:
    position = 0
    while position < len(data):
        record = split_record(data, start=position, stop=len(data), layout=layout)
        assert not isinstance(record, Broken)  # noqa: S101 - these rows have been read before
        timestamp = timestamp_of(record, layout=layout)
        assert timestamp is not None  # noqa: S101 - as above
        yield timestamp
        position = data.index(b"\n", record.end) + 1


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except OSError as error:
        raise FileRefusedError(f"{path}: {error.strerror}") from error
