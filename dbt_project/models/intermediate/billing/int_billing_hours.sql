{{ config(indexes=[{'columns': ['date_day']}]) }}

-- Every hour of every billing period, those that are still to come too. An hour belongs to the
-- period in which it begins.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

hours as (

    select
        ---------- ids
        periods.contract_id,

        ---------- dates and times
        periods.period_start_at,
        generated.hour_at,
        (generated.hour_at at time zone 'UTC')::date as date_day,
        (
            (extract(isodow from generated.hour_at at time zone 'UTC') - 1) * 24
            + extract(hour from generated.hour_at at time zone 'UTC')
        )::integer as hour_of_week,

        ---------- booleans
        periods.is_to_rebuild

    from periods
    cross join lateral generate_series(
        to_timestamp(ceil(extract(epoch from periods.period_start_at) / 3600) * 3600),
        periods.period_end_at - interval '1 microsecond',
        interval '1 hour'
    ) as generated (hour_at)

)

select * from hours
