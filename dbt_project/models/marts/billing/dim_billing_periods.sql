-- Without a contract the periods are UTC calendar months, and percentiles are read at 95.

with

days as (

    select * from {{ ref('int_usage_days') }}

),

calendar as (

    select
        min(date_day) as first_day,
        max(ends_at) as ends_at
    from days
    having count(*) > 0

),

months as (

    select
        'none' as contract_id,
        95::numeric(5, 2) as worker_percentile,
        generated.month_start_at at time zone 'UTC' as period_start_at,
        (generated.month_start_at + interval '1 month') at time zone 'UTC' as period_end_at,
        calendar.ends_at as calendar_ends_at
    from calendar
    cross join lateral generate_series(
        date_trunc('month', calendar.first_day::timestamp),
        date_trunc('month', (calendar.ends_at at time zone 'UTC') - interval '1 day'),
        interval '1 month'
    ) as generated (month_start_at)

),

covered as (

    select
        months.contract_id,
        months.period_start_at,
        months.period_end_at,
        months.worker_percentile,
        months.calendar_ends_at,
        (extract(epoch from months.period_end_at - months.period_start_at) / 3600)::integer
            as hours_in_period,
        (24 * count(*) filter (where days.is_covered))::integer as hours_covered,
        (24 * count(*) filter (where days.has_worker_count))::integer as worker_hours_covered
    from months
    inner join days
        on months.period_start_at <= days.starts_at
        and months.period_end_at > days.starts_at
    group by
        months.contract_id,
        months.period_start_at,
        months.period_end_at,
        months.worker_percentile,
        months.calendar_ends_at

),

ranked as (

    select
        *,
        -- Nearest rank, in integers: the smallest with at least p % of the hours at or below.
        ((worker_percentile * 100)::bigint * hours_in_period + 9999) / 10000 as percentile_rank
    from covered

),

periods as (

    select
        ---------- ids
        contract_id,

        ---------- dates and times
        period_start_at,
        period_end_at,

        ---------- numerics
        worker_percentile,
        hours_in_period,
        hours_covered,
        worker_hours_covered,
        percentile_rank::integer as percentile_rank,
        (hours_in_period - percentile_rank)::integer as burst_hours_budget,

        ---------- booleans
        period_end_at <= calendar_ends_at as is_closed,
        hours_covered = hours_in_period as is_complete

    from ranked

)

select * from periods
