{{ config(materialized='view') }}

-- The hours that a figure of an unfinished period rests on: for every period with unknown hours,
-- its own, and those of the 28 days before the known ones end, four of every hour of the week.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    where worker_hours_covered < hours_in_period or run_minutes_hours_covered < hours_in_period

),

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

account_hours as (

    select * from {{ ref('int_account_hours_billable') }}

),

reference_hours as (

    select
        periods.contract_id,
        periods.period_start_at,
        'reference' as purpose,
        account_hours.hour_at,
        account_hours.worker_count,
        account_hours.private_billable_minutes,
        account_hours.public_billable_minutes
    from periods
    inner join account_hours
        on periods.known_until_at - interval '28 days' <= account_hours.hour_at
        and periods.known_until_at > account_hours.hour_at

),

own_hours as (

    select
        periods.contract_id,
        periods.period_start_at,
        'period' as purpose,
        billing_hours.hour_at,
        account_hours.worker_count,
        account_hours.private_billable_minutes,
        account_hours.public_billable_minutes
    from periods
    inner join billing_hours
        on periods.contract_id = billing_hours.contract_id
        and periods.period_start_at = billing_hours.period_start_at
    -- Left: hours to come are in no fact.
    left join account_hours
        on billing_hours.hour_at = account_hours.hour_at

),

united as (

    select * from own_hours
    union all
    select * from reference_hours

)

select
    *,
    (extract(isodow from hour_at at time zone 'UTC')::integer - 1) * 24
    + extract(hour from hour_at at time zone 'UTC')::integer as hour_of_week
from united
