{{ config(meta={'dagster': {'ref': {'name': 'billing_worker_percentiles'}}}) }}

-- The percentiles from counts of hours above a level equal Postgres' own over the dense facts, on
-- the account and on the pools that lived through all counted hours, for periods with days landed
-- anew.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    where is_to_rebuild

),

scoped_hours as (

    select
        null::text as worker_pool_key,
        hour_at,
        worker_count
    from {{ ref('fct_account_hourly') }}
    where hour_at >= (select min(periods.period_start_at) from periods)
    union all
    select
        worker_pool_key,
        hour_at,
        worker_count
    from {{ ref('fct_worker_pool_hourly') }}
    where hour_at >= (select min(periods.period_start_at) from periods)

),

expected as (

    select
        periods.contract_id,
        periods.period_start_at,
        scoped_hours.worker_pool_key,
        count(scoped_hours.worker_count) as hours_counted,
        percentile_disc(0.5) within group (order by scoped_hours.worker_count) as p50_workers,
        percentile_disc(0.95) within group (order by scoped_hours.worker_count) as p95_workers,
        percentile_disc(periods.worker_percentile::float / 100) within group (
            order by scoped_hours.worker_count
        ) as billed_percentile_workers,
        percentile_disc(0.99) within group (order by scoped_hours.worker_count) as p99_workers,
        percentile_cont(0.95) within group (order by scoped_hours.worker_count)
            as p95_workers_interpolated,
        percentile_disc(0.95) within group (order by nullif(scoped_hours.worker_count, 0))
            as p95_workers_without_zeros
    from periods
    inner join scoped_hours
        on periods.period_start_at <= scoped_hours.hour_at
        and periods.period_end_at > scoped_hours.hour_at
    where scoped_hours.worker_count is not null
    group by
        periods.contract_id,
        periods.period_start_at,
        periods.worker_percentile,
        scoped_hours.worker_pool_key

)

select
    expected.contract_id,
    expected.period_start_at,
    expected.worker_pool_key,
    expected.p95_workers as p95_workers_expected,
    percentiles.p95_workers
from expected
left join {{ ref('billing_worker_percentiles') }} as percentiles
    on expected.contract_id = percentiles.contract_id
    and expected.period_start_at = percentiles.period_start_at
    and expected.worker_pool_key is not distinct from percentiles.worker_pool_key
where
    percentiles.contract_id is null
    or percentiles.p95_workers_without_zeros is distinct from expected.p95_workers_without_zeros
    or (
        expected.hours_counted = percentiles.hours_counted
        and (
            percentiles.p50_workers <> expected.p50_workers
            or percentiles.p95_workers <> expected.p95_workers
            or percentiles.billed_percentile_workers <> expected.billed_percentile_workers
            or percentiles.p99_workers <> expected.p99_workers
            or abs(
                percentiles.p95_workers_interpolated - expected.p95_workers_interpolated::numeric
            )
            > 0.000001
        )
    )
