"""What the charts of use draw: workers, minutes by run state, waiting, coverage. Reads the marts only."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import psycopg

from orchestration.dashboard.frames import DAY_MILLISECONDS, HOUR_MILLISECONDS, Frame, Spread
from orchestration.dashboard.periods import ALL_POOLS, Period

# Hours of both facts have no gaps, so a series is its first hour and its values.
_WORKERS = """
    select null as worker_pool_key, min(hour_at), array_agg(worker_count order by hour_at)
    from marts.fct_account_hourly
    union all
    select worker_pool_key, min(hour_at), array_agg(worker_count order by hour_at)
    from marts.fct_worker_pool_hourly
    group by worker_pool_key
"""
_PERCENTILES = """
    select contract_id, period_start_at, worker_pool_key, billed_percentile_workers,
        case when worker_percentile = 95 then p95_workers_without_zeros end
    from marts.billing_worker_percentiles
"""
_BURST_HOURS = """
    select contract_id, period_start_at, hour_at, worker_count, workers_above, worker_pools, top_stacks
    from marts.billing_burst_hours
    order by hour_at
"""
_MINUTES = """
    with days as (
        select run_state, date_day, round(sum(state_minutes), 1) as minutes
        from marts.fct_run_state_hourly
        where not is_public
        group by run_state, date_day
    )
    select states.state_class, states.run_state, states.lifecycle_order,
        min(days.date_day), array_agg(days.minutes order by days.date_day)
    from days
    inner join marts.dim_run_states as states on days.run_state = states.run_state
    where not states.is_terminal
    group by states.state_class, states.run_state, states.lifecycle_order
    order by states.lifecycle_order
"""
# Means over the hours that are known; an hour of the week without one stays null.
_WAITING = """
    with pool_hours as (
        select contract_id, period_start_at, worker_pool_key, hour_at, waiting_worker_minutes
        from marts.billing_queue_hourly
        where waiting_worker_minutes is not null
    ),
    hours as (
        select * from pool_hours
        union all
        select contract_id, period_start_at, null, hour_at, sum(waiting_worker_minutes)
        from pool_hours
        group by contract_id, period_start_at, hour_at
    ),
    means as (
        select hours.contract_id, hours.period_start_at, hours.worker_pool_key, calendar.hour_of_week,
            round(avg(hours.waiting_worker_minutes) / 60, 4) as mean_waiting_runs
        from hours
        inner join marts.dim_hours as calendar on hours.hour_at = calendar.hour_at
        group by hours.contract_id, hours.period_start_at, hours.worker_pool_key, calendar.hour_of_week
    )
    select contract_id, period_start_at, worker_pool_key,
        array_agg(hour_of_week), array_agg(mean_waiting_runs)
    from means
    group by contract_id, period_start_at, worker_pool_key
    order by period_start_at, worker_pool_key
"""
_DAYS = "select date_day, has_run_minutes, has_worker_count from marts.dim_dates order by date_day"

HOURS_OF_WEEK = 168


def worker_frames(
    connection: psycopg.Connection, *, periods: Sequence[Period], pool_numbers: Mapping[str | None, int]
) -> dict[str, Frame]:
    """Workers per hour, the hours above the commitment, and the levels to compare them with.

    The percentile is the one that the period's contract bills. While a headline says that it is too early for
    one, none is drawn.
    """
    period_numbers = _numbers_of(periods)
    levels: list[tuple[int, int, str, str, int]] = [
        (period.number, ALL_POOLS, "commitment", "", period.committed_workers)
        for period in periods
        if period.committed_workers is not None
    ]
    said = {period.number: period.percentile for period in periods if period.p95_to_date is not None}
    for contract_id, start_at, pool, billed, p95_without_zeros in connection.execute(_PERCENTILES):
        number, pool_number = period_numbers[contract_id, start_at], pool_numbers[pool]
        if number not in said:
            continue
        levels.append((number, pool_number, "percentile", said[number], billed))
        if p95_without_zeros is not None:
            levels.append((number, pool_number, "without_zeros", said[number], p95_without_zeros))
    return {
        "workers": Frame(
            fields=("pool", "first", "workers"),
            rows=[
                (pool_numbers[pool], first, counts) for pool, first, counts in connection.execute(_WORKERS)
            ],
            spread=Spread(values="workers", position="at", first="first", step=HOUR_MILLISECONDS),
        ),
        "burst_hours": Frame(
            fields=("period", "pool", "at", "workers", "above", "pools", "stacks"),
            rows=[
                (period_numbers[contract_id, start_at], ALL_POOLS, *rest)
                for contract_id, start_at, *rest in connection.execute(_BURST_HOURS)
            ],
        ),
        "levels": Frame(fields=("period", "pool", "level", "percentile", "workers"), rows=levels),
    }


def minutes_frame(connection: psycopg.Connection) -> Frame:
    """Minutes per UTC day and run state on private workers, of runs that have not ended."""
    return Frame(
        fields=("state_class", "run_state", "lifecycle_order", "first", "minutes"),
        rows=connection.execute(_MINUTES).fetchall(),
        spread=Spread(values="minutes", position="at", first="first", step=DAY_MILLISECONDS),
    )


def waiting_frame(
    connection: psycopg.Connection, *, periods: Sequence[Period], pool_numbers: Mapping[str | None, int]
) -> Frame:
    """How many runs waited for a worker on average in each hour of the week, 0 being Monday 00:00 UTC."""
    period_numbers = _numbers_of(periods)
    rows = []
    for contract_id, start_at, pool, hours, means in connection.execute(_WAITING):
        by_hour = dict(zip(hours, means, strict=True))
        series = [by_hour.get(hour) for hour in range(HOURS_OF_WEEK)]
        rows.append((period_numbers[contract_id, start_at], pool_numbers[pool], series))
    return Frame(
        fields=("period", "pool", "waiting_runs"),
        rows=rows,
        spread=Spread(values="waiting_runs", position="hour_of_week"),
    )


def coverage_frames(connection: psycopg.Connection, *, periods: Sequence[Period]) -> dict[str, Frame]:
    """Which days have landed, and of each period the stretches that are unknown."""
    days = connection.execute(_DAYS).fetchall()
    return {
        "days": Frame(fields=("day", "has_run_minutes", "has_worker_count"), rows=days),
        "gaps": Frame(
            fields=("period", "file", "since", "until", "why"),
            rows=[gap for period in periods for gap in _gaps(period, days=days)],
        ),
    }


Gap = tuple[int, str, dt.datetime, dt.datetime, str]


def _gaps(period: Period, *, days: Sequence[tuple[dt.date, bool, bool]]) -> Iterator[Gap]:
    """What is not known of a period, by file."""
    first_known, last_known = (_midnight(days[place][0]) for place in (0, -1))
    after = last_known + dt.timedelta(days=1)
    for place, file in ((1, "run-minutes"), (2, "worker-count")):
        if period.start_at < first_known:
            yield period.number, file, period.start_at, first_known, "before the first loaded day"
        for day in days:
            midnight = _midnight(day[0])
            if not day[place] and period.start_at <= midnight < period.end_at:
                yield period.number, file, midnight, midnight + dt.timedelta(days=1), f"no {file} file"
        if after < period.end_at:
            yield period.number, file, max(after, period.start_at), period.end_at, "not loaded yet"


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _numbers_of(periods: Sequence[Period]) -> dict[tuple[str, dt.datetime], int]:
    return {(period.contract_id, period.start_at): period.number for period in periods}
