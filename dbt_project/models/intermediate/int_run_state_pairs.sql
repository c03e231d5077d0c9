-- The pairs of run state and kind of worker that were ever seen.

with

state_hours as (

    select * from {{ ref('int_run_minutes_summed_to_state_hours') }}

),

pairs as (

    select distinct
        run_state,
        is_public
    from state_hours

)

select * from pairs
