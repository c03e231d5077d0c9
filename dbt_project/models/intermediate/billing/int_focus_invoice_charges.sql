{{ config(materialized='view') }}

-- What only an invoice has: taxes and credits, for the whole of the period that it is about.

with

invoices as (

    select * from {{ ref('stg_billing__invoices') }}
    where metric in ('tax', 'credit') and amount is not null

),

periods as (

    select * from {{ ref('int_billing_periods') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

numbered as (

    select * from {{ ref('int_focus_invoices') }}

),

charges as (

    select
        periods.contract_id,
        periods.period_start_at,
        invoices.metric as line_code,
        coalesce(invoices.invoice_number, numbered.invoice_number) as invoice_number,
        invoices.currency,
        sum(invoices.amount) as cost
    from invoices
    inner join periods
        on invoices.contract_id = periods.contract_id
        and invoices.period_start_date
        = (periods.period_start_at at time zone periods.time_zone)::date
    -- Left: an invoice may have no number.
    left join numbered
        on periods.contract_id = numbered.contract_id
        and periods.period_start_at = numbered.period_start_at
    group by
        periods.contract_id,
        periods.period_start_at,
        invoices.metric,
        coalesce(invoices.invoice_number, numbered.invoice_number),
        invoices.currency

)

select
    charges.contract_id,
    charges.period_start_at,
    statuses.period_start_at as charge_start_at,
    statuses.period_end_at as charge_end_at,
    charges.line_code,
    charges.invoice_number,
    charges.currency,
    charges.cost
from charges
inner join statuses
    on charges.contract_id = statuses.contract_id
    and charges.period_start_at = statuses.period_start_at
