"""A usage file that a person exported by hand: which file it is, which days it covers, and its landing.

Here: everything the request to the vendor would have told us. Not here: the rows (raw_tables.py), the
download (ingest.py), whether its days may take the place of what landed (partly_held_days.py).

A file says its days only by its rows: it covers every UTC day from its first row to its last, and a day
between them without rows is an empty one. Rows of 00:00 alone do not make a last day: they are the one
bucket that the vendor adds behind the days that were asked for. Gzip is recognised by its first bytes.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from isal import igzip, isal_zlib

from orchestration.landing.archive import Archive
from orchestration.landing.errors import FileRefusedError, HeaderError
from orchestration.landing.loads import Request
from orchestration.landing.one_body import FailedWindow, Progress, land_body
from orchestration.landing.usage_csv import BLOCK_BYTES, GoodRows, UsageCsv
from orchestration.landing.usage_header import Layout
from orchestration.landing.usage_rows import Broken, fast_line_with_any_time, split_record, timestamp_of
from orchestration.landing.usage_spans import SECONDS_PER_DAY, unix_seconds
from orchestration.landing.windows import ONE_DAY
from orchestration.spacelift.aspects import ASPECTS, Aspect

SECONDS_PER_HOUR = 3_600

_ANY_TIME = (dt.date(2010, 1, 1), dt.date(2100, 1, 1))
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class UsageFile:
    """A file whose header and rows have been looked at: it covers `since` to `until` (exclusive), UTC.

    `hours` are the hours that have rows, in order, as Unix seconds; those of the extra bucket at the end are
    not among them. `sha256` is that of the uncompressed bytes, as in the archive.
    """

    path: Path
    aspect: Aspect
    since: dt.date
    until: dt.date
    sha256: str
    hours: tuple[int, ...]
    written_at: dt.datetime

    @property
    def days(self) -> list[dt.date]:
        """The days that it covers."""
        return [self.since + ONE_DAY * number for number in range((self.until - self.since).days)]

    def before(self, day: dt.date) -> "UsageFile":
        """The same file, to be landed only up to this day (exclusive)."""
        hours = tuple(hour for hour in self.hours if hour < unix_seconds(day))
        return replace(self, until=min(self.until, day), hours=hours)


def survey_file(path: Path, *, aspect: Aspect | None = None) -> UsageFile:
    """Find out which aspect and which days a file holds; with `aspect`, it must be that one.

    Raises:
        FileRefusedError: it cannot be read, is no usage file, or has no row that could be landed.
    """
    candidates = [aspect] if aspect else list(ASPECTS.values())
    refusals: list[HeaderError] = []
    for candidate in candidates:
        try:
            return _survey(path, aspect=candidate)
        except HeaderError as error:
            refusals.append(error)
    if len(refusals) == 1:
        raise refusals[0]
    names = " nor ".join(candidate.name for candidate in candidates)
    raise HeaderError(f"{path}: its first line is the header of neither {names}")


def ingest_file(
    path: Path,
    *,
    aspect: Aspect,
    since: dt.date,
    until: dt.date,
    account: str,
    archive: Archive,
    connection: psycopg.Connection,
    run_id: str | None,
    on_progress: Progress,
    accept_shrinkage: bool = False,
) -> list[FailedWindow]:
    """Keep a file in the archive and land its UTC days, `until` excluded, as `ingest` does with a download.

    The connection must have no transaction open; it may be in autocommit mode or not.

    Raises:
        FileRefusedError: it cannot be read any more.
        ArchiveError: the archive cannot be written.
        psycopg.Error: the database failed.
    """
    return land_body(
        Request(aspect, account, since, until, "file", run_id, accept_shrinkage),
        blocks=_blocks(path),
        archive=archive,
        connection=connection,
        on_progress=on_progress,
    )


def _survey(path: Path, *, aspect: Aspect) -> UsageFile:
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for block in _blocks(path):
            digest.update(block)
            yield block

    since, until = _ANY_TIME
    usage = UsageCsv(hashed(), aspect=aspect, since=since, until=until, origin=str(path))
    # The blocks that come out have the kept columns only.
    layout = replace(usage.layout, fields=usage.layout.columns)
    seen: set[int] = set()
    for rows in usage:
        if isinstance(rows, GoodRows):
            seen.update(
                timestamp - timestamp % SECONDS_PER_HOUR
                for timestamp in _timestamps(rows.data, layout=layout)
            )
    if not seen:
        raise FileRefusedError(
            f"{path}: has no row that could be landed, so nothing says which days it covers"
        )
    hours = sorted(seen)
    if hours[-1] % SECONDS_PER_DAY == 0 and len(hours) > 1:
        del hours[-1]
    return UsageFile(
        path,
        aspect,
        since=_day(hours[0]),
        until=_day(hours[-1]) + ONE_DAY,
        sha256=digest.hexdigest(),
        hours=tuple(hours),
        written_at=dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC),
    )


def _day(timestamp: int) -> dt.date:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).date()


def _timestamps(data: bytes, *, layout: Layout) -> Iterator[int]:
    line = fast_line_with_any_time(layout)
    position = 0
    while position < len(data):
        if match := line.match(data, position):
            yield int(match[1])
            position = match.end()
            continue
        record = split_record(data, start=position, stop=len(data), layout=layout)
        assert not isinstance(record, Broken)  # noqa: S101 - these rows have been read before
        timestamp = timestamp_of(record, layout=layout)
        assert timestamp is not None  # noqa: S101 - as above
        yield timestamp
        position = data.index(b"\n", record.end) + 1


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as plain:
            is_gzip = plain.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            plain.seek(0)
            with igzip.GzipFile(fileobj=plain) if is_gzip else plain as file:
                while block := file.read(BLOCK_BYTES):
                    yield block
    except EOFError as error:
        raise FileRefusedError(
            f"{path}: is cut, its gzip stream does not end; export or copy it again"
        ) from error
    except (igzip.BadGzipFile, isal_zlib.error) as error:  # type: ignore[misc]  # its stub says instance, not class
        raise FileRefusedError(f"{path}: is a damaged gzip file; export or copy it again") from error
    except OSError as error:
        raise FileRefusedError(f"{path}: {error.strerror or error}") from error
