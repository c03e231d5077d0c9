{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='landed_days',
        indexes=[{'columns': ['date_day']}],
    )
}}

with

days as (

    select * from {{ ref('int_usage_days') }}
    where
        has_run_minutes
        {% if is_incremental() %} and is_to_rebuild {% endif %}

),

run_minutes as (

    select * from {{ ref('stg_spacelift__run_minutes') }}
    where
        timestamp_unix >= (select min(days.starts_unix) from days)
        and timestamp_unix < (select max(days.ends_unix) from days)

),

run_states as (

    select * from {{ ref('run_states') }}

),

summed as (

    select
        run_minutes.hour_at,
        run_minutes.date_day,
        run_minutes.stack_ulid,
        run_minutes.worker_pool_ulid,
        run_minutes.worker_pool_name,
        run_minutes.is_public,
        max(run_minutes.stack_name) as stack_name,
        coalesce(
            sum(run_minutes.state_minutes) filter (where run_states.state_class = 'active'), 0
        ) as active_minutes,
        coalesce(sum(run_minutes.state_minutes) filter (where run_states.is_billable), 0)
            as billable_minutes,
        coalesce(
            sum(run_minutes.state_minutes) filter (where run_states.state_class = 'waiting_worker'),
            0
        ) as waiting_worker_minutes
    from run_minutes
    inner join days
        on run_minutes.date_day = days.date_day
    -- Left: Spacelift may send a state that this project does not know yet.
    left join run_states
        on run_minutes.run_state = run_states.run_state
    group by
        run_minutes.hour_at,
        run_minutes.date_day,
        run_minutes.stack_ulid,
        run_minutes.worker_pool_ulid,
        run_minutes.worker_pool_name,
        run_minutes.is_public

)

select * from summed
