{{ config(materialized='view') }}

-- The account's hours with the minutes that are billed. Where a self-hosted instance tells minutes
-- by day only, each hour has its 24th: sums over days are the instance's own.

with

account_hours as (

    select * from {{ ref('fct_account_hourly') }}

),

reported_days as (

    select * from {{ ref('int_reported_days') }}

),

final as (

    select
        account_hours.hour_at,
        account_hours.date_day,
        account_hours.worker_count,
        coalesce(account_hours.private_billable_minutes, reported_days.private_minutes / 24)
            as private_billable_minutes,
        coalesce(account_hours.public_billable_minutes, reported_days.public_minutes / 24)
            as public_billable_minutes
    from account_hours
    -- Left: only days of a self-hosted instance are in a report.
    left join reported_days
        on account_hours.date_day = reported_days.date_day

)

select * from final
