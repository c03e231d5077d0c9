{{ config(materialized='view') }}

-- The minutes that a self-hosted instance's reports tell of days whose runs are not known: billed,
-- and of no stack. A day that two periods share is theirs by the hour.

with

hours as (

    select * from {{ ref('int_billing_hours') }}

),

days as (

    select * from {{ ref('int_usage_days') }}
    where not has_run_minutes

),

reported_days as (

    select * from {{ ref('int_reported_days') }}

),

shared_out as (

    select
        hours.contract_id,
        hours.period_start_at,
        hours.date_day,
        coalesce(reported_days.private_minutes * count(*) / 24, 0) as private_minutes,
        coalesce(reported_days.public_minutes * count(*) / 24, 0) as public_minutes
    from days
    inner join reported_days
        on days.date_day = reported_days.date_day
    inner join hours
        on days.date_day = hours.date_day
    group by
        hours.contract_id,
        hours.period_start_at,
        hours.date_day,
        reported_days.private_minutes,
        reported_days.public_minutes

)

select * from shared_out
