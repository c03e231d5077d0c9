{{ config(materialized='view') }}

-- Start and end of every billing period that has a day of the calendar in it.

with

days as (

    select * from {{ ref('int_usage_days') }}

),

terms as (

    select * from {{ ref('int_contract_terms') }}

),

calendar as (

    select
        min(starts_at) as starts_at,
        max(ends_at) as ends_at
    from days
    having count(*) > 0

),

-- Counted from each month anew, never from the period before: 31 January, 28 February, 31 March.
anchored as (

    select
        terms.*,
        (
            generated.month_start_at
            + make_interval(days => least(
                terms.anchor_day,
                extract(day from generated.month_start_at + interval '1 month -1 day')::integer
            ) - 1)
        ) at time zone terms.time_zone as anchor_at
    from calendar
    inner join terms
        on calendar.ends_at > terms.starts_at
        and calendar.starts_at < terms.ends_at
    cross join lateral generate_series(
        date_trunc(
            'month', greatest(terms.starts_at, calendar.starts_at) at time zone terms.time_zone
        ) - interval '1 month',
        date_trunc(
            'month', least(terms.ends_at, calendar.ends_at) at time zone terms.time_zone
        ) + interval '2 months',
        interval '1 month'
    ) as generated (month_start_at)

),

anchored_periods as (

    select
        *,
        lead(anchor_at) over (
            partition by contract_id, valid_from order by anchor_at asc
        ) as next_anchor_at
    from anchored

),

-- A change of terms in the middle of a period splits it.
contract_periods as (

    select
        contract_id,
        valid_from as terms_valid_from,
        greatest(anchor_at, starts_at) as period_start_at,
        least(next_anchor_at, ends_at) as period_end_at,
        anchor_at as full_period_start_at,
        next_anchor_at as full_period_end_at
    from anchored_periods
    where
        next_anchor_at is not null
        and greatest(anchor_at, starts_at) < least(next_anchor_at, ends_at)

),

-- Days without a contract: what is left of their calendar months.
contracted as (

    select coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}'::tstzmultirange) as ranges
    from terms

),

months as (

    select
        generated.month_start_at at time zone 'UTC' as starts_at,
        (generated.month_start_at + interval '1 month') at time zone 'UTC' as ends_at
    from calendar
    cross join lateral generate_series(
        date_trunc('month', calendar.starts_at at time zone 'UTC'),
        (calendar.ends_at at time zone 'UTC') - interval '1 second',
        interval '1 month'
    ) as generated (month_start_at)

),

uncontracted as (

    select
        unnest(tstzmultirange(tstzrange(months.starts_at, months.ends_at)) - contracted.ranges)
            as bounds
    from months
    cross join contracted

),

periods as (

    select * from contract_periods
    union all
    select
        'none' as contract_id,
        null::date as terms_valid_from,
        lower(bounds) as period_start_at,
        upper(bounds) as period_end_at,
        lower(bounds) as full_period_start_at,
        upper(bounds) as full_period_end_at
    from uncontracted

)

select periods.*
from periods
inner join calendar
    on periods.period_start_at < calendar.ends_at
    and periods.period_end_at > calendar.starts_at
