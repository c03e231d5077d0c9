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

pool_hours as (

    select * from {{ ref('fct_worker_pool_hourly') }}
    {% if is_incremental() %}
    where {{ is_in_days_to_rebuild('date_day', ref('int_fact_days')) }}
    {% endif %}

),

state_hours as (

    select * from {{ ref('int_run_minutes_summed_to_state_hours') }}
    {% if is_incremental() %}
    where {{ is_in_days_to_rebuild('date_day', ref('int_fact_days')) }}
    {% endif %}

),

run_states as (

    select * from {{ ref('dim_run_states') }}

),

counted as (

    select
        hour_at,
        sum(worker_count) as worker_count,
        bool_and(is_zero_filled) as is_zero_filled
    from pool_hours
    group by hour_at

),

summed as (

    select
        state_hours.hour_at,
        sum(state_hours.state_minutes) filter (
            where run_states.state_class = 'active' and not state_hours.is_public
        ) as private_active_minutes,
        sum(state_hours.state_minutes) filter (
            where run_states.state_class = 'active' and state_hours.is_public
        ) as public_active_minutes,
        sum(state_hours.state_minutes) filter (
            where run_states.is_billable and not state_hours.is_public
        ) as private_billable_minutes,
        sum(state_hours.state_minutes) filter (
            where run_states.is_billable and state_hours.is_public
        ) as public_billable_minutes,
        sum(state_hours.state_minutes) filter (where run_states.state_class = 'waiting_worker')
            as waiting_worker_minutes
    from state_hours
    inner join run_states
        on state_hours.run_state = run_states.run_state
    group by state_hours.hour_at

),

spine as (

    select
        hours.hour_at,
        days.date_day,
        days.has_run_minutes,
        days.has_worker_count,
        days.is_covered
    from days
    inner join hours
        on days.date_day = hours.date_day

),

zero_filled as (

    select
        ---------- dates and times
        spine.hour_at,
        spine.date_day,

        ---------- numerics: 0 inside a landed day, null in a day that never landed
        (case when spine.has_worker_count then coalesce(counted.worker_count, 0) end)::integer
            as worker_count,
        (case when spine.has_run_minutes then coalesce(summed.private_active_minutes, 0) end)
        ::numeric(18, 6) as private_active_minutes,
        (case when spine.has_run_minutes then coalesce(summed.public_active_minutes, 0) end)
        ::numeric(18, 6) as public_active_minutes,
        (case when spine.has_run_minutes then coalesce(summed.private_billable_minutes, 0) end)
        ::numeric(18, 6) as private_billable_minutes,
        (case when spine.has_run_minutes then coalesce(summed.public_billable_minutes, 0) end)
        ::numeric(18, 6) as public_billable_minutes,
        (case when spine.has_run_minutes then coalesce(summed.waiting_worker_minutes, 0) end)
        ::numeric(18, 6) as waiting_worker_minutes,

        ---------- booleans
        spine.has_worker_count and coalesce(counted.is_zero_filled, true) as is_zero_filled,
        spine.is_covered

    from spine

    -- Left: an hour may be before the first pool, or without a run.
    left join counted
        on spine.hour_at = counted.hour_at
    left join summed
        on spine.hour_at = summed.hour_at

)

select * from zero_filled
