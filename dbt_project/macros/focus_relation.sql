{#
    A FOCUS 1.2 relation of charges (int_focus_charges or its allocated sister): the columns of FOCUS, quoted
    because it wants PascalCase, and ours after them. Source: focus.finops.org, specification 1.2.

    charges: name of the model.
#}
{% macro focus_relation(charges) -%}
with

charges as (

    select * from {{ ref(charges) }}

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
    (case when periods.paid_via = 'marketplace' then 0 else charges.cost end)::numeric(18, 6)
        as "BilledCost",
    warehouse.account as "BillingAccountId",
    warehouse.account as "BillingAccountName",
    coalesce(charges.currency, statuses.currency) as "BillingCurrency",
    statuses.period_end_at as "BillingPeriodEnd",
    statuses.period_start_at as "BillingPeriodStart",
    skus.charge_category as "ChargeCategory",
    case when charges.is_correction then 'Correction' end as "ChargeClass",
    skus.charge_description as "ChargeDescription",
    skus.charge_frequency as "ChargeFrequency",
    charges.charge_end_at as "ChargePeriodEnd",
    charges.charge_start_at as "ChargePeriodStart",
    charges.consumed_quantity::numeric(30, 12) as "ConsumedQuantity",
    case when charges.consumed_quantity is not null then skus.consumed_unit end as "ConsumedUnit",
    charges.cost::numeric(18, 6) as "ContractedCost",
    charges.unit_price::numeric(18, 6) as "ContractedUnitPrice",
    charges.cost::numeric(18, 6) as "EffectiveCost",
    -- A correction is on no invoice yet.
    case
        when not charges.is_correction
            then coalesce(charges.invoice_number, invoices.invoice_number)
    end as "InvoiceId",
    case when periods.paid_via = 'marketplace' then 'AWS Marketplace' else 'Spacelift' end
        as "InvoiceIssuerName",
    charges.cost::numeric(18, 6) as "ListCost",
    charges.unit_price::numeric(18, 6) as "ListUnitPrice",
    case when skus.charge_category in ('Usage', 'Purchase') then 'Standard' end
        as "PricingCategory",
    charges.quantity::numeric(30, 12) as "PricingQuantity",
    case when charges.quantity is not null then charges.unit end as "PricingUnit",
    'Spacelift' as "ProviderName",
    'Spacelift' as "PublisherName",
    charges.stack_ulid as "ResourceId",
    case when charges.stack_ulid is not null then charges.stack_name end as "ResourceName",
    case when charges.stack_ulid is not null then 'Stack' end as "ResourceType",
    'Developer Tools' as "ServiceCategory",
    'Spacelift' as "ServiceName",
    'Continuous Integration and Deployment' as "ServiceSubcategory",
    skus.sku_id as "SkuId",
    skus.sku_meter as "SkuMeter",
    skus.sku_id as "SkuPriceId",
    null::jsonb as "Tags",
    charges.contract_id as "x_ContractId",
    charges.line_code as "x_LineCode",
    statuses.status as "x_Status",
    'Spacelift' as "x_ServiceProviderName",
    charges.worker_pool_key as "x_WorkerPoolKey",
    charges.worker_pool_name as "x_WorkerPoolName",
    charges.allocation_method as "x_AllocationMethod",
    charges.contract_id as contract_id,
    charges.period_start_at as period_start_at
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
{%- endmacro %}
