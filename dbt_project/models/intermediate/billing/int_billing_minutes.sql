-- Billable minutes of each period: so far, expected at the mean of the same hours of the week in
-- the last 28 days, and if every unknown hour is as busy as the busiest of its kind.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

account_hours as (

    select * from {{ ref('int_account_hours_billable') }}

),

hours_known as (

    select * from {{ ref('int_billing_hours_known') }}

),

to_date as (

    select
        billing_hours.contract_id,
        billing_hours.period_start_at,
        -- Rounded: a day's 24th has no end.
        round(sum(account_hours.private_billable_minutes), 6) as private_minutes,
        round(sum(account_hours.public_billable_minutes), 6) as public_minutes
    from billing_hours
    inner join account_hours
        on billing_hours.hour_at = account_hours.hour_at
    group by billing_hours.contract_id, billing_hours.period_start_at

),

unknown_hours as (

    select
        contract_id,
        period_start_at,
        hour_of_week,
        count(*) filter (where private_billable_minutes is null) as private_unknown_hours,
        count(*) filter (where public_billable_minutes is null) as public_unknown_hours
    from hours_known
    where
        purpose = 'period'
        and (private_billable_minutes is null or public_billable_minutes is null)
    group by contract_id, period_start_at, hour_of_week

),

-- With and without the hour of the week: an hour that never landed takes the rhythm of all hours.
rhythm as (

    select
        contract_id,
        period_start_at,
        hour_of_week,
        avg(private_billable_minutes) as private_mean,
        avg(public_billable_minutes) as public_mean,
        max(private_billable_minutes) as private_max,
        max(public_billable_minutes) as public_max
    from hours_known
    where purpose = 'reference'
    group by grouping sets (
        (contract_id, period_start_at, hour_of_week), (contract_id, period_start_at)
    )

),

to_come as (

    select
        {% for minutes in ['private', 'public'] -%}
        sum(
            unknown_hours.{{ minutes }}_unknown_hours
            * coalesce(of_the_hour.{{ minutes }}_mean, of_all_hours.{{ minutes }}_mean)
        ) as {{ minutes }}_expected,
        sum(
            unknown_hours.{{ minutes }}_unknown_hours
            * coalesce(of_the_hour.{{ minutes }}_max, of_all_hours.{{ minutes }}_max)
        ) as {{ minutes }}_at_most,
        {% endfor -%}
        unknown_hours.contract_id,
        unknown_hours.period_start_at
    from unknown_hours
    -- Left: a period may have no known hour to go by at all.
    left join rhythm as of_the_hour
        on unknown_hours.contract_id = of_the_hour.contract_id
        and unknown_hours.period_start_at = of_the_hour.period_start_at
        and unknown_hours.hour_of_week = of_the_hour.hour_of_week
    left join rhythm as of_all_hours
        on unknown_hours.contract_id = of_all_hours.contract_id
        and unknown_hours.period_start_at = of_all_hours.period_start_at
        and of_all_hours.hour_of_week is null
    group by unknown_hours.contract_id, unknown_hours.period_start_at

),

minutes as (

    select
        periods.contract_id,
        periods.period_start_at,
        {% for minutes in ['private', 'public'] -%}
        to_date.{{ minutes }}_minutes,
        case
            when periods.run_minutes_hours_covered = periods.hours_in_period
                then to_date.{{ minutes }}_minutes
            -- 72 hours: before, a busy first day would speak for the whole period.
            when periods.run_minutes_hours_covered >= 72
                then round(to_date.{{ minutes }}_minutes + to_come.{{ minutes }}_expected, 6)
        end as {{ minutes }}_minutes_forecast,
        case
            when periods.run_minutes_hours_covered = periods.hours_in_period
                then to_date.{{ minutes }}_minutes
            when periods.run_minutes_hours_covered >= 72
                then to_date.{{ minutes }}_minutes + to_come.{{ minutes }}_at_most
        end as {{ minutes }}_minutes_high,
        {% endfor -%}
        periods.run_minutes_hours_covered
    from periods
    -- Left, twice: a period may have no known hour, and no unknown one.
    left join to_date
        on periods.contract_id = to_date.contract_id
        and periods.period_start_at = to_date.period_start_at
    left join to_come
        on periods.contract_id = to_come.contract_id
        and periods.period_start_at = to_come.period_start_at

)

select * from minutes
