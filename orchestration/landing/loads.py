"""What is known of every attempt to land a day: the rows of `raw.usage_loads`.

Here: the request, the load, writing it down. Not here: the rows of the day (raw_tables.py).
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row

from orchestration.landing.archive_body import ArchivedBody
from orchestration.spacelift.aspects import Aspect

LoadStatus = Literal["succeeded", "failed", "suspicious"]
LoadSource = Literal["api", "file", "copy", "report"]


@dataclass(frozen=True)
class Load:
    """One attempt to land one aspect of one UTC day, as recorded in `raw.usage_loads`.

    A failed or suspicious attempt changed nothing: it landed and quarantined no row, and refused those that
    came. Over all days of a body `lines` = landed + outside + quarantined + refused; None when it was not
    read. `rows_read_slowly` are the landed or quarantined rows that the fast expression did not pass; many of
    them mean that the vendor writes values in a new way.
    """

    load_id: int
    aspect: str
    usage_date: dt.date
    status: LoadStatus
    error: str | None = None
    rows_landed: int = 0
    rows_outside_window: int = 0
    rows_quarantined: int = 0
    rows_refused: int = 0
    lines: int | None = None
    rows_read_slowly: int = 0
    unknown_fields: tuple[str, ...] = ()
    fields_by_position: tuple[str, ...] = ()
    archived: ArchivedBody | None = None


@dataclass(frozen=True)
class FormerLoad:
    """A day's load that the next one takes the place of; its sum is None until somebody asked for it."""

    load_id: int
    rows_landed: int
    sum_landed: Decimal | None


@dataclass(frozen=True)
class Request:
    """What was asked for: one aspect of the UTC days from `since` to `until` (exclusive), and by whom.

    `accept_shrinkage` when a person says that days may come back with far fewer rows than landed before.
    """

    aspect: Aspect
    account: str
    since: dt.date
    until: dt.date
    source: LoadSource = "api"
    run_id: str | None = None
    accept_shrinkage: bool = False

    @property
    def days(self) -> list[dt.date]:
        """The days asked for."""
        return [self.since + dt.timedelta(days=days) for days in range((self.until - self.since).days)]


def record_failure(
    connection: psycopg.Connection,
    *,
    request: Request,
    day: dt.date,
    error: str,
    status: LoadStatus = "failed",
    started_at: dt.datetime | None = None,
    archived: ArchivedBody | None = None,
    rows_outside_window: int = 0,
    rows_refused: int = 0,
    lines: int | None = None,
) -> Load:
    """Record that a day was not landed, in a transaction of its own; its rows are not touched."""
    refuse_open_transaction(connection)
    with connection.transaction():
        load_id = insert_load(
            connection,
            request,
            day,
            status=status,
            error=error,
            started_at=started_at,
            archived=archived,
            rows_outside_window=rows_outside_window,
            rows_refused=rows_refused,
            lines=lines,
        )
    return Load(
        load_id,
        request.aspect.name,
        day,
        status=status,
        error=error,
        rows_outside_window=rows_outside_window,
        rows_refused=rows_refused,
        lines=lines,
        archived=archived,
    )


def insert_load(
    connection: psycopg.Connection,
    request: Request,
    day: dt.date,
    *,
    status: LoadStatus,
    started_at: dt.datetime | None,
    archived: ArchivedBody | None,
    error: str | None = None,
    rows_landed: int = 0,
    rows_outside_window: int = 0,
    rows_quarantined: int = 0,
    sum_landed: Decimal | None = None,
    rows_refused: int = 0,
    lines: int | None = None,
) -> int:
    """Write one load in the transaction that is open, and return its id."""
    row = connection.execute(
        """
        insert into raw.usage_loads (
            account, aspect, usage_date, requested_since, requested_until, source, archive_uri, sha256, bytes,
            rows_landed, rows_outside_window, rows_quarantined, rows_refused, lines, sum_landed, status,
            error, run_id, started_at, finished_at
        )
        values (
            %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
            coalesce(%s, clock_timestamp()), clock_timestamp()
        )
        returning load_id
        """,
        (
            request.account,
            request.aspect.name,
            day,
            request.since,
            request.until,
            request.source,
            archived.uri if archived else None,
            archived.sha256 if archived else None,
            archived.bytes if archived else None,
            rows_landed,
            rows_outside_window,
            rows_quarantined,
            rows_refused,
            lines,
            sum_landed,
            status,
            error,
            request.run_id,
            started_at,
        ),
    ).fetchone()
    assert row is not None  # noqa: S101 - an insert that returns gives a row, or raises
    load_id: int = row[0]
    return load_id


def refuse_open_transaction(connection: psycopg.Connection) -> None:
    """Inside an open transaction our commits would be savepoints, and a failure would undo landed days."""
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("the connection has a transaction open; commit or roll back before landing")


def former_load(connection: psycopg.Connection, *, request: Request, day: dt.date) -> FormerLoad | None:
    """The day's last successful load, in the transaction that is open; None when it never landed."""
    with connection.cursor(row_factory=class_row(FormerLoad)) as cursor:
        return cursor.execute(
            """
            select load_id, coalesce(rows_landed, 0) as rows_landed, sum_landed
            from raw.usage_loads
            where account = %s and aspect = %s and usage_date = %s and status = 'succeeded'
            order by load_id desc
            limit 1
            """,
            (request.account, request.aspect.name, day),
        ).fetchone()


def record_sum(connection: psycopg.Connection, former: FormerLoad, *, sum_landed: Decimal) -> None:
    """Write down what the rows of a load added up to, in the transaction that is open."""
    connection.execute(
        "update raw.usage_loads set sum_landed = %s where load_id = %s", (sum_landed, former.load_id)
    )


def landed_days(connection: psycopg.Connection, *, aspect: Aspect, account: str, run_id: str) -> set[dt.date]:
    """The UTC days that a run has landed already; a repeated step has no need to ask for them again."""
    refuse_open_transaction(connection)
    with connection.transaction():
        rows = connection.execute(
            """
            select usage_date
            from raw.usage_loads
            where run_id = %s and account = %s and aspect = %s and status = 'succeeded'
            """,
            (run_id, account, aspect.name),
        ).fetchall()
    return {usage_date for (usage_date,) in rows}


def days_failed_alone(
    connection: psycopg.Connection, *, aspect: Aspect, account: str, run_id: str
) -> set[dt.date]:
    """The UTC days that a run asked for one by one and did not get; a repeated step asks for them last."""
    refuse_open_transaction(connection)
    with connection.transaction():
        rows = connection.execute(
            """
            select distinct usage_date
            from raw.usage_loads
            where
                run_id = %s and account = %s and aspect = %s and status = 'failed'
                and requested_until = requested_since + 1
            """,
            (run_id, account, aspect.name),
        ).fetchall()
    return {usage_date for (usage_date,) in rows}
