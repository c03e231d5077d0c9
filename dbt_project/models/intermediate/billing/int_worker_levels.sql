{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- How many hours of a period had how many workers: all that percentiles, burst hours and scenarios
-- need to know of the hourly facts.
-- depends_on: {{ ref('int_billing_periods') }}

with

hours as (

    select * from {{ ref('int_billing_hours') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

days as (

    select
        min(date_day) as first_day,
        max(date_day) as last_day
    from hours

),

account_hours as (

    select * from {{ ref('fct_account_hourly') }}
    where
        date_day >= (select days.first_day from days)
        and date_day <= (select days.last_day from days)
        and worker_count is not null

),

pool_hours as (

    select * from {{ ref('fct_worker_pool_hourly') }}
    where
        date_day >= (select days.first_day from days)
        and date_day <= (select days.last_day from days)
        and worker_count is not null

),

account_levels as (

    select
        hours.contract_id,
        hours.period_start_at,
        'account' as scope,
        null::text as worker_pool_key,
        account_hours.worker_count,
        count(*)::integer as hours_at_level
    from account_hours
    inner join hours
        on account_hours.hour_at = hours.hour_at
    group by hours.contract_id, hours.period_start_at, account_hours.worker_count

),

pool_levels as (

    select
        hours.contract_id,
        hours.period_start_at,
        'pool' as scope,
        pool_hours.worker_pool_key,
        pool_hours.worker_count,
        count(*)::integer as hours_at_level
    from pool_hours
    inner join hours
        on pool_hours.hour_at = hours.hour_at
    group by
        hours.contract_id,
        hours.period_start_at,
        pool_hours.worker_pool_key,
        pool_hours.worker_count

),

levels as (

    select * from account_levels
    union all
    select * from pool_levels

)

select * from levels
