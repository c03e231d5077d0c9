{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_unfinished_periods',
        full_refresh=false,
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- The minutes of a bill by UTC day and stack, under the stack's name of that day; of no stack where
-- an instance's reports tell the day as a whole. What the contract includes is used up day by day,
-- within a day by all stacks alike. Rows of a finished period stay as they were, as its lines do;
-- corrections are made on the lines.

with

{% if is_incremental() -%}
finished as (

    {{ periods_with_final_charges() }}

),
{%- endif %}

frozen_periods as (

    select distinct
        contract_id,
        period_start_at
    from {{ ref('int_billing_lines_frozen') }}

),

periods as (

    select * from {{ ref('int_billing_periods') }}
    where
        contract_id <> 'none'
        {% if is_incremental() %}
        and is_to_rebuild
        and (contract_id, period_start_at) not in (
            select
                finished.contract_id,
                finished.period_start_at
            from finished
        )
        {% endif %}

),

hours as (

    select billing_hours.*
    from {{ ref('int_billing_hours') }} as billing_hours
    inner join periods
        on billing_hours.contract_id = periods.contract_id
        and billing_hours.period_start_at = periods.period_start_at

),

days as (

    select
        min(date_day) as first_day,
        max(date_day) as last_day
    from hours

),

stack_hours as (

    select * from {{ ref('int_run_minutes_summed_to_stack_hours') }}
    where
        date_day >= (select days.first_day from days)
        and date_day <= (select days.last_day from days)
        and billable_minutes > 0

),

known_by_day as (

    select * from {{ ref('int_minutes_known_by_day') }}
    where
        (contract_id, period_start_at) in (
            select
                periods.contract_id,
                periods.period_start_at
            from periods
        )

),

lines as (

    select * from {{ ref('int_billing_lines_priced') }}
    where basis = 'to_date' and amount is not null

),

-- One row per period and kind of worker: few rows to join, whatever the history.
tariffs as (

    select
        periods.contract_id,
        periods.period_start_at,
        frozen_periods.contract_id is not null as is_final,
        lines.line_code like 'public%' as is_public,
        sum(lines.quantity) filter (where lines.line_code not like '%\_overage')
            as minutes_included,
        max(lines.unit_price) filter (where lines.line_code not like '%\_overage') as unit_price,
        max(lines.unit_price) filter (where lines.line_code like '%\_overage')
            as overage_unit_price
    from periods
    inner join lines
        on periods.contract_id = lines.contract_id
        and periods.period_start_at = lines.period_start_at
    -- Left: an open period is not frozen, nor one with a price that is not agreed.
    left join frozen_periods
        on periods.contract_id = frozen_periods.contract_id
        and periods.period_start_at = frozen_periods.period_start_at
    where lines.line_code like '%\_minutes%'
    group by
        periods.contract_id,
        periods.period_start_at,
        frozen_periods.contract_id is not null,
        lines.line_code like 'public%'

),

stack_days as (

    select
        hours.contract_id,
        hours.period_start_at,
        hours.date_day,
        stack_hours.is_public,
        stack_hours.stack_ulid,
        (array_agg(stack_hours.stack_name order by stack_hours.hour_at desc))[1] as stack_name,
        sum(stack_hours.billable_minutes) as minutes
    from stack_hours
    inner join hours
        on stack_hours.hour_at = hours.hour_at
    group by
        hours.contract_id,
        hours.period_start_at,
        hours.date_day,
        stack_hours.is_public,
        stack_hours.stack_ulid
    {% for kind, is_public in [('private', 'false'), ('public', 'true')] -%}
    union all
    -- Nobody knows whose they are.
    select
        contract_id,
        period_start_at,
        date_day,
        {{ is_public }} as is_public,
        null::text as stack_ulid,
        null::text as stack_name,
        {{ kind }}_minutes as minutes
    from known_by_day
    where {{ kind }}_minutes > 0
    {% endfor %}

),

running as (

    select
        *,
        sum(minutes) over (
            partition by contract_id, period_start_at, is_public, date_day
        ) as day_minutes,
        -- By days: all stacks of a day are in the sum.
        sum(minutes) over (
            partition by contract_id, period_start_at, is_public
            order by date_day asc
            range between unbounded preceding and current row
        ) as minutes_so_far
    from stack_days

),

split_days as (

    select
        running.*,
        tariffs.unit_price,
        tariffs.overage_unit_price,
        tariffs.is_final,
        -- How much of the day is within what is included.
        least(
            greatest(
                tariffs.minutes_included - (running.minutes_so_far - running.day_minutes), 0
            ), running.day_minutes
        ) / running.day_minutes as included_share
    from running
    inner join tariffs
        on running.contract_id = tariffs.contract_id
        and running.period_start_at = tariffs.period_start_at
        and running.is_public = tariffs.is_public

),

parts as (

    select
        split_days.*,
        case when is_public then 'public_minutes' else 'private_minutes' end as line_code,
        (included_share * minutes)::numeric(18, 6) as quantity,
        unit_price as part_unit_price
    from split_days
    where included_share > 0
    union all
    select
        split_days.*,
        case when is_public then 'public_minutes_overage' else 'private_minutes_overage' end
            as line_code,
        ((1 - included_share) * minutes)::numeric(18, 6) as quantity,
        overage_unit_price as part_unit_price
    from split_days
    where included_share < 1

),

charges as (

    select
        contract_id,
        period_start_at,
        date_day,
        line_code,
        stack_ulid,
        stack_name,
        quantity,
        part_unit_price as unit_price,
        (quantity * part_unit_price)::numeric(18, 6) as cost,
        is_final
    from parts

)

select * from charges
