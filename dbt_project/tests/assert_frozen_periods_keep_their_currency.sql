{{ config(meta={'dagster': {'ref': {'name': 'int_billing_lines_frozen'}}}) }}

-- The contracts file gives a finished period another currency than its bill was in. Write a new row
-- with a later valid_from instead, or unfreeze the period (docs/operations.md).

with

frozen_periods as (

    select
        contract_id,
        period_start_at,
        max(currency) as frozen_currency
    from {{ ref('int_billing_lines_frozen') }}
    group by contract_id, period_start_at

)

select
    frozen_periods.contract_id,
    frozen_periods.period_start_at,
    frozen_periods.frozen_currency,
    periods.currency
from frozen_periods
inner join {{ ref('int_billing_periods') }} as periods
    on frozen_periods.contract_id = periods.contract_id
    and frozen_periods.period_start_at = periods.period_start_at
    and frozen_periods.frozen_currency <> periods.currency
