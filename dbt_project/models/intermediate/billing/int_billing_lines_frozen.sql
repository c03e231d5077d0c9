{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='no_rows',
        full_refresh=false,
    )
}}

-- The first final lines of every finished period. A row here is never changed: what a later
-- restatement makes of the period shows as a correction beside it. Not rebuilt by a full refresh.

-- Whatever stops the charges behind the lines, which are kept with them, stops these, too:
-- depends_on: {{ ref('int_run_minutes_summed_to_stack_hours') }}
-- depends_on: {{ ref('int_billing_hours') }}

with

lines as (

    select * from {{ ref('int_billing_lines_priced') }}
    where basis = 'to_date'

),

periods as (

    select * from {{ ref('int_billing_periods') }}
    where
        is_closed
        and is_complete
        and contract_id <> 'none'

),

priced_periods as (

    select
        contract_id,
        period_start_at
    from lines
    group by contract_id, period_start_at
    having count(*) = count(amount)

),

final_lines as (

    select
        lines.contract_id,
        lines.period_start_at,
        -- Later terms may cut the period; what was charged was for all of it.
        periods.period_end_at,
        lines.line_order,
        lines.line_code,
        lines.quantity,
        lines.unit,
        lines.unit_price,
        lines.amount,
        lines.currency,
        current_timestamp as frozen_at
    from lines
    inner join periods
        on lines.contract_id = periods.contract_id
        and lines.period_start_at = periods.period_start_at
    inner join priced_periods
        on lines.contract_id = priced_periods.contract_id
        and lines.period_start_at = priced_periods.period_start_at

)

select * from final_lines
{% if is_incremental() -%}
where
    not exists (
        select 1 from {{ this }} as frozen
        where
            frozen.contract_id = final_lines.contract_id
            and frozen.period_start_at = final_lines.period_start_at
    )
{%- endif %}
