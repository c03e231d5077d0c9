-- Which pool a name in the worker-count file means, and when. That file knows pools by name only.
-- Names stand beside ULIDs in the run-minutes file, by the hour, and in Spacelift's own list, once
-- a day, which also has pools without runs. Names change hands (rename, delete and create again),
-- so a name is a pool's from the first hour in which it can be, until the next takes it.

with

pool_hours as (

    select * from {{ ref('int_run_minutes_summed_to_pool_hours') }}

),

listed_pools as (

    select * from {{ ref('stg_spacelift__vendor_worker_pools') }}

),

sightings as (

    select
        worker_pool_name,
        worker_pool_ulid,
        hour_at,
        true as is_in_run_minutes
    from pool_hours
    where worker_pool_ulid is not null
    union all
    select
        worker_pool_name,
        worker_pool_ulid,
        date_trunc('hour', fetched_at, 'UTC') as hour_at,
        false as is_in_run_minutes
    from listed_pools

),

seen_together as (

    select
        worker_pool_name,
        worker_pool_ulid,
        date_trunc('hour', {{ ulid_created_at('worker_pool_ulid') }}, 'UTC') as created_hour_at,
        min(hour_at) as first_hour_at,
        max(hour_at) as last_hour_at,
        bool_or(is_in_run_minutes) as is_in_run_minutes
    from sightings
    where worker_pool_name is not null
    group by worker_pool_name, worker_pool_ulid

),

with_previous_owner as (

    select
        *,
        lag(last_hour_at) over owners_of_a_name as previous_last_hour_at
    from seen_together
    window owners_of_a_name as (
        partition by worker_pool_name order by first_hour_at asc, worker_pool_ulid asc
    )

),

dated as (

    select
        *,
        case
            -- The first owner had the name since its creation, as far as anybody can know.
            when previous_last_hour_at is null then least(created_hour_at, first_hour_at)
            -- Between the last sight of one owner and the first of the next, the later one has it,
            -- but not before it existed.
            else least(
                first_hour_at,
                greatest(created_hour_at, previous_last_hour_at + interval '1 hour')
            )
        end as valid_from_at,
        coalesce(previous_last_hour_at >= first_hour_at, false) as is_ambiguous
    from with_previous_owner

),

matches as (

    select
        ---------- ids
        worker_pool_ulid,

        ---------- text
        worker_pool_name,
        case
            when is_ambiguous then 'ambiguous'
            when is_in_run_minutes then 'run_minutes'
            else 'graphql'
        end as match_method,

        ---------- dates and times
        valid_from_at,
        coalesce(
            lead(valid_from_at) over (
                partition by worker_pool_name order by valid_from_at asc, worker_pool_ulid asc
            ),
            'infinity'::timestamptz
        ) as valid_to_at

    from dated

)

select * from matches
