{{ config(materialized='view') }}

with

charges as (

    select * from {{ ref('int_focus_charges_allocated') }}

),

periods as (

    select * from {{ ref('int_billing_periods') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

warehouse as (

    select * from {{ ref('stg_spacelift__warehouse') }}

),

skus as (

    select * from {{ ref('int_focus_skus') }}

),

invoices as (

    select * from {{ ref('int_focus_invoices') }}

)

select
    {{ focus_columns() }}
from charges
cross join warehouse
inner join periods
    on charges.contract_id = periods.contract_id
    and charges.period_start_at = periods.period_start_at
inner join statuses
    on charges.contract_id = statuses.contract_id
    and charges.period_start_at = statuses.period_start_at
inner join skus
    on charges.line_code = skus.line_code
    and charges.is_rounding = skus.is_rounding
-- Left: most periods have no invoice yet.
left join invoices
    on charges.contract_id = invoices.contract_id
    and charges.period_start_at = invoices.period_start_at
