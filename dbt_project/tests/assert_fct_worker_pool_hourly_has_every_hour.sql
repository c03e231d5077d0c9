{{ config(meta={'dagster': {'ref': {'name': 'fct_worker_pool_hourly'}}}) }}

-- Every pool on every hour from its first one to the end of the calendar, no more and no fewer.

with

counted as (

    select
        worker_pool_key,
        count(*) as hours_there,
        min(hour_at) as first_hour_at,
        max(hour_at) as last_hour_at
    from {{ ref('fct_worker_pool_hourly') }}
    group by worker_pool_key

),

calendar as (

    select max(ends_at) as ends_at from {{ ref('int_usage_days') }}

)

select
    pools.worker_pool_key,
    counted.hours_there
from {{ ref('dim_worker_pools') }} as pools
cross join calendar
full outer join counted
    on pools.worker_pool_key = counted.worker_pool_key
where
    (
        counted.first_hour_at = pools.counted_from_at
        and counted.last_hour_at = calendar.ends_at - interval '1 hour'
        and counted.hours_there
        = extract(epoch from calendar.ends_at - pools.counted_from_at) / 3600
    ) is not true
