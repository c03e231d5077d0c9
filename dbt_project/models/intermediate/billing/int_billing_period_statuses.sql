-- Whether a period's bill is final, the only place that says so: its lines are frozen, or it is
-- over, complete, and has nothing to freeze. A price that is not agreed yet keeps a period
-- estimated. What was frozen stays in its own currency and ends where it did.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

frozen_periods as (

    select
        contract_id,
        period_start_at,
        max(currency) as currency,
        max(period_end_at) as period_end_at
    from {{ ref('int_billing_lines_frozen') }}
    group by contract_id, period_start_at

),

-- Without a contract there are lines, but no prices.
priced_periods as (

    select distinct
        contract_id,
        period_start_at
    from {{ ref('int_billing_lines_priced') }}
    where basis = 'to_date' and contract_id <> 'none'

)

select
    periods.contract_id,
    periods.period_start_at,
    coalesce(frozen_periods.period_end_at, periods.period_end_at) as period_end_at,
    coalesce(frozen_periods.currency, periods.currency) as currency,
    frozen_periods.contract_id is not null as is_frozen,
    case
        when frozen_periods.contract_id is not null then 'final'
        when
            periods.is_closed
            and periods.is_complete
            and priced_periods.contract_id is null
            then 'final'
        else 'estimated'
    end as status
from periods
-- Left, twice: most open periods are not frozen, and a contract may meter nothing.
left join frozen_periods
    on periods.contract_id = frozen_periods.contract_id
    and periods.period_start_at = frozen_periods.period_start_at
left join priced_periods
    on periods.contract_id = priced_periods.contract_id
    and periods.period_start_at = priced_periods.period_start_at
