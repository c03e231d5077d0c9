{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- Each line of a bill shared out in whole cents by largest remainder: everybody gets their share
-- rounded down, and the cents that are left go where most was cut off. So the parts sum to the
-- line; those of a line without an amount have none.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

lines as (

    select * from {{ ref('billing_lines') }}
    where contract_id <> 'none'

),

weights as (

    select * from {{ ref('int_cost_weights') }}

),

weighted as (

    select
        lines.contract_id,
        lines.period_start_at,
        lines.line_code,
        lines.is_correction,
        weights.allocation,
        weights.worker_pool_key,
        weights.stack_ulid,
        weights.stack_name,
        sign(lines.amount) as amount_sign,
        round(abs(lines.amount) * 100) as line_cents,
        case
            when lines.line_code in ('committed_workers', 'worker_overage')
                then weights.worker_weight
            when lines.line_code in ('private_minutes', 'private_minutes_overage')
                then weights.private_weight
            when lines.line_code in ('public_minutes', 'public_minutes_overage')
                then weights.public_weight
            else weights.shared_weight
        end as weight
    from periods
    inner join lines
        on periods.contract_id = lines.contract_id
        and periods.period_start_at = lines.period_start_at
    inner join weights
        on lines.contract_id = weights.contract_id
        and lines.period_start_at = weights.period_start_at

),

shares as (

    select
        *,
        weight / sum(weight) over lines_of_periods as weight_share,
        line_cents * weight / sum(weight) over lines_of_periods as cents_exact
    from weighted
    where weight > 0
    window lines_of_periods as (
        partition by contract_id, period_start_at, line_code, is_correction
    )

),

cut as (

    select
        *,
        floor(cents_exact) as cents_floor,
        line_cents - sum(floor(cents_exact)) over lines_of_periods as cents_left,
        row_number() over (
            partition by contract_id, period_start_at, line_code, is_correction
            order by
                cents_exact - floor(cents_exact) desc,
                allocation asc,
                worker_pool_key asc,
                stack_ulid asc
        ) as place
    from shares
    window lines_of_periods as (
        partition by contract_id, period_start_at, line_code, is_correction
    )

),

allocated as (

    select
        contract_id,
        period_start_at,
        line_code,
        is_correction,
        allocation,
        worker_pool_key,
        stack_ulid,
        stack_name,
        weight_share::numeric(24, 18) as weight_share,
        (amount_sign * (cents_floor + (place <= cents_left)::integer) / 100)::numeric(18, 6)
            as amount
    from cut

)

select * from allocated
