{{ config(meta={'dagster': {'ref': {'name': 'fct_runs'}}}) }}

-- Runs that are seen on no day but those landed anew carry exactly the minutes of the file.

with

staged as (

    select
        run_minutes.run_ulid,
        coalesce(
            sum(run_minutes.state_minutes) filter (where run_states.state_class = 'active'), 0
        ) as active_minutes
    from {{ ref('stg_spacelift__run_minutes') }} as run_minutes
    inner join {{ ref('int_usage_days') }} as days
        on run_minutes.date_day = days.date_day
    -- Left: a state that is not mapped occupies no worker.
    left join {{ ref('run_states') }} as run_states
        on run_minutes.run_state = run_states.run_state
    where
        days.has_run_minutes
        and {{ is_in_days_to_rebuild('run_minutes.timestamp_unix', ref('int_usage_days')) }}
    group by run_minutes.run_ulid

),

other_days as (

    select * from {{ ref('int_usage_days') }}
    where not is_to_rebuild

)

select
    staged.run_ulid,
    staged.active_minutes as active_minutes_in_file,
    runs.active_minutes
from staged
left join {{ ref('fct_runs') }} as runs
    on staged.run_ulid = runs.run_ulid
where
    runs.run_ulid is null
    or (
        runs.active_minutes <> staged.active_minutes
        and not exists (
            select 1 from other_days
            where
                other_days.starts_at <= runs.last_hour_at
                and other_days.ends_at > runs.first_hour_at
        )
    )
