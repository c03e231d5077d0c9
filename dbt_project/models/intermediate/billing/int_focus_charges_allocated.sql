{{ config(materialized='view') }}

-- The lines of a bill shared out to stacks, idle pools and what is shared, as charges.

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

allocated_lines as (

    select * from {{ ref('int_cost_allocated_lines') }}

),

pool_names as (

    select * from {{ ref('int_worker_pool_names') }}

),

whole_charges as (

    select * from {{ ref('int_focus_charges') }}

),

consumed as (

    select
        contract_id,
        period_start_at,
        line_code,
        is_correction,
        sum(consumed_quantity) as consumed_quantity
    from whole_charges
    group by contract_id, period_start_at, line_code, is_correction

),

charges as (

    select
        lines.contract_id,
        lines.period_start_at,
        statuses.period_start_at as charge_start_at,
        statuses.period_end_at as charge_end_at,
        lines.line_code,
        lines.is_correction,
        false as is_rounding,
        allocated_lines.allocation,
        allocated_lines.stack_ulid,
        allocated_lines.stack_name,
        -- Of a line that costs something each part is as much of it as it costs.
        case
            when lines.unit_price <> 0 then allocated_lines.amount / lines.unit_price
            else lines.quantity * allocated_lines.weight_share
        end as quantity,
        lines.unit,
        lines.unit_price,
        allocated_lines.amount as cost,
        case
            when
                not lines.is_correction
                and (lines.line_code like '%\_minutes%' or lines.line_code = 'worker_overage')
                then coalesce(consumed.consumed_quantity, 0) * allocated_lines.weight_share
        end as consumed_quantity,
        allocated_lines.worker_pool_key,
        -- The pool's name at the end of the period, not its latest.
        pool_names.worker_pool_name,
        case
            when allocated_lines.allocation = 'shared' then 'shared'
            when lines.line_code like '%\_minutes%' then 'billable_minutes'
            else '{{ worker_allocation_by() }}, idle {{ idle_cost() }}'
        end as allocation_method
    from allocated_lines
    inner join lines
        on allocated_lines.contract_id = lines.contract_id
        and allocated_lines.period_start_at = lines.period_start_at
        and allocated_lines.line_code = lines.line_code
        and allocated_lines.is_correction = lines.is_correction
    inner join periods
        on lines.contract_id = periods.contract_id
        and lines.period_start_at = periods.period_start_at
    inner join statuses
        on lines.contract_id = statuses.contract_id
        and lines.period_start_at = statuses.period_start_at
    -- Left, twice: not every part is about a pool, not every line is consumed.
    left join pool_names
        on allocated_lines.worker_pool_key = pool_names.worker_pool_key
        and periods.known_until_at - interval '1 hour' >= pool_names.valid_from_at
        and periods.known_until_at - interval '1 hour' < pool_names.valid_to_at
    left join consumed
        on lines.contract_id = consumed.contract_id
        and lines.period_start_at = consumed.period_start_at
        and lines.line_code = consumed.line_code
        and lines.is_correction = consumed.is_correction

),

-- Nobody's use makes a tax or a credit.
invoice_charges as (

    select
        contract_id,
        period_start_at,
        charge_start_at,
        charge_end_at,
        line_code,
        false as is_correction,
        false as is_rounding,
        'shared' as allocation,
        null::text as stack_ulid,
        null::text as stack_name,
        null::numeric as quantity,
        null::text as unit,
        null::numeric as unit_price,
        cost,
        null::numeric as consumed_quantity,
        null::text as worker_pool_key,
        null::text as worker_pool_name,
        'shared' as allocation_method,
        invoice_number,
        currency
    from {{ ref('int_focus_invoice_charges') }}

)

select
    charges.*,
    null::text as invoice_number,
    null::text as currency
from charges
union all
select * from invoice_charges
