-- Every name that a pool had, and since when.

with

worker_counts as (

    select * from {{ ref('int_worker_counts_matched_to_pools') }}

),

run_minutes as (

    select * from {{ ref('int_run_minutes_matched_to_pools') }}

),

sightings as (

    select
        worker_pool_key,
        worker_pool_ulid,
        worker_pool_name,
        match_method,
        hour_at
    from worker_counts
    union all
    select
        worker_pool_key,
        worker_pool_ulid,
        worker_pool_name,
        match_method,
        hour_at
    from run_minutes

),

names as (

    select
        worker_pool_key,
        worker_pool_name,
        max(worker_pool_ulid) as worker_pool_ulid,
        bool_or(match_method = 'ambiguous') as is_ambiguous,
        bool_or(match_method = 'run_minutes') as is_in_run_minutes,
        min(hour_at) as first_seen_at,
        max(hour_at) as last_seen_at
    from sightings
    group by worker_pool_key, worker_pool_name

),

dated as (

    select
        ---------- ids
        worker_pool_key,
        worker_pool_ulid,

        ---------- text
        worker_pool_name,

        ---------- booleans
        is_ambiguous,
        is_in_run_minutes,

        ---------- dates and times
        first_seen_at,
        last_seen_at,
        -- The first known name also stands for the hours before it was seen.
        case
            when lag(first_seen_at) over names_of_a_pool is null then '-infinity'::timestamptz
            else first_seen_at
        end as valid_from_at,
        coalesce(lead(first_seen_at) over names_of_a_pool, 'infinity'::timestamptz) as valid_to_at

    from names
    window names_of_a_pool as (
        partition by worker_pool_key order by first_seen_at asc, worker_pool_name asc
    )

)

select * from dated
