-- Every name that a pool had, and since when; a name that comes back is there again.

with

seen as (

    select * from {{ ref('int_worker_pool_names_seen') }}

),

with_changes as (

    select
        *,
        (
            row_number() over spans_of_a_pool = 1
            or worker_pool_name is distinct from lag(worker_pool_name) over spans_of_a_pool
        ) as is_change
    from seen
    window spans_of_a_pool as (partition by worker_pool_key order by first_seen_at asc)

),

numbered as (

    select
        *,
        sum(is_change::integer) over (
            partition by worker_pool_key order by first_seen_at asc
        ) as name_number
    from with_changes

),

names as (

    select
        worker_pool_key,
        worker_pool_name,
        name_number,
        max(worker_pool_ulid) as worker_pool_ulid,
        bool_or(is_ambiguous) as is_ambiguous,
        bool_or(is_in_run_minutes) as is_in_run_minutes,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from numbered
    group by worker_pool_key, worker_pool_name, name_number

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
    window names_of_a_pool as (partition by worker_pool_key order by name_number asc)

)

select * from dated
