{{
    config(
        severity='warn',
        meta={'dagster': {'ref': {'name': 'focus_cost_and_usage'}}},
    )
}}

-- What FOCUS bills under the number of an invoice is not what that invoice says in total: see
-- billing_reconciliation for the line. The total may be written before taxes and credits or after.

with

charges as (

    select
        "InvoiceId" as invoice_number,
        "BillingCurrency" as currency,
        sum("BilledCost") as billed,
        coalesce(sum("BilledCost") filter (where "ChargeCategory" not in ('Tax', 'Credit')), 0)
            as billed_for_lines
    from {{ ref('focus_cost_and_usage') }}
    where "InvoiceId" is not null and "InvoiceIssuerName" = 'Spacelift'
    group by "InvoiceId", "BillingCurrency"

),

invoices as (

    select
        invoice_number,
        currency,
        sum(amount) as total
    from {{ ref('stg_billing__invoices') }}
    where metric = 'total' and amount is not null
    group by invoice_number, currency

)

select
    charges.*,
    invoices.total
from charges
inner join invoices
    on charges.invoice_number = invoices.invoice_number
    and charges.currency = invoices.currency
where invoices.total not in (charges.billed, charges.billed_for_lines)
