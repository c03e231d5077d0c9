{{ config(meta={'dagster': {'ref': {'name': 'billing_cost_allocation'}}}) }}

-- What is shared out of a line is the line, to the cent, and the mart holds all of it; where a line
-- has no amount, neither has what is shared out of it.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    where is_to_rebuild

),

lines as (

    select
        bill_lines.contract_id,
        bill_lines.period_start_at,
        bill_lines.line_code,
        bill_lines.is_correction::text as is_correction,
        bill_lines.amount
    from {{ ref('billing_lines') }} as bill_lines
    inner join periods
        on bill_lines.contract_id = periods.contract_id
        and bill_lines.period_start_at = periods.period_start_at
    where bill_lines.contract_id <> 'none'

),

line_totals as (

    select * from lines
    union all
    select
        contract_id,
        period_start_at,
        'all lines' as line_code,
        'all' as is_correction,
        {{ known_sum('amount') }} as amount
    from lines
    group by contract_id, period_start_at

),

parts as (

    select
        contract_id,
        period_start_at,
        line_code,
        is_correction::text as is_correction,
        {{ known_sum('amount') }} as amount
    from {{ ref('int_cost_allocated_lines') }}
    group by contract_id, period_start_at, line_code, is_correction
    union all
    select
        contract_id,
        period_start_at,
        'all lines' as line_code,
        'all' as is_correction,
        {{ known_sum('amount') }} as amount
    from {{ ref('billing_cost_allocation') }}
    group by contract_id, period_start_at

)

select
    line_totals.*,
    parts.amount as amount_shared_out
from line_totals
left join parts
    on line_totals.contract_id = parts.contract_id
    and line_totals.period_start_at = parts.period_start_at
    and line_totals.line_code = parts.line_code
    and line_totals.is_correction = parts.is_correction
where parts.amount is distinct from line_totals.amount
