{{ config(meta={'dagster': {'ref': {'name': 'focus_cost_and_usage'}}}) }}

-- What the rounding of a line to the cent left over is half a cent at most, and what the sixth
-- decimals of its charges and their quantities add up to; anything more is another mistake.

with

charges as (

    select
        "x_ContractId" as contract_id,
        "BillingPeriodStart" as period_start_at,
        "x_LineCode" as line_code,
        count(*) as charges,
        coalesce(max("ContractedUnitPrice"), 0) as unit_price,
        coalesce(sum("ContractedCost") filter (where "ChargeCategory" = 'Adjustment'), 0)
            as rounding
    from {{ ref('focus_cost_and_usage') }}
    where "ChargeClass" is null
    group by "x_ContractId", "BillingPeriodStart", "x_LineCode"

)

select *
from charges
where abs(rounding) > 0.005 + 0.0000005 * charges * (1 + unit_price)
