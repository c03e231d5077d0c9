{{ config(materialized='view') }}

with

worker_counts as (

    select * from {{ ref('int_worker_counts_summed_to_pool_name_hours') }}

),

matches as (

    select * from {{ ref('int_worker_pool_name_matches') }}

),

matched as (

    select
        ---------- ids
        coalesce(matches.worker_pool_ulid, 'name:' || worker_counts.worker_pool_name)
            as worker_pool_key,
        matches.worker_pool_ulid,

        ---------- text
        worker_counts.worker_pool_name,
        coalesce(matches.match_method, 'name_only') as match_method,

        ---------- numerics
        worker_counts.worker_count,

        ---------- dates and times
        worker_counts.hour_at,
        worker_counts.date_day

    from worker_counts
    -- Left: a pool without runs that Spacelift's list does not have either keeps its name as key.
    left join matches
        on worker_counts.worker_pool_name = matches.worker_pool_name
        and worker_counts.hour_at >= matches.valid_from_at
        and worker_counts.hour_at < matches.valid_to_at

)

select * from matched
