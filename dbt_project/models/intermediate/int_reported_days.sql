{{ config(materialized='view') }}

-- What a self-hosted instance's reports say about a UTC day as a whole: its minutes on workers,
-- known by hour as well or not. A day without rows in a report that has the table is a day of 0.

with

reports as (

    select * from {{ ref('stg_spacelift__selfhosted_reports') }}
    where covers_daily_minutes

),

daily_minutes as (

    select * from {{ ref('stg_spacelift__selfhosted_daily_minutes') }}

),

covered as (

    select
        generated.day_start_at::date as date_day,
        max(reports.report_id) as report_id
    from reports
    cross join
        lateral generate_series(
            reports.since::timestamp,
            reports.until::timestamp - interval '1 day',
            interval '1 day'
        ) as generated (day_start_at)
    group by generated.day_start_at::date

),

summed as (

    select
        date_day,
        -- One row without a number, and the day's sum is not known.
        case when count(*) = count(private_minutes) then sum(private_minutes) end
            as private_minutes,
        case when count(*) = count(public_minutes) then sum(public_minutes) end as public_minutes
    from daily_minutes
    group by date_day

),

reported as (

    select
        ---------- ids
        covered.report_id,

        ---------- dates and times
        covered.date_day,

        ---------- numerics
        case when summed.date_day is null then 0 else summed.private_minutes end::numeric(18, 6)
            as private_minutes,
        case when summed.date_day is null then 0 else summed.public_minutes end::numeric(18, 6)
            as public_minutes,

        ---------- booleans: one figure of two is no day that can be billed
        (
            summed.date_day is null
            or (summed.private_minutes is not null and summed.public_minutes is not null)
        ) as has_minutes

    from covered
    -- Left: a day without use may have no row.
    left join summed
        on covered.date_day = summed.date_day

)

select * from reported
