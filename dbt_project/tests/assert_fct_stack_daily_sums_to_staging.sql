{{ config(meta={'dagster': {'ref': {'name': 'fct_stack_daily'}}}) }}

-- A day's minutes over all stacks and mapped states are those of the file, on days landed anew.

with

staged as (

    select
        run_minutes.date_day,
        sum(run_minutes.state_minutes) as classed_minutes,
        count(distinct run_minutes.run_ulid) as run_count
    from {{ ref('stg_spacelift__run_minutes') }} as run_minutes
    inner join {{ ref('int_usage_days') }} as days
        on run_minutes.date_day = days.date_day
    -- Left: a state that is not mapped has no class; its minutes are in no column.
    left join {{ ref('run_states') }} as run_states
        on run_minutes.run_state = run_states.run_state
    where
        days.has_run_minutes
        and coalesce(run_states.state_class, 'unknown') not in ('unknown', 'terminal')
        and {{ is_in_days_to_rebuild('run_minutes.timestamp_unix', ref('int_usage_days')) }}
    group by run_minutes.date_day

),

facts as (

    select
        date_day,
        sum(
            active_minutes + waiting_worker_minutes + waiting_lock_minutes + waiting_human_minutes
        ) as classed_minutes
    from {{ ref('fct_stack_daily') }}
    where
        active_minutes is not null
        and {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
    group by date_day

)

select
    coalesce(facts.date_day, staged.date_day) as date_day,
    facts.classed_minutes,
    staged.classed_minutes as classed_minutes_in_file
from facts
full outer join staged
    on facts.date_day = staged.date_day
where coalesce(facts.classed_minutes, 0) <> coalesce(staged.classed_minutes, 0)
