{{ config(materialized='view') }}

with

pool_hours as (

    select * from {{ ref('int_run_minutes_summed_to_pool_hours') }}

),

matches as (

    select * from {{ ref('int_worker_pool_name_matches') }}

),

matched as (

    select
        ---------- ids
        coalesce(
            pool_hours.worker_pool_ulid,
            matches.worker_pool_ulid,
            'name:' || pool_hours.worker_pool_name
        ) as worker_pool_key,
        coalesce(pool_hours.worker_pool_ulid, matches.worker_pool_ulid) as worker_pool_ulid,

        ---------- text
        pool_hours.worker_pool_name,
        case
            when pool_hours.worker_pool_ulid is not null then 'run_minutes'
            else coalesce(matches.match_method, 'name_only')
        end as match_method,

        ---------- numerics
        pool_hours.active_minutes,
        pool_hours.waiting_worker_minutes,

        ---------- dates and times
        pool_hours.hour_at,
        pool_hours.date_day

    from pool_hours
    -- Left: most rows carry the ULID themselves; only those that do not are looked up.
    left join matches
        on pool_hours.worker_pool_ulid is null
        and pool_hours.worker_pool_name = matches.worker_pool_name
        and pool_hours.hour_at >= matches.valid_from_at
        and pool_hours.hour_at < matches.valid_to_at

)

select * from matched
