{{ config(materialized='view') }}

-- What a self-hosted instance's reports say of each whole billing period: minutes by day added up,
-- and everybody who logged in. Null where a landed day of the period is in no report. A day belongs
-- to the period in which it begins.

with

bounds as (

    select * from {{ ref('int_billing_period_bounds') }}
    where period_start_at = full_period_start_at and period_end_at = full_period_end_at

),

days as (

    select * from {{ ref('int_usage_days') }}

),

reported_days as (

    select * from {{ ref('int_reported_days') }}

),

reports as (

    select * from {{ ref('stg_spacelift__selfhosted_reports') }}
    where covers_logins

),

logins as (

    select * from {{ ref('stg_spacelift__selfhosted_logins') }}

),

period_days as (

    select
        bounds.contract_id,
        bounds.period_start_at,
        days.date_day,
        reported_days.private_minutes,
        reported_days.public_minutes,
        exists(
            select 1
            from reports
            where days.date_day >= reports.since and days.date_day < reports.until
        ) as has_logins
    from bounds
    inner join days
        on bounds.period_start_at <= days.starts_at
        and bounds.period_end_at > days.starts_at
    -- Left: a day may be in no report.
    left join reported_days
        on days.date_day = reported_days.date_day

),

seats as (

    select
        period_days.contract_id,
        period_days.period_start_at,
        count(distinct logins.username) as used_seats
    from period_days
    inner join logins
        on period_days.date_day = logins.date_day
    group by period_days.contract_id, period_days.period_start_at

),

summed as (

    select
        contract_id,
        period_start_at,
        case when count(*) = count(private_minutes) then sum(private_minutes) end
            as used_private_minutes,
        case when count(*) = count(public_minutes) then sum(public_minutes) end
            as used_public_minutes,
        bool_and(has_logins) as has_logins
    from period_days
    group by contract_id, period_start_at

),

final as (

    select
        summed.contract_id,
        summed.period_start_at,
        summed.used_private_minutes,
        summed.used_public_minutes,
        case when summed.has_logins then coalesce(seats.used_seats, 0) end as used_seats
    from summed
    -- Left: a period may be without a login.
    left join seats
        on summed.contract_id = seats.contract_id
        and summed.period_start_at = seats.period_start_at

)

select * from final
