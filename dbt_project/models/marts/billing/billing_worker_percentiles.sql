{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='periods_of_fact_days',
        on_schema_change='append_new_columns',
    )
}}

-- Percentiles by nearest rank, from counts of hours above a level: the value at rank r of N hours
-- is the lowest level with at most N - r hours above it. Zeros need not be read, only counted.

{% set percentiles = [50, 90, 95, 99] %}

with

days as (

    select * from {{ ref('int_fact_days') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

all_periods as (

    select * from {{ ref('dim_billing_periods') }}

),

periods as (

    select * from all_periods
    where exists (
        select 1 from days
        where
            days.starts_at >= all_periods.period_start_at
            and days.starts_at < all_periods.period_end_at
    )

),

pool_hours as (

    select * from {{ ref('fct_worker_pool_hourly') }}
    where
        worker_count is not null
        and hour_at >= (select min(periods.period_start_at) from periods)
        and hour_at < (select max(periods.period_end_at) from periods)

),

account_hours as (

    select * from {{ ref('fct_account_hourly') }}
    where
        worker_count is not null
        and hour_at >= (select min(periods.period_start_at) from periods)
        and hour_at < (select max(periods.period_end_at) from periods)

),

scoped_hours as (

    select
        'account' as scope,
        null::text as worker_pool_key,
        hour_at,
        worker_count
    from account_hours
    union all
    select
        'pool' as scope,
        worker_pool_key,
        hour_at,
        worker_count
    from pool_hours

),

levels as (

    select
        periods.contract_id,
        periods.period_start_at,
        scoped_hours.scope,
        scoped_hours.worker_pool_key,
        scoped_hours.worker_count,
        count(*) as hours_at_level
    from periods
    inner join scoped_hours
        on periods.period_start_at <= scoped_hours.hour_at
        and periods.period_end_at > scoped_hours.hour_at
    group by
        periods.contract_id,
        periods.period_start_at,
        scoped_hours.scope,
        scoped_hours.worker_pool_key,
        scoped_hours.worker_count

),

-- Level 0 always exists: the hours before a pool was born count as 0 in its period.
levels_with_zero as (

    select
        contract_id,
        period_start_at,
        scope,
        worker_pool_key,
        worker_count,
        hours_at_level
    from levels
    where worker_count > 0
    union all
    select distinct
        contract_id,
        period_start_at,
        scope,
        worker_pool_key,
        0 as worker_count,
        0 as hours_at_level
    from levels

),

exceeded as (

    select
        *,
        coalesce(
            sum(hours_at_level) over (
                partition by contract_id, period_start_at, scope, worker_pool_key
                order by worker_count desc
                rows between unbounded preceding and 1 preceding
            ), 0
        )::integer as hours_above,
        sum(hours_at_level) over (
            partition by contract_id, period_start_at, scope, worker_pool_key
        )::integer as hours_above_zero
    from levels_with_zero

),

summed as (

    select
        exceeded.contract_id,
        exceeded.period_start_at,
        exceeded.scope,
        exceeded.worker_pool_key,
        periods.worker_hours_covered as hours_counted,
        max(exceeded.hours_above_zero) as hours_above_zero,
        {% for percentile in percentiles -%}
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= periods.worker_hours_covered
            - ({{ percentile }} * periods.worker_hours_covered + 99) / 100
        ) as p{{ percentile }}_workers,
        {% endfor -%}
        max(exceeded.worker_count) as max_workers,
        sum(exceeded.worker_count * exceeded.hours_at_level) as worker_hours,
        -- Interpolated: between the values at ranks k and k + 1, k = floor(1 + 0.95 (N - 1)).
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= periods.worker_hours_covered
            - (1 + 95 * (periods.worker_hours_covered - 1) / 100)
        ) as lower_workers,
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= greatest(
                periods.worker_hours_covered
                - (2 + 95 * (periods.worker_hours_covered - 1) / 100), 0
            )
        ) as upper_workers,
        (95 * (periods.worker_hours_covered - 1) % 100)::numeric / 100 as upper_share,
        -- What one gets from the file as it comes: the zeros are not in it.
        min(exceeded.worker_count) filter (
            where
            exceeded.worker_count > 0
            and exceeded.hours_above <= exceeded.hours_above_zero
            - (95 * exceeded.hours_above_zero + 99) / 100
        ) as p95_workers_without_zeros
    from exceeded
    inner join periods
        on exceeded.contract_id = periods.contract_id
        and exceeded.period_start_at = periods.period_start_at
    group by
        exceeded.contract_id,
        exceeded.period_start_at,
        exceeded.scope,
        exceeded.worker_pool_key,
        periods.worker_hours_covered

),

percentiles as (

    select
        ---------- ids
        contract_id,
        period_start_at,
        scope,
        worker_pool_key,

        ---------- numerics
        hours_counted,
        (hours_counted - hours_above_zero)::integer as hours_at_zero,
        {% for percentile in percentiles -%}
        p{{ percentile }}_workers,
        {% endfor -%}
        max_workers,
        (worker_hours::numeric / hours_counted)::numeric(18, 6) as mean_workers,
        (lower_workers + upper_share * (upper_workers - lower_workers))::numeric(18, 6)
            as p95_workers_interpolated,
        p95_workers_without_zeros,
        worker_hours::bigint as worker_hours

    from summed

)

select * from percentiles
