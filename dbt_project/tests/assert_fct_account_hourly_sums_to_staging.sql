{{ config(meta={'dagster': {'ref': {'name': 'fct_account_hourly'}}}) }}

-- Active minutes of the account are those of the file, to the last place, on the days landed anew.

with

staged as (

    select
        run_minutes.date_day,
        coalesce(sum(run_minutes.state_minutes) filter (where not run_minutes.is_public), 0)
            as private_active_minutes,
        coalesce(sum(run_minutes.state_minutes) filter (where run_minutes.is_public), 0)
            as public_active_minutes
    from {{ ref('stg_spacelift__run_minutes') }} as run_minutes
    inner join {{ ref('run_states') }} as run_states
        on run_minutes.run_state = run_states.run_state
    where
        run_states.state_class = 'active'
        and {{ is_in_days_to_rebuild('run_minutes.timestamp_unix', ref('int_usage_days')) }}
    group by run_minutes.date_day

),

facts as (

    select
        date_day,
        sum(private_active_minutes) as private_active_minutes,
        sum(public_active_minutes) as public_active_minutes
    from {{ ref('fct_account_hourly') }}
    where
        private_active_minutes is not null
        and {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
    group by date_day

)

select
    facts.date_day,
    staged.private_active_minutes as private_active_minutes_in_file,
    facts.private_active_minutes,
    staged.public_active_minutes as public_active_minutes_in_file,
    facts.public_active_minutes
from facts
-- Left: a landed day may have no active minute.
left join staged
    on facts.date_day = staged.date_day
where
    facts.private_active_minutes <> coalesce(staged.private_active_minutes, 0)
    or facts.public_active_minutes <> coalesce(staged.public_active_minutes, 0)
