"""What raw.usage_loads says about days: for the raw assets and for the checks."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from orchestration.spacelift.aspects import ASPECTS, Aspect

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
class SuspiciousDay:
    """A UTC day that keeps `rows_landed` rows because it last came with only `rows_refused`."""

    usage_date: dt.date
    rows_landed: int
    rows_refused: int

    def __str__(self) -> str:
        return f"{self.usage_date} ({self.rows_landed} rows landed, then {self.rows_refused} came)"


@dataclass(frozen=True)
class UnbalancedBody:
    """A body whose rows do not add up to its lines, and the run that read it."""

    requested_since: dt.date
    requested_until: dt.date
    lines: int
    rows_accounted_for: int
    run_id: str | None

    def __str__(self) -> str:
        return (
            f"{self.requested_since} until {self.requested_until}: {self.lines} lines, "
            f"{self.rows_accounted_for} of them landed, outside, quarantined or refused"
        )


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


def failures_of_run(connection: psycopg.Connection, *, run_id: str) -> list[str]:
    """Days that the attempts of this run together did not land, as `aspect of day: why`, in order."""
    with connection.transaction():
        rows = connection.execute(
            """
            select aspect, usage_date, error
            from (
                select distinct on (aspect, usage_date) load_id, aspect, usage_date, status, error
                from raw.usage_loads
                where run_id = %s
                order by aspect, usage_date, load_id desc
            ) as latest
            where status <> 'succeeded'
            order by load_id
            """,
            [run_id],
        ).fetchall()
    return [f"{aspect} of {day}: {error}" for aspect, day, error in rows]


def suspicious_days(connection: psycopg.Connection, *, aspect: Aspect) -> list[SuspiciousDay]:
    """Days that came with far fewer rows after they had landed, and did not land since; in order."""
    with connection.transaction(), connection.cursor(row_factory=class_row(SuspiciousDay)) as cursor:
        cursor.execute(
            """
            with latest as (
                select
                    usage_date,
                    max(load_id) filter (where status = 'succeeded') as succeeded_load_id,
                    max(load_id) filter (where status = 'suspicious') as suspicious_load_id
                from raw.usage_loads
                where aspect = %s
                group by usage_date
            )
            select latest.usage_date, succeeded.rows_landed, suspicious.rows_refused
            from latest
            inner join raw.usage_loads as succeeded on latest.succeeded_load_id = succeeded.load_id
            inner join raw.usage_loads as suspicious on latest.suspicious_load_id = suspicious.load_id
            where latest.suspicious_load_id > latest.succeeded_load_id
            order by latest.usage_date
            """,
            [aspect.name],
        )
        return cursor.fetchall()


def unbalanced_bodies(connection: psycopg.Connection, *, aspect: Aspect) -> list[UnbalancedBody]:
    """Bodies of which some line became neither a row nor a refused one, or more rows than there were lines.

    Only those whose days are all on record: the rest of the others was never reached.
    """
    with connection.transaction(), connection.cursor(row_factory=class_row(UnbalancedBody)) as cursor:
        cursor.execute(
            """
            select
                requested_since,
                requested_until,
                lines,
                sum(rows_landed + rows_outside_window + rows_quarantined + rows_refused)::bigint
                    as rows_accounted_for,
                run_id
            from raw.usage_loads
            where aspect = %s and lines is not null
            -- What one body gave has the same beginning to the microsecond.
            group by requested_since, requested_until, run_id, started_at, sha256, lines
            having
                count(*) = requested_until - requested_since
                and lines <> sum(rows_landed + rows_outside_window + rows_quarantined + rows_refused)
            order by started_at
            """,
            [aspect.name],
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


def expected_aspects(connection: psycopg.Connection) -> list[Aspect]:
    """The aspects that should land: both, but of a self-hosted instance those that its reports can give."""
    with connection.transaction():
        row = connection.execute("select exists(select from raw.selfhosted_reports)").fetchone()
    if row is None or not row[0]:
        return list(ASPECTS.values())
    landed = last_successes(connection)
    return [aspect for aspect in ASPECTS.values() if aspect.name in landed]


def last_successes(connection: psycopg.Connection) -> dict[str, dt.datetime]:
    """When a day of each aspect last landed, by the aspect's name; without those that never did."""
    with connection.transaction():
        rows = connection.execute(
            "select aspect, max(finished_at) from raw.usage_loads"
            " where status = 'succeeded' group by aspect order by aspect"
        ).fetchall()
    return dict(rows)
