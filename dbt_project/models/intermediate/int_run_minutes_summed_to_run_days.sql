{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='landed_days',
        indexes=[{'columns': ['date_day']}, {'columns': ['run_ulid']}],
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

classified as (

    select
        run_minutes.*,
        coalesce(run_states.state_class, 'unknown') as state_class,
        coalesce(run_states.lifecycle_order, 0) as lifecycle_order
    from run_minutes
    inner join days
        on run_minutes.date_day = days.date_day
    -- Left: Spacelift may send a state that this project does not know yet.
    left join run_states
        on run_minutes.run_state = run_states.run_state

),

summed as (

    select
        ---------- ids
        run_ulid,
        max(stack_ulid) as stack_ulid,

        ---------- text
        (array_agg(stack_slug order by hour_at desc, lifecycle_order desc))[1] as stack_slug,
        (array_agg(stack_name order by hour_at desc, lifecycle_order desc))[1] as stack_name,
        (array_agg(run_type order by hour_at desc, lifecycle_order desc))[1] as run_type,
        (array_agg(run_state order by hour_at desc, lifecycle_order desc, run_state desc))[1]
            as last_run_state,

        ---------- numerics, minutes
        coalesce(sum(state_minutes) filter (where state_class = 'active' and not is_public), 0)
            as private_active_minutes,
        coalesce(sum(state_minutes) filter (where state_class = 'active' and is_public), 0)
            as public_active_minutes,
        coalesce(sum(state_minutes) filter (where state_class = 'waiting_worker'), 0)
            as waiting_worker_minutes,
        coalesce(sum(state_minutes) filter (where state_class = 'waiting_lock'), 0)
            as waiting_lock_minutes,
        coalesce(sum(state_minutes) filter (where state_class = 'waiting_human'), 0)
            as waiting_human_minutes,

        ---------- booleans
        bool_or(is_public) as is_public,
        bool_or(is_stack) as is_stack,

        ---------- dates and times
        date_day,
        min(hour_at) as first_hour_at,
        max(hour_at) as last_hour_at

    from classified
    group by run_ulid, date_day

)

select * from summed
