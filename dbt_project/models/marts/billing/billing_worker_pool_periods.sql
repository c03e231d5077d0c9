{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
    )
}}

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

days as (

    select
        min(period_start_at at time zone 'UTC')::date as first_day,
        max(period_end_at at time zone 'UTC')::date as last_day
    from periods

),

queue_hours as (

    select * from {{ ref('billing_queue_hourly') }}
    where
        date_day >= (select days.first_day from days)
        and date_day <= (select days.last_day from days)

),

percentiles as (

    select * from {{ ref('billing_worker_percentiles') }}
    where scope = 'pool'

),

pools as (

    select * from {{ ref('dim_worker_pools') }}

),

allocation as (

    select
        contract_id,
        period_start_at,
        worker_pool_key,
        {{ known_sum('worker_amount') }} as worker_amount,
        {{ known_sum('worker_amount', rows="allocation = 'idle'", if_none='0') }} as idle_amount,
        sum(idle_minutes) as idle_minutes
    from {{ ref('billing_cost_allocation') }}
    where worker_pool_key is not null
    group by contract_id, period_start_at, worker_pool_key

),

summed as (

    select
        queue_hours.contract_id,
        queue_hours.period_start_at,
        queue_hours.worker_pool_key,
        sum(queue_hours.active_minutes) as active_minutes,
        sum(queue_hours.waiting_worker_minutes) as waiting_worker_minutes,
        count(*) filter (where queue_hours.is_saturated)::integer as hours_saturated
    from queue_hours
    inner join periods
        on queue_hours.contract_id = periods.contract_id
        and queue_hours.period_start_at = periods.period_start_at
    group by queue_hours.contract_id, queue_hours.period_start_at, queue_hours.worker_pool_key

)

select
    ---------- ids
    summed.contract_id,
    summed.worker_pool_key,

    ---------- dates and times
    summed.period_start_at,

    ---------- text
    pools.worker_pool_name,
    statuses.currency,

    ---------- numerics, hours
    percentiles.hours_counted,
    percentiles.hours_at_zero,
    summed.hours_saturated,
    percentiles.worker_hours,

    ---------- numerics, workers
    percentiles.p50_workers,
    percentiles.p95_workers,
    percentiles.max_workers,

    ---------- numerics, minutes
    summed.active_minutes::numeric(18, 6) as active_minutes,
    allocation.idle_minutes::numeric(18, 6) as idle_minutes,
    summed.waiting_worker_minutes::numeric(18, 6) as waiting_worker_minutes,
    (summed.active_minutes / nullif(60 * percentiles.worker_hours, 0))::numeric(18, 6)
        as utilisation,

    ---------- numerics, money
    allocation.worker_amount::numeric(18, 6) as worker_amount,
    (case when summed.contract_id <> 'none' then allocation.idle_amount end)::numeric(18, 6)
        as idle_amount
from summed
inner join periods
    on summed.contract_id = periods.contract_id
    and summed.period_start_at = periods.period_start_at
inner join statuses
    on summed.contract_id = statuses.contract_id
    and summed.period_start_at = statuses.period_start_at
inner join pools
    on summed.worker_pool_key = pools.worker_pool_key
-- Left, twice: in a period whose files never landed nothing is known of a pool.
left join percentiles
    on summed.contract_id = percentiles.contract_id
    and summed.period_start_at = percentiles.period_start_at
    and summed.worker_pool_key = percentiles.worker_pool_key
left join allocation
    on summed.contract_id = allocation.contract_id
    and summed.period_start_at = allocation.period_start_at
    and summed.worker_pool_key = allocation.worker_pool_key
