{{
    config(
        severity='warn',
        meta={'dagster': {'ref': {'name': 'stg_billing__invoices'}}},
    )
}}

-- A row of the invoices file that nothing is compared with: no contract has its id, no billing
-- period within the loaded days begins on its day, or it is in another currency.

with

invoices as (

    select * from {{ ref('stg_billing__invoices') }}

),

contracts as (

    select * from {{ ref('stg_billing__contracts') }}

),

periods as (

    select * from {{ ref('int_billing_periods') }}

),

loaded as (

    select
        contract_id,
        min(period_start_at at time zone time_zone)::date as first_day,
        max(known_until_at at time zone time_zone)::date as end_day
    from periods
    group by contract_id

)

select
    invoices.line_number,
    invoices.contract_id,
    invoices.period_start_date,
    invoices.metric,
    invoices.currency
from invoices
-- Left, twice: an invoice may be of days that are not loaded, or of another account.
left join loaded
    on invoices.contract_id = loaded.contract_id
left join periods
    on invoices.contract_id = periods.contract_id
    and invoices.period_start_date
    = (periods.period_start_at at time zone periods.time_zone)::date
where
    invoices.contract_id not in (select contracts.contract_id from contracts)
    or (
        periods.contract_id is null
        and invoices.period_start_date >= loaded.first_day
        and invoices.period_start_date < loaded.end_day
    )
    or invoices.currency <> periods.currency
