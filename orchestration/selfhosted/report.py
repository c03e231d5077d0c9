"""The usage report of a self-hosted instance: its envelope, its whole days, its rows by table and day.

Here: bytes to a Report, and what is wrong with them. Not here: asking for it (client.py), its rows' meaning
(heartbeats.py, transitions.py).
Source: spacelift-io/self-hosted-usage-data-exporter, export.py (account, time_range, file names). The shape
of `metrics` is known from one public reader of the files only: `{table: {day: [row, …]}}`.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from orchestration.landing.errors import FileRefusedError

HEARTBEATS = "heartbeats"
RUNS = "runs"
RUN_STATE_TRANSITIONS = "run_state_transitions"
STACKS = "stacks"
WORKER_POOLS = "worker_pools"

# An end of 23:59:59.999 means midnight.
_TO_MIDNIGHT = dt.timedelta(seconds=1)
_ONE_DAY = dt.timedelta(days=1)
_EARLIEST_DAY = dt.date(2010, 1, 1)
_LATEST_DAY = dt.date(2100, 1, 1)

Row = Mapping[str, Any]


class DamagedReportError(FileRefusedError):
    """It is no JSON, or only the beginning of one."""


@dataclass(frozen=True)
class ReportRow:
    """One row of one table, filed under a UTC day, with its place there from 1."""

    table: str
    day: dt.date
    number: int
    row: Row


@dataclass(frozen=True)
class Report:
    """A report that has been read. It covers the whole UTC days from `since` to `until` (exclusive).

    `tables` are those that came, with or without rows; of others nothing is known.
    """

    since: dt.date
    until: dt.date
    account_ulid: str | None
    license_id: str | None
    spacelift_version: str | None
    metrics: Mapping[str, Mapping[dt.date, Sequence[Row]]]

    @property
    def tables(self) -> list[str]:
        """The names of the tables that came."""
        return sorted(self.metrics)

    @property
    def file_name(self) -> str:
        """What the vendor's own script calls it."""
        return f"usage_data_{self.since}_{self.until}.json"

    @property
    def days(self) -> list[dt.date]:
        """The days it covers."""
        return [self.since + _ONE_DAY * number for number in range((self.until - self.since).days)]

    def rows(self) -> Iterator[ReportRow]:
        """All rows of the covered days."""
        for table in self.tables:
            for day, rows in sorted(self.metrics[table].items()):
                if self.since <= day < self.until:
                    yield from (ReportRow(table, day, place, row) for place, row in enumerate(rows, start=1))

    @property
    def rows_outside(self) -> int:
        """Rows filed under days that the report does not cover whole."""
        return sum(
            len(rows)
            for days in self.metrics.values()
            for day, rows in days.items()
            if not self.since <= day < self.until
        )


def read_report(body: bytes, *, origin: str) -> Report:
    """Read a report whole; `origin` names it in messages. Tables and columns that nobody knows are kept.

    Raises:
        DamagedReportError: it is no JSON.
        FileRefusedError: it is not in the envelope of a report, or holds no whole UTC day.
    """
    try:
        told = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        # Not chained: the cause holds the whole body.
        raise DamagedReportError(f"{origin}: the JSON is cut or damaged") from None
    if not isinstance(told, dict) or not {"account", "time_range", "metrics"} <= told.keys():
        names = ", ".join(sorted(map(str, told))[:8]) if isinstance(told, dict) else type(told).__name__
        raise FileRefusedError(
            f"{origin}: is no usage report of a self-hosted instance, which has account, time_range and "
            f"metrics; this has {names[:200] or 'nothing'}"
        )
    account = _mapping(told["account"], what="account", origin=origin)
    time_range = _mapping(told["time_range"], what="time_range", origin=origin)
    since = _midnight(_bound(time_range, "start", origin=origin), is_start=True)
    until = _midnight(_bound(time_range, "end", origin=origin), is_start=False)
    if since >= until:
        raise FileRefusedError(
            f"{origin}: holds no whole UTC day, its time_range is {time_range.get('start')} to "
            f"{time_range.get('end')}"
        )
    return Report(
        since=since,
        until=until,
        account_ulid=_text(account.get("ulid")),
        license_id=_text(account.get("license_id")),
        spacelift_version=_text(told.get("spacelift_version")),
        metrics={
            str(table): _days(days, table=str(table), origin=origin)
            for table, days in _mapping(told["metrics"], what="metrics", origin=origin).items()
        },
    )


def instant(value: object) -> dt.datetime:
    """A time as the report writes it: ISO 8601 (no zone means UTC), or Unix seconds.

    Raises:
        ValueError: it is neither, or no plausible time.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("no time")  # noqa: TRY004 - to whoever asks it is a value like any other
    if isinstance(value, str):
        at = dt.datetime.fromisoformat(value)
        at = at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    else:
        try:
            at = dt.datetime.fromtimestamp(value, dt.UTC)
        except (OverflowError, OSError) as error:
            raise ValueError("no time") from error
    if not _EARLIEST_DAY <= at.date() < _LATEST_DAY:
        raise ValueError("no plausible time")
    return at


def _days(told: object, *, table: str, origin: str) -> dict[dt.date, Sequence[Row]]:
    days: dict[dt.date, Sequence[Row]] = {}
    # A table or a day without rows may be null.
    for written, rows in _mapping(told or {}, what=f"metrics.{table}", origin=origin).items():
        try:
            day = dt.date.fromisoformat(written[:10])
        except ValueError:
            raise FileRefusedError(f"{origin}: metrics.{table} has {written[:40]!r} for a day") from None
        listed = rows or []
        if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
            raise FileRefusedError(f"{origin}: metrics.{table} of {day} is no list of rows")
        days[day] = [*days.get(day, []), *listed]
    return days


def _mapping(told: object, *, what: str, origin: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise FileRefusedError(f"{origin}: {what} is no JSON object")
    return told


def _bound(time_range: Mapping[str, Any], name: str, *, origin: str) -> dt.datetime:
    try:
        return instant(time_range.get(name))
    except ValueError:
        raise FileRefusedError(f"{origin}: time_range.{name} is no time") from None


def _midnight(at: dt.datetime, *, is_start: bool) -> dt.date:
    """The first whole day from the start on, or the day that the end stops before."""
    if not is_start:
        return (at + _TO_MIDNIGHT).date()
    return at.date() if at.time() == dt.time() else at.date() + _ONE_DAY


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _refuse_constant(text: str) -> NoReturn:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(text)
