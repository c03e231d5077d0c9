{{ config(meta={'dagster': {'ref': {'name': 'focus_cost_and_usage'}}}) }}

-- Both FOCUS relations hold every line of every bill, corrections apart, to the last place, and
-- beside them what only an invoice has.

with

lines as (

    select
        contract_id,
        period_start_at,
        line_code,
        is_correction,
        amount
    from {{ ref('billing_lines') }}
    where amount is not null
    union all
    select
        periods.contract_id,
        periods.period_start_at,
        invoices.metric as line_code,
        false as is_correction,
        sum(invoices.amount) as amount
    from {{ ref('stg_billing__invoices') }} as invoices
    inner join {{ ref('int_billing_periods') }} as periods
        on invoices.contract_id = periods.contract_id
        and invoices.period_start_date
        = (periods.period_start_at at time zone periods.time_zone)::date
    where invoices.metric in ('tax', 'credit') and invoices.amount is not null
    group by periods.contract_id, periods.period_start_at, invoices.metric

),

charges as (

    {% for relation in ['focus_cost_and_usage', 'focus_cost_and_usage_allocated'] -%}
    select
        '{{ relation }}' as relation,
        "x_ContractId" as contract_id,
        "BillingPeriodStart" as period_start_at,
        "x_LineCode" as line_code,
        "ChargeClass" is not null as is_correction,
        sum("ContractedCost") as cost
    from {{ ref(relation) }}
    group by
        "x_ContractId",
        "BillingPeriodStart",
        "x_LineCode",
        "ChargeClass" is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

expected as (

    select
        listed.relation,
        lines.*
    from lines
    cross join (
        values ('focus_cost_and_usage'), ('focus_cost_and_usage_allocated')
    ) as listed (relation)

)

select
    coalesce(expected.relation, charges.relation) as relation,
    coalesce(expected.contract_id, charges.contract_id) as contract_id,
    coalesce(expected.period_start_at, charges.period_start_at) as period_start_at,
    coalesce(expected.line_code, charges.line_code) as line_code,
    expected.amount,
    charges.cost
from expected
full outer join charges
    on expected.relation = charges.relation
    and expected.contract_id = charges.contract_id
    and expected.period_start_at = charges.period_start_at
    and expected.line_code = charges.line_code
    and expected.is_correction = charges.is_correction
where
    expected.line_code is null
    -- A line of 0 may be about no minutes at all, and then has no charge.
    or expected.amount <> coalesce(charges.cost, 0)
