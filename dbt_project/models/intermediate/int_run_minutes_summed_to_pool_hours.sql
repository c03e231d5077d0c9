{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='landed_days',
        indexes=[{'columns': ['date_day']}],
    )
}}

-- depends_on: {{ ref('int_usage_days') }}

with

stack_hours as (

    select * from {{ ref('int_run_minutes_summed_to_stack_hours') }}
    where
        -- Runs of the public pool, and runs that no pool has taken yet, name no pool.
        (worker_pool_ulid is not null or worker_pool_name is not null)
        {% if is_incremental() %}
        and {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
        {% endif %}

),

summed as (

    select
        hour_at,
        date_day,
        worker_pool_ulid,
        worker_pool_name,
        sum(active_minutes) as active_minutes,
        sum(waiting_worker_minutes) as waiting_worker_minutes
    from stack_hours
    group by hour_at, date_day, worker_pool_ulid, worker_pool_name

)

select * from summed
