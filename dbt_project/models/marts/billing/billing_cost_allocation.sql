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

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

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

-- Stacked and summed, not joined: a join of tables whose sizes Postgres misjudges can take minutes.
parts as (

    select
        contract_id,
        period_start_at,
        allocation,
        worker_pool_key,
        stack_ulid,
        private_active_minutes,
        public_active_minutes,
        idle_minutes,
        null::text as line_code,
        0 as amount
    from weights
    union all
    select
        contract_id,
        period_start_at,
        allocation,
        worker_pool_key,
        stack_ulid,
        0 as private_active_minutes,
        0 as public_active_minutes,
        0 as idle_minutes,
        line_code,
        amount
    from allocated_lines

),

summed as (

    select
        parts.contract_id,
        parts.period_start_at,
        parts.allocation,
        parts.worker_pool_key,
        parts.stack_ulid,
        statuses.currency,
        sum(parts.private_active_minutes) as private_active_minutes,
        sum(parts.public_active_minutes) as public_active_minutes,
        sum(parts.idle_minutes) as idle_minutes,
        {{ known_sum('parts.amount') }} as amount,
        {{ known_sum(
            'parts.amount',
            rows="parts.line_code in ('committed_workers', 'worker_overage')",
            if_none='0',
        ) }} as worker_amount,
        {{ known_sum('parts.amount', rows="parts.line_code like '%\_minutes%'", if_none='0') }}
            as minutes_amount
    from parts
    inner join periods
        on parts.contract_id = periods.contract_id
        and parts.period_start_at = periods.period_start_at
    inner join statuses
        on parts.contract_id = statuses.contract_id
        and parts.period_start_at = statuses.period_start_at
    group by
        parts.contract_id,
        parts.period_start_at,
        parts.allocation,
        parts.worker_pool_key,
        parts.stack_ulid,
        statuses.currency

),

allocated as (

    select
        ---------- ids
        summed.contract_id,
        summed.worker_pool_key,
        summed.stack_ulid,

        ---------- dates and times
        summed.period_start_at,

        ---------- text
        summed.allocation,
        pools.worker_pool_name,
        stacks.stack_slug,
        summed.currency,

        ---------- numerics, minutes
        (summed.private_active_minutes + summed.public_active_minutes)::numeric(18, 6)
            as active_minutes,
        summed.private_active_minutes::numeric(18, 6) as private_active_minutes,
        summed.public_active_minutes::numeric(18, 6) as public_active_minutes,
        summed.idle_minutes::numeric(18, 6) as idle_minutes,

        ---------- numerics, money
        (case when summed.contract_id <> 'none' then summed.amount end)::numeric(18, 6) as amount,
        (case when summed.contract_id <> 'none' then summed.worker_amount end)::numeric(18, 6)
            as worker_amount,
        (case when summed.contract_id <> 'none' then summed.minutes_amount end)::numeric(18, 6)
            as minutes_amount

    from summed
    -- Left, twice: not every row is about a stack or a pool.
    left join stacks
        on summed.stack_ulid = stacks.stack_ulid
    left join pools
        on summed.worker_pool_key = pools.worker_pool_key

)

select * from allocated
