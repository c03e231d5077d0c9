{{ config(meta={'dagster': {'ref': {'name': 'fct_worker_pool_hourly'}}}) }}

-- The rows that are not zero-filled carry what the worker-count file says, on the days landed anew.
-- Names of one pool in the hour of its rename count once, so hours with two names are left out.

with

filed as (

    select
        date_day,
        hour_at,
        sum(worker_count) as worker_count
    from {{ ref('int_worker_counts_matched_to_pools') }}
    where {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
    group by date_day, hour_at
    having count(*) = count(distinct worker_pool_key)

),

staged as (

    select
        hour_at,
        sum(worker_count) as worker_count
    from (
        select
            hour_at,
            worker_pool_name,
            max(worker_count) as worker_count
        from {{ ref('stg_spacelift__worker_count') }}
        where {{ is_in_days_to_rebuild('timestamp_unix', ref('int_usage_days')) }}
        group by hour_at, worker_pool_name
    ) as most
    group by hour_at

),

facts as (

    select
        hour_at,
        sum(worker_count) as worker_count
    from {{ ref('fct_worker_pool_hourly') }}
    where {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
    group by hour_at

)

select
    filed.hour_at,
    staged.worker_count as worker_count_in_file,
    facts.worker_count
from filed
left join staged
    on filed.hour_at = staged.hour_at
left join facts
    on filed.hour_at = facts.hour_at
where
    facts.worker_count is distinct from staged.worker_count
