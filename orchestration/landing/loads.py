"""What is known of every attempt to land a day: the rows of `raw.usage_loads`.

Here: the request, the load, writing it down. Not here: the rows of the day (raw_tables.py).
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import psycopg
from psycopg.pq import TransactionStatus

from orchestration.landing.archive import ArchivedBody
from orchestration.spacelift.aspects import Aspect


@dataclass(frozen=True)
class Load:
    """One attempt to land one aspect of one UTC day, as recorded in `raw.usage_loads`.

    Of a failed attempt the counts are 0: it changed nothing. `rows_read_slowly` are the landed or quarantined
    rows that the fast expression did not pass; many of them mean that the vendor writes values in a new way.
    """

    load_id: int
    aspect: str
    usage_date: dt.date
    status: Literal["succeeded", "failed"]
    error: str | None = None
    rows_landed: int = 0
    rows_outside_window: int = 0
    rows_quarantined: int = 0
    rows_read_slowly: int = 0
    unknown_fields: tuple[str, ...] = ()
    fields_by_position: tuple[str, ...] = ()
    archived: ArchivedBody | None = None


@dataclass(frozen=True)
class Request:
    """What was asked for: one aspect of the UTC days from `since` to `until` (exclusive), and by whom."""

    aspect: Aspect
    account: str
    since: dt.date
    until: dt.date
    source: Literal["api", "file"] = "api"
    run_id: str | None = None

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
    started_at: dt.datetime | None = None,
    archived: ArchivedBody | None = None,
) -> Load:
    """Record that a day could not be landed, in a transaction of its own; its rows are not touched."""
    refuse_open_transaction(connection)
    with connection.transaction():
        load_id = insert_load(
            connection, request, day, status="failed", error=error, started_at=started_at, archived=archived
        )
    return Load(load_id, request.aspect.name, day, status="failed", error=error, archived=archived)


def insert_load(
    connection: psycopg.Connection,
    request: Request,
    day: dt.date,
    *,
    status: Literal["succeeded", "failed"],
    started_at: dt.datetime | None,
    archived: ArchivedBody | None,
    error: str | None = None,
    rows_landed: int = 0,
    rows_outside_window: int = 0,
    rows_quarantined: int = 0,
    sum_landed: Decimal | None = None,
) -> int:
    """Write one load in the transaction that is open, and return its id."""
    row = connection.execute(
        """
        insert into raw.usage_loads (
            account, aspect, usage_date, requested_since, requested_until, source, archive_uri, sha256, bytes,
            rows_landed, rows_outside_window, rows_quarantined, sum_landed, status, error, run_id,
            started_at, finished_at
        )
        values (
            %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
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
