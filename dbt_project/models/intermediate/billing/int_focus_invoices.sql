{{ config(materialized='view') }}

-- The invoice of a billing period, where exactly one is entered.

with

invoices as (

    select * from {{ ref('stg_billing__invoices') }}

),

periods as (

    select * from {{ ref('int_billing_periods') }}

),

numbered as (

    select
        periods.contract_id,
        periods.period_start_at,
        max(invoices.invoice_number) as invoice_number
    from invoices
    inner join periods
        on invoices.contract_id = periods.contract_id
        and invoices.period_start_date
        = (periods.period_start_at at time zone periods.time_zone)::date
    group by periods.contract_id, periods.period_start_at
    having count(distinct invoices.invoice_number) = 1

)

select * from numbered
