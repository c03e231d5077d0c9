-- For each period and level: hours known to be above it, hours expected above it at the rhythm of
-- the last 28 days, and hours above it if every unknown hour is as busy as the busiest of its kind.
-- Forecasting how often a level is exceeded keeps the forecast consistent with the burst budget.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

levels as (

    select * from {{ ref('int_worker_levels') }}
    where scope = 'account'

),

rhythm as (

    select * from {{ ref('int_worker_rhythm') }}

),

busiest as (

    select
        contract_id,
        period_start_at,
        hour_of_week,
        max(worker_count) as worker_count,
        min(unknown_hours) as unknown_hours
    from rhythm
    group by contract_id, period_start_at, hour_of_week

),

counted as (

    select
        contract_id,
        period_start_at,
        worker_count,
        hours_at_level::numeric as hours_known,
        hours_at_level::numeric as hours_expected,
        hours_at_level::numeric as hours_at_most
    from levels
    union all
    select
        contract_id,
        period_start_at,
        worker_count,
        0 as hours_known,
        unknown_hours * share_of_hours as hours_expected,
        0 as hours_at_most
    from rhythm
    union all
    select
        contract_id,
        period_start_at,
        worker_count,
        0 as hours_known,
        0 as hours_expected,
        unknown_hours as hours_at_most
    from busiest
    union all
    -- Level 0 always exists: a period without any worker has a percentile of 0.
    select
        contract_id,
        period_start_at,
        0 as worker_count,
        0 as hours_known,
        0 as hours_expected,
        0 as hours_at_most
    from periods

),

summed as (

    select
        contract_id,
        period_start_at,
        worker_count,
        sum(hours_known) as hours_known,
        sum(hours_expected) as hours_expected,
        sum(hours_at_most) as hours_at_most
    from counted
    group by contract_id, period_start_at, worker_count

),

exceeded as (

    select
        contract_id,
        period_start_at,
        {% for hours in ['known', 'expected', 'at_most'] -%}
        -- Rounded: thirds of hours must add up to whole ones.
        round(coalesce(sum(hours_{{ hours }}) over higher, 0), 6) as hours_above_{{ hours }},
        {% endfor -%}
        worker_count
    from summed
    window higher as (
        partition by contract_id, period_start_at
        order by worker_count desc
        rows between unbounded preceding and 1 preceding
    )

)

select * from exceeded
