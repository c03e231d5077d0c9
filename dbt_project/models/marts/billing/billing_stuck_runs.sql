-- Runs that are still waiting when the loaded days end, and have waited for long.

with

runs as (

    select * from {{ ref('fct_runs') }}

),

run_states as (

    select * from {{ ref('dim_run_states') }}

),

stacks as (

    select * from {{ ref('dim_stacks') }}

),

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

calendar as (

    select max(ends_at) as ends_at
    from {{ ref('int_fact_days') }}

),

waiting as (

    select
        runs.*,
        run_states.state_class,
        case run_states.state_class
            when 'waiting_human' then runs.waiting_human_minutes
            when 'waiting_worker' then runs.waiting_worker_minutes
            else runs.waiting_lock_minutes
        end / 60 as waiting_hours
    from runs
    inner join run_states
        on runs.last_run_state = run_states.run_state
    cross join calendar
    where
        run_states.state_class in ('waiting_human', 'waiting_worker', 'waiting_lock')
        and runs.last_hour_at = calendar.ends_at - interval '1 hour'

)

select
    ---------- ids
    billing_hours.contract_id,
    waiting.run_ulid,
    waiting.stack_ulid,

    ---------- dates and times
    billing_hours.period_start_at,
    waiting.run_created_at,
    waiting.last_hour_at,

    ---------- text
    stacks.stack_slug,
    waiting.run_type,
    waiting.last_run_state,
    waiting.state_class,

    ---------- numerics
    waiting.waiting_hours::numeric(18, 6) as waiting_hours
from waiting
inner join stacks
    on waiting.stack_ulid = stacks.stack_ulid
inner join billing_hours
    on waiting.last_hour_at = billing_hours.hour_at
where waiting.waiting_hours > {{ var('stuck_run_hours') }}
