{{ config(materialized='view') }}

-- The charges behind every line of a bill: the line itself, or for minutes one per day and stack
-- and what their rounding to the cent left over. Lines without an amount are no charges. Taxes and
-- credits of invoices stand beside the lines, with numbers and currencies of their own.

with

lines as (

    select * from {{ ref('billing_lines') }}
    where amount is not null

),

periods as (

    select * from {{ ref('int_billing_periods') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

levels as (

    select * from {{ ref('int_worker_levels') }}
    where scope = 'account'

),

minute_charges as (

    select * from {{ ref('int_focus_minute_charges') }}

),

-- What the overage of workers is about: the worker-hours above the commitment.
worker_hours_above as (

    select
        periods.contract_id,
        periods.period_start_at,
        coalesce(
            sum(
                greatest(levels.worker_count - periods.committed_workers, 0)::bigint
                * levels.hours_at_level
            ), 0
        ) as consumed_quantity
    from periods
    -- Left: in a period without landed hours nothing was consumed.
    left join levels
        on periods.contract_id = levels.contract_id
        and periods.period_start_at = levels.period_start_at
    group by periods.contract_id, periods.period_start_at

),

invoice_charges as (

    select * from {{ ref('int_focus_invoice_charges') }}

),

minute_sums as (

    select
        contract_id,
        period_start_at,
        line_code,
        sum(cost) as cost
    from minute_charges
    group by contract_id, period_start_at, line_code

),

whole_lines as (

    select
        lines.contract_id,
        lines.period_start_at,
        statuses.period_start_at as charge_start_at,
        statuses.period_end_at as charge_end_at,
        lines.line_code,
        lines.is_correction,
        false as is_rounding,
        null::text as stack_ulid,
        null::text as stack_name,
        -- Of a cut period the line shows six decimals; unit price times quantity is the cost.
        case
            when lines.unit <> 'Minutes' and not lines.is_correction and lines.unit_price <> 0
                then lines.amount / lines.unit_price
            else lines.quantity
        end as quantity,
        lines.unit,
        lines.unit_price,
        lines.amount as cost,
        case
            when lines.is_correction then null
            when lines.line_code = 'worker_overage' then worker_hours_above.consumed_quantity
            when lines.line_code like '%\_minutes%' then lines.quantity
        end as consumed_quantity
    from lines
    inner join statuses
        on lines.contract_id = statuses.contract_id
        and lines.period_start_at = statuses.period_start_at
    inner join worker_hours_above
        on lines.contract_id = worker_hours_above.contract_id
        and lines.period_start_at = worker_hours_above.period_start_at
    -- Left: only lines of minutes have charges by stack.
    left join minute_sums
        on lines.contract_id = minute_sums.contract_id
        and lines.period_start_at = minute_sums.period_start_at
        and lines.line_code = minute_sums.line_code
    where
        lines.is_correction
        or lines.line_code not like '%\_minutes%'
        -- A restatement may leave a finished line without the days behind it.
        or (minute_sums.line_code is null and lines.quantity > 0)

),

minute_lines as (

    select
        lines.contract_id,
        lines.period_start_at,
        greatest(minute_charges.date_day::timestamp at time zone 'UTC', statuses.period_start_at)
            as charge_start_at,
        least((minute_charges.date_day + 1)::timestamp at time zone 'UTC', statuses.period_end_at)
            as charge_end_at,
        lines.line_code,
        lines.is_correction,
        false as is_rounding,
        minute_charges.stack_ulid,
        minute_charges.stack_name,
        minute_charges.quantity,
        lines.unit,
        minute_charges.unit_price,
        minute_charges.cost,
        minute_charges.quantity as consumed_quantity
    from lines
    inner join statuses
        on lines.contract_id = statuses.contract_id
        and lines.period_start_at = statuses.period_start_at
    inner join minute_charges
        on lines.contract_id = minute_charges.contract_id
        and lines.period_start_at = minute_charges.period_start_at
        and lines.line_code = minute_charges.line_code
    where not lines.is_correction

),

roundings as (

    select
        lines.contract_id,
        lines.period_start_at,
        statuses.period_start_at as charge_start_at,
        statuses.period_end_at as charge_end_at,
        lines.line_code,
        lines.is_correction,
        true as is_rounding,
        null::text as stack_ulid,
        null::text as stack_name,
        null::numeric as quantity,
        null::text as unit,
        null::numeric as unit_price,
        lines.amount - minute_sums.cost as cost,
        null::numeric as consumed_quantity
    from lines
    inner join statuses
        on lines.contract_id = statuses.contract_id
        and lines.period_start_at = statuses.period_start_at
    inner join minute_sums
        on lines.contract_id = minute_sums.contract_id
        and lines.period_start_at = minute_sums.period_start_at
        and lines.line_code = minute_sums.line_code
    where
        not lines.is_correction
        and lines.line_code like '%\_minutes%'
        and lines.amount <> minute_sums.cost

),

charges as (

    select * from whole_lines
    union all
    select * from minute_lines
    union all
    select * from roundings

),

united as (

    select
        charges.*,
        null::text as invoice_number,
        null::text as currency
    from charges
    union all
    select
        contract_id,
        period_start_at,
        charge_start_at,
        charge_end_at,
        line_code,
        false as is_correction,
        false as is_rounding,
        null::text as stack_ulid,
        null::text as stack_name,
        null::numeric as quantity,
        null::text as unit,
        null::numeric as unit_price,
        cost,
        null::numeric as consumed_quantity,
        invoice_number,
        currency
    from invoice_charges

)

select
    *,
    null::text as worker_pool_key,
    null::text as worker_pool_name,
    null::text as allocation_method
from united
