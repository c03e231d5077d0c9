"""Rows of whole UTC days into a raw table: each day replaced in one transaction, with its load record.

Here: delete, COPY, the quarantined rows. Not here: what a good row is (usage_rows.py), how many bad ones are
too many (sorted_rows.py), the load record (loads.py), asking the vendor (ingest.py), who may write when
(warehouse/lock.py).

A day's transaction commits only after the whole body has come and is in the archive. So a cut transfer, a
failed archive or a killed process leaves the day as it was.

Every connection given here must have no transaction open; it may be in autocommit mode or not.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import sql

from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.day_spool import DaySpool
from orchestration.landing.errors import FileRefusedError, ShrunkenDayError, TooManyBadRowsError
from orchestration.landing.loads import (
    FormerLoad,
    Load,
    LoadSource,
    LoadStatus,
    Request,
    former_load,
    insert_load,
    record_failure,
    record_sum,
    refuse_open_transaction,
)
from orchestration.landing.sorted_rows import SortedRows
from orchestration.landing.usage_csv import UsageCsv
from orchestration.landing.usage_header import Layout
from orchestration.landing.usage_rows import MINUTES_BELOW
from orchestration.landing.usage_spans import unix_seconds
from orchestration.spacelift.aspects import ASPECTS, Aspect

# Of fewer rows the half is a run or two, which the vendor may well take back.
SHRINKAGE_FLOOR_ROWS = 4

# What the sum of a day's landed rows is, exactly: to six places, as staging rounds every row. Minutes that
# staging takes for unknown are left out: they must not stop the rows that take their place.
_SUMS = {
    "run-minutes": "round(sum(round(state_duration_minutes * 1000000)::bigint)"
    f" filter (where abs(state_duration_minutes) < {MINUTES_BELOW}) / 1000000::numeric, 6)",
    "worker-count": "sum(count)",
}

# First key of our two-key advisory locks; the second is the aspect. Two-key locks meet no one-key lock.
_LOCK_SPACE = 0x55534147


def land(
    connection: psycopg.Connection,
    *,
    aspect: Aspect,
    account: str,
    since: dt.date,
    until: dt.date,
    blocks: Iterable[bytes],
    commit_archive: Callable[[], ArchivedBody],
    source: LoadSource = "api",
    run_id: str | None = None,
    accept_shrinkage: bool = False,
    on_shrunken: Callable[[ArchivedBody, dt.date], None] = lambda archived, day: None,
    on_load: Callable[[Load], None] = lambda load: None,
) -> list[Load]:
    """Replace the UTC days from `since` to `until` (exclusive) by the rows of one body, also by none.

    `blocks` is the body, header line included; it must raise when the body is not complete. `commit_archive`
    is called once, after the last block and before anything is committed. One day goes straight into its
    table; several days are first kept apart in a temporary file. `on_load` hears of every day, once done.

    Returns one load per day. A day with more than MAX_BAD_PERCENT bad rows, or with a row that Postgres does
    not take, keeps its former rows and has status failed; the other days land. So does a day that comes with
    far fewer rows than landed before, unless `accept_shrinkage`: it is suspicious, and `on_shrunken` hears of
    it before that is on record.

    Raises:
        FileRefusedError: the body as a whole is no file of this aspect; it is in the archive all the same.
        Whatever `blocks` and `commit_archive` raise; then nothing has changed.
    """
    request = Request(aspect, account, since, until, source, run_id, accept_shrinkage)
    refuse_open_transaction(connection)
    started_at = _now(connection)
    blocks = iter(blocks)
    with DaySpool() as bad_rows:
        try:
            usage = UsageCsv(blocks, aspect=aspect, since=since, until=until, origin=_origin(request))
            sorted_rows = SortedRows(usage, bad_rows)
            if len(request.days) == 1:
                pieces = (data for _, data in sorted_rows)
                landing = _Landing(connection, request, sorted_rows, started_at, commit_archive, on_shrunken)
                load = landing.replace_day(since, pieces)
                on_load(load)
                return [load]
            with DaySpool() as good_rows:
                for day, data in sorted_rows:
                    good_rows.append(day, data)
                archived = commit_archive()
                landing = _Landing(
                    connection, request, sorted_rows, started_at, lambda: archived, on_shrunken
                )
                loads = []
                for day in request.days:
                    loads.append(landing.replace_day(day, good_rows.read(day)))
                    on_load(loads[-1])
                return loads
        except FileRefusedError:
            # The person who looks into it wants the whole body; if it is cut, that is the better error.
            for _ in blocks:
                pass
            commit_archive()
            raise


def is_shrunken(*, before: int | None, now: int) -> bool:
    """Whether a day of `before` landed rows (None: it never landed) may not be replaced by `now` unasked."""
    if not before or now >= before:
        return False
    return now == 0 or (before >= SHRINKAGE_FLOOR_ROWS and now * 2 <= before)


@dataclass(frozen=True)
class _Landing:
    """One body on its way into a raw table."""

    connection: psycopg.Connection
    request: Request
    rows: SortedRows
    started_at: dt.datetime
    commit_archive: Callable[[], ArchivedBody]
    on_shrunken: Callable[[ArchivedBody, dt.date], None]

    def replace_day(self, day: dt.date, pieces: Iterable[bytes]) -> Load:
        """Delete the day, COPY its rows, record the load; if they are not fit to stay, record only that."""
        archived: ArchivedBody | None = None

        def pieces_and_then_the_archive() -> Iterator[bytes]:
            # Inside the COPY, so that the archive goes to disk while the server works on the last rows.
            nonlocal archived
            yield from pieces
            archived = self.commit_archive()

        rows = pieces_and_then_the_archive()
        try:
            with self.connection.transaction():
                _keep_others_out(self.connection, self.request.aspect)
                former = former_load(self.connection, request=self.request, day=day)
                if former and former.sum_landed is None:
                    record_sum(self.connection, former, sum_landed=self._sum_of_day(day))
                _copy_day(self.connection, self.request.aspect, day, self.rows.usage.layout, rows)
                assert archived is not None  # noqa: S101 - the COPY took all of its rows
                self.rows.refuse_if_bad(self.request, day)
                self._refuse_if_shrunken(day, former)
                # A day's first rows are added up when others take their place: before, nobody compares them.
                return self._record(day, archived, sum_landed=self._sum_of_day(day) if former else None)
        except TooManyBadRowsError as error:
            return self._record_failure(day, str(error), archived)
        except ShrunkenDayError as error:
            assert archived is not None  # noqa: S101 - as above
            self.on_shrunken(archived, day)
            return self._record_failure(day, str(error), archived, status="suspicious")
        except psycopg.DataError as error:
            # The database knows better than we what it can hold, for example when it is not UTF-8 itself.
            for _ in rows:
                pass
            message = " ".join(str(error).split())
            return self._record_failure(
                day, f"{self.request.aspect.name} of {day}: Postgres refused a row: {message}", archived
            )

    def _refuse_if_shrunken(self, day: dt.date, former: FormerLoad | None) -> None:
        if self.request.accept_shrinkage:
            return
        before, now = former.rows_landed if former else None, self.rows.good[day]
        if is_shrunken(before=before, now=now):
            raise ShrunkenDayError(
                f"{self.request.aspect.name} of {day} came with {now} rows, {before} landed before and stay;"
                " if so few are right, run the day again with --accept-shrinkage"
            )

    def _sum_of_day(self, day: dt.date) -> Decimal:
        """What the rows of the day add up to now: a restatement shows by it."""
        row = self.connection.execute(
            sql.SQL(
                "select coalesce({}, 0) from {} where timestamp_unix >= %s and timestamp_unix < %s"
            ).format(
                sql.SQL(_SUMS[self.request.aspect.name]), sql.Identifier("raw", self.request.aspect.table)
            ),
            (unix_seconds(day), unix_seconds(day + dt.timedelta(days=1))),
        ).fetchone()
        assert row is not None  # noqa: S101 - an aggregate always has a row
        return Decimal(row[0])

    def _record_failure(
        self, day: dt.date, error: str, archived: ArchivedBody | None, *, status: LoadStatus = "failed"
    ) -> Load:
        return record_failure(
            self.connection,
            request=self.request,
            day=day,
            error=error,
            status=status,
            started_at=self.started_at,
            archived=archived,
            rows_outside_window=self.rows.outside(self.request, day),
            rows_refused=self.rows.good[day] + self.rows.bad[day],
            lines=self.rows.lines,
        )

    def _record(self, day: dt.date, archived: ArchivedBody, *, sum_landed: Decimal | None) -> Load:
        outside = self.rows.outside(self.request, day)
        load_id = insert_load(
            self.connection,
            self.request,
            day,
            status="succeeded",
            started_at=self.started_at,
            archived=archived,
            rows_landed=self.rows.good[day],
            rows_outside_window=outside,
            rows_quarantined=self.rows.bad[day],
            sum_landed=sum_landed,
            lines=self.rows.lines,
        )
        if self.rows.bad[day]:
            with (
                self.connection.cursor() as cursor,
                cursor.copy(
                    "copy raw.quarantined_rows (load_id, line_number, raw_line, reason) from stdin"
                ) as copy,
            ):
                for bad_row in self.rows.bad_rows(day):
                    copy.write_row((load_id, *bad_row))
        usage = self.rows.usage
        return Load(
            load_id,
            self.request.aspect.name,
            day,
            status="succeeded",
            rows_landed=self.rows.good[day],
            rows_outside_window=outside,
            rows_quarantined=self.rows.bad[day],
            lines=self.rows.lines,
            rows_read_slowly=usage.rows_read_slowly[day],
            unknown_fields=usage.layout.unknown_fields,
            fields_by_position=usage.layout.fields_by_position,
            archived=archived,
        )


def _keep_others_out(connection: psycopg.Connection, aspect: Aspect) -> None:
    """Until this transaction ends. Two landings of one day at once would each delete only the old rows."""
    connection.execute(
        "select pg_advisory_xact_lock(%s::int, %s::int)", (_LOCK_SPACE, list(ASPECTS).index(aspect.name))
    )


def _copy_day(
    connection: psycopg.Connection, aspect: Aspect, day: dt.date, layout: Layout, pieces: Iterable[bytes]
) -> None:
    """Delete the rows of a day and write new ones, in the transaction that is open."""
    table = sql.Identifier("raw", aspect.table)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("delete from {} where timestamp_unix >= %s and timestamp_unix < %s").format(table),
            (unix_seconds(day), unix_seconds(day + dt.timedelta(days=1))),
        )
        statement = sql.SQL(
            "copy {} ({}) from stdin with (format csv, encoding 'UTF8', force_null ({}))"
        ).format(table, _identifiers(layout, nullable=False), _identifiers(layout, nullable=True))
        with cursor.copy(statement) as copy:
            for piece in pieces:
                copy.write(piece)


def _identifiers(layout: Layout, *, nullable: bool) -> sql.Composed:
    """The columns in the order of the file; only those that may be empty when `nullable`."""
    return sql.SQL(", ").join(
        sql.Identifier(column.name) for column in layout.columns if column.nullable or not nullable
    )


def _now(connection: psycopg.Connection) -> dt.datetime:
    """The time on the clock that also ends the load, so that no load ends before it began."""
    with connection.transaction():
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a select without a table gives one row
    now: dt.datetime = row[0]
    return now


def _origin(request: Request) -> str:
    if len(request.days) == 1:
        return f"{request.aspect.name} of {request.since}"
    return f"{request.aspect.name} of {request.since} to {request.days[-1]}"
