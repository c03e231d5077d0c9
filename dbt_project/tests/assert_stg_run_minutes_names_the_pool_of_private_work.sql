{{
    config(
        severity='warn',
        meta={'dagster': {'ref': {'name': 'stg_spacelift__run_minutes'}}},
    )
}}

-- Work on private workers of no pool, on the days landed anew: it is counted, and billed, but in no
-- pool's minutes. What only waits for a worker may have no pool yet.

with

run_minutes as (

    select * from {{ ref('stg_spacelift__run_minutes') }}
    where {{ is_in_days_to_rebuild('timestamp_unix', ref('int_usage_days')) }}

),

run_states as (

    select * from {{ ref('run_states') }}

)

select run_minutes.*
from run_minutes
inner join run_states
    on run_minutes.run_state = run_states.run_state
where
    run_states.state_class = 'active'
    and not run_minutes.is_public
    and run_minutes.worker_pool_ulid is null
