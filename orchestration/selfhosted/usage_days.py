"""Days of a report as days of the two usage files: hourly workers from heartbeats, minutes from transitions.

Here: the rows in the vendor's columns, landed like a download with source `report`, so that all marts are
built from them as from a SaaS account's. Not here: the counting (heartbeats.py, transitions.py), what else a
row says of a run (reported_runs.py).

Reports know pools by ULID. A pool's name is the one that the report gives it, else the one that Spacelift
lists over GraphQL, else its ULID; raw.vendor_worker_pools notes it beside the ULID, for the marts.

What a report says may reach into the days of another: besides the days asked for, every day is counted again
that they may have changed, and landed again if they did.
"""

import csv
import datetime as dt
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

import psycopg
from psycopg import sql

from orchestration.landing.loads import Load, Request, record_failure
from orchestration.landing.raw_tables import land
from orchestration.landing.usage_spans import unix_seconds
from orchestration.landing.windows import ONE_DAY
from orchestration.selfhosted.heartbeats import Stay, stay_of, workers_by_hour
from orchestration.selfhosted.raw_rows import EVER, CoveringReport, covering_reports, latest_rows, rows_of
from orchestration.selfhosted.report import HEARTBEATS, RUN_STATE_TRANSITIONS, WORKER_POOLS
from orchestration.selfhosted.reported_runs import ReportedRuns, UsageRow
from orchestration.selfhosted.transitions import HoursUnknownError, Timelines, transition_of
from orchestration.selfhosted.ulid import is_ulid
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect

# What began before may still go on; of workers and runs that have been silent for longer, nothing is known.
LOOKBACK = dt.timedelta(days=90)
_BLOCK_CHARACTERS = 256 * 1024


@dataclass
class LandedUsage:
    """What came of it: every load, failed ones included, and what a person should know besides."""

    loads: list[Load] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def land_usage_days(
    connection: psycopg.Connection,
    *,
    account: str,
    days: Sequence[dt.date],
    run_id: str | None,
    accept_shrinkage: bool = False,
    on_load: Callable[[Load], None] = lambda load: None,
) -> LandedUsage:
    """Count the usage of these UTC days, whose reports have landed, and replace them in the raw tables.

    A day whose heartbeats cannot be read is not replaced, and its load says why. The connection must have no
    transaction open.
    """
    landing = _Landing(connection, account, frozenset(days), run_id, accept_shrinkage, on_load)
    landing.land_worker_counts()
    landing.land_run_minutes()
    return landing.result


