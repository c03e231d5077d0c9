"""Whether a hand-made file holds its first and its last day whole, and whether it has landed already.

A file replaces whole days, and nothing in it says where it was cut: hours without use have no rows. So a
first or last day counts as held in part, and a person has to insist on it, when

1. the file was written (its time of modification) before its last day was over,
2. the day has landed before, with rows in hours before the file's first or after its last row, or
3. the day never landed, the day beside it has rows in the very hour that touches it, and the silence between
   that hour and the file is longer than any inside the file: use that ends or begins exactly at midnight.

Days between the first and the last are whole in any file that was cut at its ends.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import pairwise

import psycopg
from psycopg import sql

from orchestration.landing.usage_file import SECONDS_PER_HOUR, UsageFile
from orchestration.landing.usage_spans import SECONDS_PER_DAY, unix_seconds
from orchestration.landing.windows import ONE_DAY
from orchestration.spacelift.aspects import Aspect

# The hours of a UTC day that have rows, as Unix seconds; None when the day never landed.
HoursOfDay = Callable[[dt.date], frozenset[int] | None]


def reasons_against_edges(file: UsageFile, *, landed: HoursOfDay) -> list[str]:
    """Why the first or the last day seems to be held only in part, one line for each; none if all is well."""
    reasons = []
    if file.written_at < dt.datetime.combine(file.until, dt.time(), dt.UTC):
        reasons.append(
            f"{file.until - ONE_DAY} was not over when the file was written, "
            f"{file.written_at:%Y-%m-%d %H:%M} UTC"
        )
    first, last = file.hours[0], file.hours[-1]
    longest_silence = max(
        (after - before for before, after in pairwise(file.hours)), default=SECONDS_PER_HOUR
    )
    at_start, at_end = landed(file.since), landed(file.until - ONE_DAY)
    if at_start is None:
        beside = unix_seconds(file.since) - SECONDS_PER_HOUR
        if beside in (landed(file.since - ONE_DAY) or ()) and first - beside > longest_silence:
            reasons.append(
                f"use went on up to {file.since} 00:00, and the file begins only at {_time(first)}"
            )
    elif lost := sorted(hour for hour in at_start if hour < first):
        reasons.append(f"{file.since} has landed from {_time(lost[0])} on, the file begins at {_time(first)}")
    if at_end is None:
        beside = unix_seconds(file.until)
        if beside in (landed(file.until) or ()) and beside - last > longest_silence:
            reasons.append(f"use went on from {file.until} 00:00, and the file ends with {_time(last)}")
    elif lost := sorted(hour for hour in at_end if hour > last):
        reasons.append(
            f"{file.until - ONE_DAY} has landed up to {_time(lost[-1])}, the file ends with {_time(last)}"
        )
    return reasons


def landed_hours(
    connection: psycopg.Connection, *, aspect: Aspect, earlier: Sequence[UsageFile]
) -> HoursOfDay:
    """What the warehouse has of each day, once files that land before this one have landed."""

    def hours(day: dt.date) -> frozenset[int] | None:
        start = unix_seconds(day)
        for file in reversed(earlier):
            if file.aspect == aspect and file.since <= day < file.until:
                return frozenset(hour for hour in file.hours if start <= hour < start + SECONDS_PER_DAY)
        with connection.transaction():
            covered = connection.execute(
                "select 1 from raw.usage_loads"
                " where aspect = %s and usage_date = %s and status = 'succeeded'",
                [aspect.name, day],
            ).fetchone()
            if covered is None:
                return None
            rows = connection.execute(
                sql.SQL(
                    "select distinct timestamp_unix - timestamp_unix %% {} from {}"
                    " where timestamp_unix >= %s and timestamp_unix < %s"
                ).format(sql.Literal(SECONDS_PER_HOUR), sql.Identifier("raw", aspect.table)),
                [start, start + SECONDS_PER_DAY],
            ).fetchall()
        return frozenset(hour for (hour,) in rows)

    return hours


def is_in_the_marts(
    connection: psycopg.Connection, *, aspect: Aspect, since: dt.date, until: dt.date, sha256: str
) -> bool:
    """Whether every day (`until` is exclusive) last landed from these very bytes, and the marts were built
    since."""
    with connection.transaction():
        known = connection.execute("select to_regclass('marts.data_freshness')").fetchone()
        if known is None or known[0] is None:
            return False
        row = connection.execute(
            """
            with latest as (
                select distinct on (usage_date) usage_date, sha256, finished_at
                from raw.usage_loads
                where
                    aspect = %s and usage_date >= %s and usage_date < %s and status = 'succeeded'
                order by usage_date, load_id desc
            )
            select
                count(*) filter (where sha256 = %s) = %s
                and max(finished_at) < (select max(built_at) from marts.data_freshness)
            from latest
            """,
            [aspect.name, since, until, sha256, (until - since).days],
        ).fetchone()
    return bool(row and row[0])


def _time(timestamp: int) -> str:
    return f"{dt.datetime.fromtimestamp(timestamp, dt.UTC):%Y-%m-%d %H:%M}"
