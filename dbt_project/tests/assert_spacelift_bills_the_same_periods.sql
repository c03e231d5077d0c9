{{
    config(
        severity='warn',
        meta={'dagster': {'ref': {'name': 'dim_billing_periods'}}},
    )
}}

-- The billing period that Spacelift last named, where it is not one of ours: then the contract's
-- anchor day or time zone is wrong, and every figure is about other hours than the invoice.

with

periods as (

    select * from {{ ref('dim_billing_periods') }}
    where contract_id <> 'none'

),

vendor_usage as (

    select * from {{ ref('stg_spacelift__vendor_usage') }}
    where billing_period_start_at is not null
    order by fetched_at desc
    limit 1

)

select
    periods.contract_id,
    periods.period_start_at,
    periods.period_end_at,
    vendor_usage.billing_period_start_at,
    vendor_usage.billing_period_end_at
from periods
inner join vendor_usage
    on periods.period_start_at <= vendor_usage.billing_period_start_at
    and periods.period_end_at > vendor_usage.billing_period_start_at
where
    periods.period_start_at <> vendor_usage.billing_period_start_at
    -- The end of a period that is cut is not Spacelift's; a second before midnight is midnight.
    or (
        periods.period_fraction = 1
        and vendor_usage.billing_period_end_at
        not between periods.period_end_at - interval '1 second' and periods.period_end_at
    )