@dataclass(frozen=True)
class _Landing:
    connection: psycopg.Connection
    account: str
    days: frozenset[dt.date]
    run_id: str | None
    accept_shrinkage: bool
    on_load: Callable[[Load], None]
    result: LandedUsage = field(default_factory=LandedUsage)

    def land_worker_counts(self) -> None:
        if not self.days:
            return
        first, after_last = min(self.days), max(self.days) + ONE_DAY
        told, _ = self._stays(since=first, until=after_last)
        since = max(min([first, *(stay.first_at.date() for _, stay in told)]), first - LOOKBACK)
        covered = covering_reports(self.connection, table=HEARTBEATS, since=since)
        stays, unreadable = self._stays(since=since - LOOKBACK)
        for day in sorted(self.days & unreadable.keys()):
            self._fail(WORKER_COUNT, day, unreadable[day])
        wanted = {day: report for day, report in covered.items() if day not in unreadable}
        names = self._pool_names()
        for window, report in _windows(wanted):
            until = window[-1] + ONE_DAY
            counted = workers_by_hour([stay for _, stay in stays], since=window[0], until=until)
            rows = _by_day(
                WORKER_COUNT,
                (
                    (None, workers, int(hour_at.timestamp()), names.get(pool, pool) or None)
                    for pool, hours in counted.items()
                    for hour_at, workers in hours.items()
                ),
            )
            self._land(WORKER_COUNT, window, rows, report)
        self._note_pools(wanted, stays, names)

    def land_run_minutes(self) -> None:
        if not self.days:
            return
        since = min(self.days)
        covered = covering_reports(self.connection, table=RUN_STATE_TRANSITIONS, since=since)
        if not covered:
            return
        runs = ReportedRuns(self.connection, names=self._pool_names(), since=since - LOOKBACK)
        timelines = Timelines()
        seen_until = since - LOOKBACK
        for window, report in _windows(covered):
            until = window[-1] + ONE_DAY
            try:
                transitions = [
                    transition_of(row.row)
                    for row in rows_of(self.connection, RUN_STATE_TRANSITIONS, since=seen_until, until=until)
                ]
                spent = timelines.spent(transitions, since=_midnight(window[0]), until=_midnight(until))
                rows = _by_day(RUN_MINUTES, (runs.row(part) for part in spent if runs.is_told(part.run_ulid)))
            except HoursUnknownError as error:
                self.result.notes.append(
                    f"run minutes by hour are not known from {window[0]} on, its minutes by day count: "
                    f"{RUN_STATE_TRANSITIONS}, {error}"
                )
                return
            seen_until = until
            self._land(RUN_MINUTES, window, rows, report)

    def _stays(
        self, *, since: dt.date, until: dt.date | None = None
    ) -> tuple[list[tuple[dt.date, Stay]], dict[dt.date, str]]:
        """Heartbeats with the day that they are filed under, and the days with one that cannot be read."""
        stays: list[tuple[dt.date, Stay]] = []
        unreadable: dict[dt.date, str] = {}
        for row in rows_of(self.connection, HEARTBEATS, since=since, until=until):
            try:
                stays.append((row.day, stay_of(row.row)))
            except ValueError as error:
                unreadable.setdefault(row.day, f"{HEARTBEATS} of {row.day}, row {row.number}: {error}")
        return stays, unreadable

    def _pool_names(self) -> dict[str, str]:
        """Names by ULID, as the report has them, else as Spacelift's list last had them."""
        with self.connection.transaction():
            listed = self.connection.execute(
                "select distinct on (worker_pool_ulid) worker_pool_ulid, worker_pool_name"
                " from raw.vendor_worker_pools order by worker_pool_ulid, fetched_at desc"
            ).fetchall()
        names = dict(listed)
        for ulid, pool in latest_rows(self.connection, WORKER_POOLS, key="ulid", since=EVER).items():
            if isinstance(name := pool.get("name"), str) and name.strip():
                names[ulid.upper()] = name.strip()
        # Two pools of one name would be one in a file that knows pools by name.
        times = Counter(names.values())
        return {ulid: name for ulid, name in names.items() if times[name] == 1}

    def _note_pools(
        self,
        covered: Mapping[dt.date, CoveringReport],
        stays: Iterable[tuple[dt.date, Stay]],
        names: Mapping[str, str],
    ) -> None:
        """Which name stands for which ULID in the rows that were just written, once a day."""
        by_day: defaultdict[dt.date, set[str]] = defaultdict(set)
        for _, stay in stays:
            if is_ulid(stay.pool):
                day = stay.first_at.date()
                while day <= stay.last_at.date():
                    by_day[day].add(stay.pool)
                    day += ONE_DAY
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(
                "insert into raw.vendor_worker_pools (fetched_at, worker_pool_ulid, worker_pool_name)"
                " values (%s, %s, %s)"
                " on conflict (fetched_at, worker_pool_ulid)"
                " do update set worker_pool_name = excluded.worker_pool_name",
                [
                    (_midnight(day), pool, names.get(pool, pool))
                    for day in sorted(self.days & covered.keys())
                    for pool in sorted(by_day[day])
                ],
            )

    def _land(
        self,
        aspect: Aspect,
        window: Sequence[dt.date],
        rows: Mapping[dt.date, list[UsageRow]],
        report: CoveringReport,
    ) -> None:
        """Land those days of the window that were asked for or have changed."""
        wanted = {day: report for day in window if day in self.days or self._differs(aspect, day, rows[day])}
        for days, _ in _windows(wanted):
            self.result.loads += land(
                self.connection,
                aspect=aspect,
                account=self.account,
                since=days[0],
                until=days[-1] + ONE_DAY,
                blocks=_csv_blocks(aspect, [row for day in days for row in rows[day]]),
                commit_archive=lambda: report.archived,
                source="report",
                run_id=self.run_id,
                accept_shrinkage=self.accept_shrinkage,
                on_load=self.on_load,
            )

    def _differs(self, aspect: Aspect, day: dt.date, rows: Sequence[UsageRow]) -> bool:
        """Whether the day never landed, or its raw rows are others."""
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in aspect.columns)
        with self.connection.transaction():
            landed = self.connection.execute(
                "select 1 from raw.usage_loads"
                " where aspect = %s and usage_date = %s and status = 'succeeded'",
                (aspect.name, day),
            ).fetchone()
            if landed is None:
                return True
            present = self.connection.execute(
                sql.SQL("select {} from {} where timestamp_unix >= %s and timestamp_unix < %s").format(
                    columns, sql.Identifier("raw", aspect.table)
                ),
                (unix_seconds(day), unix_seconds(day + ONE_DAY)),
            ).fetchall()
        return Counter(present) != Counter(
            tuple(float(value) if isinstance(value, Decimal) else value for value in row) for row in rows
        )

    def _fail(self, aspect: Aspect, day: dt.date, error: str) -> None:
        request = Request(aspect, self.account, day, day + ONE_DAY, "report", self.run_id)
        load = record_failure(self.connection, request=request, day=day, error=error)
        self.result.loads.append(load)
        self.on_load(load)


def _windows(
    covered: Mapping[dt.date, CoveringReport],
) -> Iterator[tuple[list[dt.date], CoveringReport]]:
    """Runs of consecutive days of one report, in order."""

    def group(entry: tuple[int, dt.date]) -> tuple[int, dt.date]:
        place, day = entry
        # Days in a row keep their distance from their place in the list.
        return covered[day].report_id, day - ONE_DAY * place

    for _, entries in groupby(enumerate(sorted(covered)), key=group):
        days = [day for _, day in entries]
        yield days, covered[days[0]]


def _by_day(aspect: Aspect, rows: Iterable[UsageRow]) -> Mapping[dt.date, list[UsageRow]]:
    """Rows by the UTC day of their hour; a day without rows has none."""
    place = [column.name for column in aspect.columns].index("timestamp_unix")
    by_day: defaultdict[dt.date, list[UsageRow]] = defaultdict(list)
    for row in rows:
        by_day[dt.datetime.fromtimestamp(row[place], dt.UTC).date()].append(row)
    return by_day


def _csv_blocks(aspect: Aspect, rows: Iterable[UsageRow]) -> Iterator[bytes]:
    """The rows as a usage file, header line included."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in aspect.columns)
    for row in rows:
        writer.writerow(str(value).lower() if isinstance(value, bool) else value for value in row)
        if text.tell() > _BLOCK_CHARACTERS:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
