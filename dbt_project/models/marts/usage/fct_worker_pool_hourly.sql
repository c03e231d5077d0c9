{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='fact_days',
        indexes=[{'columns': ['date_day']}],
    )
}}

with

days as (

    select * from {{ ref('int_fact_days') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

hours as (

    select * from {{ ref('dim_hours') }}

),

pools as (

    select * from {{ ref('int_worker_pools') }}

),

pool_names as (

    select * from {{ ref('int_worker_pool_names') }}

),

worker_counts as (

    select * from {{ ref('int_worker_counts_matched_to_pools') }}
    {% if is_incremental() %}
    where {{ is_in_days_to_rebuild('date_day', ref('int_fact_days')) }}
    {% endif %}

),

run_minutes as (

    select * from {{ ref('int_run_minutes_matched_to_pools') }}
    {% if is_incremental() %}
    where {{ is_in_days_to_rebuild('date_day', ref('int_fact_days')) }}
    {% endif %}

),

-- In the hour of a rename a pool is there under both names: the same workers, not twice as many.
counted as (

    select
        worker_pool_key,
        hour_at,
        max(worker_count) as worker_count
    from worker_counts
    group by worker_pool_key, hour_at

),

summed as (

    select
        worker_pool_key,
        hour_at,
        sum(active_minutes) as active_minutes,
        sum(waiting_worker_minutes) as waiting_worker_minutes
    from run_minutes
    group by worker_pool_key, hour_at

),

spine as (

    select
        pools.worker_pool_key,
        hours.hour_at,
        days.date_day,
        days.has_run_minutes,
        days.has_worker_count,
        days.is_covered
    from days
    inner join hours
        on days.date_day = hours.date_day
    inner join pools
        on hours.hour_at >= pools.counted_from_at

),

zero_filled as (

    select
        ---------- ids
        spine.worker_pool_key,

        ---------- text
        coalesce(pool_names.worker_pool_name, '(unnamed)') as worker_pool_name,

        ---------- dates and times
        spine.hour_at,
        spine.date_day,

        ---------- numerics: 0 inside a landed day, null in a day that never landed
        case when spine.has_worker_count then coalesce(counted.worker_count, 0) end
            as worker_count,
        (case when spine.has_run_minutes then coalesce(summed.active_minutes, 0) end)
        ::numeric(18, 6) as active_minutes,
        (case when spine.has_run_minutes then coalesce(summed.waiting_worker_minutes, 0) end)
        ::numeric(18, 6) as waiting_worker_minutes,

        ---------- booleans
        spine.has_worker_count and counted.worker_count is null as is_zero_filled,
        spine.is_covered

    from spine

    inner join pool_names
        on spine.worker_pool_key = pool_names.worker_pool_key
        and spine.hour_at >= pool_names.valid_from_at
        and spine.hour_at < pool_names.valid_to_at

    -- Left: Spacelift leaves out the hours without workers and without runs, the spine has them.
    left join counted
        on spine.worker_pool_key = counted.worker_pool_key
        and spine.hour_at = counted.hour_at
    left join summed
        on spine.worker_pool_key = summed.worker_pool_key
        and spine.hour_at = summed.hour_at

)

select * from zero_filled
