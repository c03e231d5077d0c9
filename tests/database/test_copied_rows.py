"""Rows that came by the vendor's `\\copy` lines: which days count as covered by them."""

import datetime as dt

import psycopg

from orchestration.landing.copied_rows import take_in_copied_rows
from orchestration.spacelift.aspects import WORKER_COUNT

FIRST, UNTIL = dt.date(2024, 2, 1), dt.date(2024, 3, 10)


def copy(connection: psycopg.Connection, *times: str) -> None:
    """One `\\copy` is one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        statement = (
            "insert into raw.worker_count (count, timestamp_unix, worker_pool_name) values (%s, %s, %s)"
        )
        for time in times:
            cursor.execute(
                statement, (3, int(dt.datetime.fromisoformat(f"{time}:00+00:00").timestamp()), "pool")
            )


def take_in(connection: psycopg.Connection) -> dict[str, int]:
    days = take_in_copied_rows(connection, aspect=WORKER_COUNT, account="acme", since=FIRST, until=UNTIL)
    return {f"{day:%m-%d}": rows for day, rows in days.items()}


def test_one_copy_covers_its_first_day_to_its_last_and_two_copies_nothing_between_them(connection):
    copy(connection, "2024-02-27T05:00", "2024-02-29T01:00", "2024-02-29T02:00", "2024-03-01T00:00")
    copy(connection, "2024-03-03T00:00", "2024-03-03T01:00")
    # The 28th is empty, of March 1 there is the extra bucket only, and nothing is known of March 2.
    assert take_in(connection) == {"02-27": 1, "02-28": 0, "02-29": 2, "03-03": 2}
    with connection.transaction():
        sources = connection.execute("select distinct source, status from raw.usage_loads").fetchall()
    assert sources == [("copy", "succeeded")]
    assert take_in(connection) == {}


def test_days_that_landed_and_days_that_are_not_over_are_left_alone(connection):
    with connection.transaction():
        connection.execute(
            "insert into raw.usage_loads (account, aspect, usage_date, requested_since, requested_until,"
            " source, status, started_at, finished_at) values ('acme', 'worker-count', '2024-02-27',"
            " '2024-02-27', '2024-02-28', 'api', 'succeeded', now(), now())"
        )
    copy(
        connection,
        "2024-02-26T05:00",
        "2024-02-27T05:00",
        "2024-02-28T05:00",
        f"{UNTIL}T05:00",
        "2024-01-31T05:00",
    )
    assert take_in(connection) == {"02-26": 1, "02-28": 1}
