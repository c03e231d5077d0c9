{{ config(materialized='view') }}

-- The name under which a pool was seen, by the day, and by the hour on days with more than one.

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
        date_day,
        hour_at
    from worker_counts
    union all
    select
        worker_pool_key,
        worker_pool_ulid,
        worker_pool_name,
        match_method,
        date_day,
        hour_at
    from run_minutes

),

-- Days, because hours are many: only those of a day with two names have to be put in order. How a
-- name was matched is said of the pool.
name_days as (

    select
        worker_pool_key,
        worker_pool_name,
        date_day,
        max(worker_pool_ulid) as worker_pool_ulid,
        bool_or(match_method = 'ambiguous') as is_ambiguous,
        bool_or(match_method = 'run_minutes') as is_in_run_minutes,
        min(hour_at) as first_seen_at,
        max(hour_at) as last_seen_at,
        array_agg(hour_at) as hours
    from sightings
    group by worker_pool_key, worker_pool_name, date_day

),

counted_days as (

    select
        worker_pool_key,
        worker_pool_name,
        max(worker_pool_ulid) over (partition by worker_pool_key) as worker_pool_ulid,
        bool_or(is_ambiguous) over (partition by worker_pool_key) as is_ambiguous,
        bool_or(is_in_run_minutes) over (partition by worker_pool_key) as is_in_run_minutes,
        first_seen_at,
        last_seen_at,
        hours,
        count(*) over (partition by worker_pool_key, date_day) as names_of_the_day,
        max(last_seen_at) over (partition by worker_pool_key, worker_pool_name)
            as name_last_seen_at
    from name_days

),

spans as (

    select
        worker_pool_key,
        worker_pool_name,
        worker_pool_ulid,
        is_ambiguous,
        is_in_run_minutes,
        name_last_seen_at,
        first_seen_at,
        last_seen_at
    from counted_days
    where names_of_the_day = 1
    union
    select
        counted_days.worker_pool_key,
        counted_days.worker_pool_name,
        counted_days.worker_pool_ulid,
        counted_days.is_ambiguous,
        counted_days.is_in_run_minutes,
        counted_days.name_last_seen_at,
        seen.hour_at as first_seen_at,
        seen.hour_at as last_seen_at
    from counted_days
    cross join lateral unnest(counted_days.hours) as seen (hour_at)
    where counted_days.names_of_the_day > 1

),

-- Rows with two names in their hour belong to the group of the last row before with one alone.
grouped as (

    select
        *,
        sum((names_of_the_hour = 1)::integer) over (
            partition by worker_pool_key order by first_seen_at asc
        ) as group_number
    from (
        select
            *,
            count(*) over (partition by worker_pool_key, first_seen_at) as names_of_the_hour
        from spans
    ) as counted

),

with_name_before as (

    select
        *,
        max(worker_pool_name) filter (where names_of_the_hour = 1) over (
            partition by worker_pool_key, group_number
        ) as name_before
    from grouped

),

-- In the hour of a rename a pool is there under both names: it has the one that it had not before.
named as (

    select distinct on (worker_pool_key, first_seen_at) *
    from with_name_before
    order by
        worker_pool_key asc,
        first_seen_at asc,
        (names_of_the_hour > 1 and worker_pool_name is not distinct from name_before) asc,
        name_last_seen_at desc,
        worker_pool_name asc

)

select * from named
