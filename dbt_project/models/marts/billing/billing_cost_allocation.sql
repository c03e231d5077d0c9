{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
    )
}}

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

weights as (

    select * from {{ ref('int_cost_weights') }}

),

allocated_lines as (

    select * from {{ ref('int_cost_allocated_lines') }}

),

stacks as (

    select * from {{ ref('dim_stacks') }}

),

pools as (

    select * from {{ ref('dim_worker_pools') }}

),

amounts as (

    select
        contract_id,
        period_start_at,
        allocation,
        worker_pool_key,
        stack_ulid,
        sum(amount) as amount,
        sum(amount) filter (where line_code in ('committed_workers', 'worker_overage'))
            as worker_amount,
        sum(amount) filter (where line_code like '%\_minutes%') as minutes_amount
    from allocated_lines
    group by contract_id, period_start_at, allocation, worker_pool_key, stack_ulid

),

allocated as (

    select
        ---------- ids
        weights.contract_id,
        weights.worker_pool_key,
        weights.stack_ulid,

        ---------- dates and times
        weights.period_start_at,

        ---------- text
        weights.allocation,
        pools.worker_pool_name,
        stacks.stack_slug,
        periods.currency,

        ---------- numerics, minutes
        (weights.private_active_minutes + weights.public_active_minutes)::numeric(18, 6)
            as active_minutes,
        weights.private_active_minutes::numeric(18, 6) as private_active_minutes,
        weights.public_active_minutes::numeric(18, 6) as public_active_minutes,
        weights.idle_minutes::numeric(18, 6) as idle_minutes,

        ---------- numerics, money
        (case when weights.contract_id <> 'none' then coalesce(amounts.amount, 0) end)
        ::numeric(18, 6) as amount,
        (case when weights.contract_id <> 'none' then coalesce(amounts.worker_amount, 0) end)
        ::numeric(18, 6) as worker_amount,
        (case when weights.contract_id <> 'none' then coalesce(amounts.minutes_amount, 0) end)
        ::numeric(18, 6) as minutes_amount

    from weights
    inner join periods
        on weights.contract_id = periods.contract_id
        and weights.period_start_at = periods.period_start_at
    -- Left, three times: a share may be nothing, and not every row is about a stack or a pool.
    left join amounts
        on weights.contract_id = amounts.contract_id
        and weights.period_start_at = amounts.period_start_at
        and weights.allocation = amounts.allocation
        and coalesce(weights.worker_pool_key, '') = coalesce(amounts.worker_pool_key, '')
        and coalesce(weights.stack_ulid, '') = coalesce(amounts.stack_ulid, '')
    left join stacks
        on weights.stack_ulid = stacks.stack_ulid
    left join pools
        on weights.worker_pool_key = pools.worker_pool_key

)

select * from allocated
