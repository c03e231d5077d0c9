{{ config(meta={'dagster': {'ref': {'name': 'fct_run_state_hourly'}}}) }}

-- Minutes by hour, state and kind of worker are those of the file, on the days landed anew.

with

staged as (

    select
        hour_at,
        run_state,
        is_public,
        sum(state_minutes) as state_minutes
    from {{ ref('stg_spacelift__run_minutes') }}
    where {{ is_in_days_to_rebuild('timestamp_unix', ref('int_usage_days')) }}
    group by hour_at, run_state, is_public

),

facts as (

    select * from {{ ref('fct_run_state_hourly') }}
    where
        state_minutes is not null
        and {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}

),

covered as (

    select hour_at from {{ ref('dim_hours') }}
    where
        date_day in (
            select days.date_day from {{ ref('int_usage_days') }} as days
            where days.has_run_minutes
        )

)

select
    coalesce(facts.hour_at, staged.hour_at) as hour_at,
    coalesce(facts.run_state, staged.run_state) as run_state,
    facts.state_minutes,
    staged.state_minutes as state_minutes_in_file
from facts
full outer join staged
    on facts.hour_at = staged.hour_at
    and facts.run_state = staged.run_state
    and facts.is_public = staged.is_public
where
    coalesce(facts.state_minutes, -1) <> coalesce(staged.state_minutes, 0)
    and coalesce(facts.hour_at, staged.hour_at) in (select covered.hour_at from covered)
