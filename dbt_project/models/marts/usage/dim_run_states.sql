with

run_states as (

    select * from {{ ref('run_states') }}

),

pairs as (

    select * from {{ ref('int_run_state_pairs') }}

),

known as (

    select
        run_state::text,
        state_class::text,
        occupies_worker::boolean,
        is_billable::boolean,
        is_terminal::boolean,
        lifecycle_order::integer,
        true as is_mapped
    from run_states

),

unmapped as (

    select distinct
        pairs.run_state,
        'unknown' as state_class,
        false as occupies_worker,
        false as is_billable,
        false as is_terminal,
        0 as lifecycle_order,
        false as is_mapped
    from pairs
    -- Left: only those that the seed does not have.
    left join known
        on pairs.run_state = known.run_state
    where known.run_state is null

),

united as (

    select * from known
    union all
    select * from unmapped

)

select * from united
