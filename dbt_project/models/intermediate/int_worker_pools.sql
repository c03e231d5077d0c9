-- The private worker pools and the hour from which each is counted.

with

names as (

    select * from {{ ref('int_worker_pool_names') }}

),

days as (

    select * from {{ ref('int_usage_days') }}

),

calendar as (

    select min(starts_at) as starts_at
    from days

),

summed as (

    select
        worker_pool_key,
        max(worker_pool_ulid) as worker_pool_ulid,
        (array_agg(worker_pool_name order by valid_to_at desc, first_seen_at desc))[1]
            as worker_pool_name,
        bool_or(is_ambiguous) as is_ambiguous,
        bool_or(is_in_run_minutes) as is_in_run_minutes,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from names
    group by worker_pool_key

),

created as (

    select
        *,
        {{ ulid_created_at('worker_pool_ulid') }} as worker_pool_created_at
    from summed

),

lifespans as (

    select
        ---------- ids
        created.worker_pool_key,
        created.worker_pool_ulid,

        ---------- text
        coalesce(created.worker_pool_name, '(unnamed)') as worker_pool_name,
        case
            when created.is_ambiguous then 'ambiguous'
            when created.is_in_run_minutes then 'run_minutes'
            when created.worker_pool_ulid is null then 'name_only'
            else 'graphql'
        end as match_method,

        ---------- dates and times
        created.worker_pool_created_at,
        created.first_seen_at,
        created.last_seen_at,
        greatest(
            calendar.starts_at,
            least(
                date_trunc('hour', created.worker_pool_created_at, 'UTC'), created.first_seen_at
            )
        ) as counted_from_at

    from created
    cross join calendar

)

select * from lifespans
