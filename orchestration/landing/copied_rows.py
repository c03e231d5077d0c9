"""Rows that a person copied into the raw tables with psql, as the vendor documents it: their days get a load.

Here: which days count as covered by them. Not here: the tables (warehouse/raw_schema.sql), files that are
landed by us (usage_file.py): those replace days, and are in the archive.

What one transaction copied is taken for one file, as in usage_file.py: it covers every UTC day from its first
row to its last. A last day with rows of 00:00 alone is never taken, not even when it is the only one: it may
be what remains of a longer file. Postgres keeps the transaction with every row (xmin).

Only days are taken that never landed and are over. Copied onto a landed day, rows are in the table twice,
until that day lands again.
"""

import datetime as dt
from collections import Counter, defaultdict

import psycopg
from psycopg import sql

from orchestration.landing.loads import Request, insert_load, refuse_open_transaction
from orchestration.landing.usage_spans import SECONDS_PER_DAY, unix_seconds
from orchestration.landing.windows import ONE_DAY, windows
from orchestration.spacelift.aspects import Aspect

_EPOCH = dt.date(1970, 1, 1)


def take_in_copied_rows(
    connection: psycopg.Connection, *, aspect: Aspect, account: str, since: dt.date, until: dt.date
) -> dict[dt.date, int]:
    """Record a load for every day of `since` to `until` (exclusive) that came by hand; rows by day.

    The connection must have no transaction open. Whoever calls is the only writer (warehouse/lock.py).
    """
    refuse_open_transaction(connection)
    with connection.transaction():
        missing = _days_without_load(connection, aspect=aspect, since=since, until=until)
        rows, last_hours = _rows_of_days(connection, aspect=aspect, days=missing)
        copied: Counter[dt.date] = Counter()
        for transaction, days in rows.items():
            first, last = min(days), max(days)
            if last_hours[transaction, last] == 0:
                last -= ONE_DAY
            for day in missing & {first + ONE_DAY * number for number in range((last - first).days + 1)}:
                copied[day] += days.get(day, 0)
        for day in sorted(copied):
            insert_load(
                connection,
                Request(aspect, account, day, day + ONE_DAY, "copy"),
                day,
                status="succeeded",
                started_at=None,
                archived=None,
                rows_landed=copied[day],
            )
    return dict(sorted(copied.items()))


def _days_without_load(
    connection: psycopg.Connection, *, aspect: Aspect, since: dt.date, until: dt.date
) -> set[dt.date]:
    rows = connection.execute(
        """
        select day::date
        from generate_series(%(since)s::date, %(until)s::date - 1, interval '1 day') as day
        where not exists (
            select 1 from raw.usage_loads
            where aspect = %(aspect)s and usage_date = day::date and status = 'succeeded'
        )
        """,
        {"since": since, "until": until, "aspect": aspect.name},
    ).fetchall()
    return {day for (day,) in rows}


def _rows_of_days(
    connection: psycopg.Connection, *, aspect: Aspect, days: set[dt.date]
) -> tuple[dict[str, dict[dt.date, int]], dict[tuple[str, dt.date], int]]:
    """By transaction: rows of each day, and the last hour of the day that has some."""
    counts: dict[str, dict[dt.date, int]] = defaultdict(dict)
    last_hours: dict[tuple[str, dt.date], int] = {}
    # One query for each stretch of days, so that the index finds the few rows, usually none.
    for window in windows(days, at_most=len(days)):
        rows = connection.execute(
            sql.SQL(
                "select xmin::text, timestamp_unix / {day}, count(*), max(timestamp_unix %% {day}) / 3600"
                " from {table} where timestamp_unix >= %s and timestamp_unix < %s group by 1, 2"
            ).format(day=sql.Literal(SECONDS_PER_DAY), table=sql.Identifier("raw", aspect.table)),
            [unix_seconds(window[0]), unix_seconds(window[-1] + ONE_DAY)],
        ).fetchall()
        for transaction, day_number, count, last_hour in rows:
            day = _EPOCH + ONE_DAY * day_number
            counts[transaction][day] = count
            last_hours[transaction, day] = last_hour
    return counts, last_hours
