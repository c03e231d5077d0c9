{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_unfinished_periods',
        full_refresh=false,
        on_schema_change='append_new_columns',
    )
}}

-- The minutes of a bill by UTC day and stack, under the stack's name of that day. What the
-- contract includes is used up day by day, within a day by all stacks alike. Rows of a finished
-- period stay as they were, as its lines do; corrections are made on the lines.

with

periods as (

    select periods.* from {{ ref('int_billing_periods') }} as periods
    where
        periods.contract_id <> 'none'
        {% if is_incremental() %}
        and periods.is_to_rebuild
        and not exists (
            select 1 from {{ this }} as kept
            where
                kept.is_final
                and kept.contract_id = periods.contract_id
                and kept.period_start_at = periods.period_start_at
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

lines as (

    select * from {{ ref('int_billing_lines_priced') }}
    where basis = 'to_date' and amount is not null

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

),

day_sums as (

    select
        contract_id,
        period_start_at,
        date_day,
        is_public,
        sum(minutes) as day_minutes,
        sum(sum(minutes)) over (
            partition by contract_id, period_start_at, is_public order by date_day asc
        ) as minutes_so_far
    from stack_days
    group by contract_id, period_start_at, date_day, is_public

),

allowances as (

    select
        contract_id,
        period_start_at,
        line_code like 'public%' as is_public,
        sum(quantity) filter (where line_code not like '%\_overage') as minutes_included
    from lines
    where line_code like '%\_minutes%'
    group by contract_id, period_start_at, line_code like 'public%'

),

split_days as (

    select
        day_sums.*,
        -- How much of the day is within what is included.
        least(
            greatest(
                allowances.minutes_included - (day_sums.minutes_so_far - day_sums.day_minutes), 0
            ), day_sums.day_minutes
        ) / day_sums.day_minutes as included_share
    from day_sums
    inner join allowances
        on day_sums.contract_id = allowances.contract_id
        and day_sums.period_start_at = allowances.period_start_at
        and day_sums.is_public = allowances.is_public

),

parts as (

    select
        stack_days.*,
        tier.line_code,
        tier.share * stack_days.minutes as quantity
    from stack_days
    inner join split_days
        on stack_days.contract_id = split_days.contract_id
        and stack_days.period_start_at = split_days.period_start_at
        and stack_days.date_day = split_days.date_day
        and stack_days.is_public = split_days.is_public
    cross join lateral (
        values
        (
            case when stack_days.is_public then 'public_minutes' else 'private_minutes' end,
            split_days.included_share
        ),
        (
            case
                when stack_days.is_public then 'public_minutes_overage'
                else 'private_minutes_overage'
            end,
            1 - split_days.included_share
        )
    ) as tier (line_code, share)
    where tier.share > 0

),

charges as (

    select
        parts.contract_id,
        parts.period_start_at,
        parts.date_day,
        parts.line_code,
        parts.stack_ulid,
        parts.stack_name,
        parts.quantity::numeric(18, 6) as quantity,
        lines.unit_price,
        (parts.quantity::numeric(18, 6) * lines.unit_price)::numeric(18, 6) as cost,
        periods.is_closed and periods.is_complete as is_final
    from parts
    inner join periods
        on parts.contract_id = periods.contract_id
        and parts.period_start_at = periods.period_start_at
    inner join lines
        on parts.contract_id = lines.contract_id
        and parts.period_start_at = lines.period_start_at
        and parts.line_code = lines.line_code

)

select * from charges
