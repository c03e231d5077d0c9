{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='landed_days',
        indexes=[{'columns': ['date_day']}, {'columns': ['stack_ulid', 'date_day'], 'unique': True}],
    )
}}

with

days as (

    select * from {{ ref('int_usage_days') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

run_days as (

    select * from {{ ref('int_run_minutes_summed_to_run_days') }}
    where
        date_day >= (select min(days.date_day) from days)
        and date_day in (select days.date_day from days)

),

summed as (

    select
        ---------- ids
        stack_ulid,

        ---------- text
        (array_agg(stack_slug order by last_hour_at desc, run_ulid desc))[1] as stack_slug,
        (array_agg(stack_name order by last_hour_at desc, run_ulid desc))[1] as stack_name,

        ---------- numerics
        sum(private_active_minutes) as private_active_minutes,
        sum(public_active_minutes) as public_active_minutes,
        sum(waiting_worker_minutes) as waiting_worker_minutes,
        sum(waiting_lock_minutes) as waiting_lock_minutes,
        sum(waiting_human_minutes) as waiting_human_minutes,
        count(*) as run_count,

        ---------- booleans
        bool_or(is_stack) as is_stack,

        ---------- dates and times
        date_day,
        min(first_hour_at) as first_hour_at,
        max(last_hour_at) as last_hour_at

    from run_days
    group by stack_ulid, date_day

)

select * from summed
