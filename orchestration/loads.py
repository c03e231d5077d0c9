"""What raw.usage_loads says about days: for the raw assets and for the checks."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from orchestration.spacelift.aspects import Aspect

# A day and two hours: one nightly run may be late, none may be missing.
FRESH_FOR = dt.timedelta(hours=26)


@dataclass(frozen=True)
class LandedDay:
    """A UTC day that one run landed, and its counts of rows."""

    usage_date: dt.date
    rows_landed: int
    rows_outside_window: int
    rows_quarantined: int
    archive_uri: str | None


@dataclass(frozen=True)
class FailedDay:
    """A UTC day that one run tried and did not land, and why; no reason when it was never tried."""

    usage_date: dt.date
    error: str | None


@dataclass(frozen=True)
class Coverage:
    """All successful loads of one aspect; None and nothing missing before the first one."""

    first_day: dt.date | None
    last_day: dt.date | None
    last_success_at: dt.datetime | None
    missing_days: Sequence[dt.date]


def days_landed_by_run(connection: psycopg.Connection, *, aspect: Aspect, run_id: str) -> list[LandedDay]:
    """The days that this run landed so far, in order."""
    with connection.transaction(), connection.cursor(row_factory=class_row(LandedDay)) as cursor:
        cursor.execute(
            """
            select distinct on (usage_date)
                usage_date,
                coalesce(rows_landed, 0) as rows_landed,
                coalesce(rows_outside_window, 0) as rows_outside_window,
                coalesce(rows_quarantined, 0) as rows_quarantined,
                archive_uri
            from raw.usage_loads
            where aspect = %s and run_id = %s and status = 'succeeded'
            order by usage_date, load_id desc
            """,
            [aspect.name, run_id],
        )
        return cursor.fetchall()


def days_failed_in_run(
    connection: psycopg.Connection, *, aspect: Aspect, run_id: str, days: Sequence[dt.date]
) -> list[FailedDay]:
    """Those of the days that this run did not land, in order, with the last reason."""
    with connection.transaction(), connection.cursor(row_factory=class_row(FailedDay)) as cursor:
        cursor.execute(
            """
            select
                days.usage_date,
                (array_agg(loads.error order by loads.load_id desc))[1] as error
            from unnest(%(days)s::date[]) as days (usage_date)
            left join raw.usage_loads as loads
                on days.usage_date = loads.usage_date
                and loads.aspect = %(aspect)s
                and loads.run_id = %(run_id)s
            group by days.usage_date
            having count(*) filter (where loads.status = 'succeeded') = 0
            order by days.usage_date
            """,
            {"days": list(days), "aspect": aspect.name, "run_id": run_id},
        )
        return cursor.fetchall()


def coverage_of(connection: psycopg.Connection, *, aspect: Aspect) -> Coverage:
    """First and last landed day, the days missing between them, and when anything last landed."""
    with connection.transaction(), connection.cursor(row_factory=class_row(Coverage)) as cursor:
        cursor.execute(
            """
            with covered as (
                select distinct usage_date
                from raw.usage_loads
                where aspect = %(aspect)s and status = 'succeeded'
            ),
            bounds as (
                select min(usage_date) as first_day, max(usage_date) as last_day from covered
            )
            select
                bounds.first_day,
                bounds.last_day,
                (
                    select max(finished_at) from raw.usage_loads
                    where aspect = %(aspect)s and status = 'succeeded'
                ) as last_success_at,
                array(
                    select day::date
                    from generate_series(
                        bounds.first_day::timestamp, bounds.last_day, interval '1 day'
                    ) as day
                    where not exists (select from covered where covered.usage_date = day::date)
                    order by day
                ) as missing_days
            from bounds
            """,
            {"aspect": aspect.name},
        )
        coverage = cursor.fetchone()
    assert coverage is not None  # noqa: S101 - an aggregate always has a row
    return coverage


def last_successes(connection: psycopg.Connection) -> dict[str, dt.datetime]:
    """When a day of each aspect last landed, by the aspect's name; without those that never did."""
    with connection.transaction():
        rows = connection.execute(
            "select aspect, max(finished_at) from raw.usage_loads"
            " where status = 'succeeded' group by aspect order by aspect"
        ).fetchall()
    return dict(rows)
