{{ config(materialized='view') }}

with

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

pool_hours as (

    select * from {{ ref('fct_worker_pool_hourly') }}

),

measured as (

    select
        billing_hours.contract_id,
        billing_hours.period_start_at,
        pool_hours.*,
        -- More than 1 means that the count is not the most workers of the hour, or clocks differ.
        pool_hours.active_minutes / nullif(60 * pool_hours.worker_count, 0) as utilisation
    from pool_hours
    inner join billing_hours
        on pool_hours.hour_at = billing_hours.hour_at

)

select
    ---------- ids
    contract_id,
    worker_pool_key,

    ---------- dates and times
    period_start_at,
    hour_at,
    date_day,

    ---------- text
    worker_pool_name,

    ---------- numerics
    worker_count,
    active_minutes,
    waiting_worker_minutes,
    (waiting_worker_minutes / 60)::numeric(18, 6) as mean_waiting_runs,
    utilisation::numeric(18, 6) as utilisation,

    ---------- booleans
    -- 54 of 60 minutes; a pool without workers is saturated by any run that waits. Said without the
    -- quotient, which is dear over millions of hours.
    (waiting_worker_minutes > 0 and active_minutes >= 54 * worker_count) as is_saturated
from measured
