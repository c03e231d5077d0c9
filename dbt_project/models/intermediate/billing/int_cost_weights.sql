{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- Who bears which part of each kind of line: stacks by their minutes, idle pools, and one row for
-- what is shared. The weights of a kind in a period add up to its whole.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

stack_minutes as (

    select * from {{ ref('int_stack_minutes_by_period') }}
    where
        (contract_id, period_start_at) in (
            select
                periods.contract_id,
                periods.period_start_at
            from periods
        )

),

known_by_day as (

    select
        contract_id,
        period_start_at,
        sum(private_minutes) as private_minutes,
        sum(public_minutes) as public_minutes
    from {{ ref('int_minutes_known_by_day') }}
    group by contract_id, period_start_at

),

shares as (

    select * from {{ ref('int_worker_pool_shares') }}
    where
        (contract_id, period_start_at) in (
            select
                periods.contract_id,
                periods.period_start_at
            from periods
        )

),

used as (

    select
        contract_id,
        period_start_at,
        worker_pool_key,
        sum(private_active_minutes) as used_minutes
    from stack_minutes
    where worker_pool_key is not null
    group by contract_id, period_start_at, worker_pool_key

),

-- Minutes may exceed what the counted workers could have worked, when clocks differ: then nothing
-- is idle. What stacks used is measured against `borne_minutes`.
pools as (

    select
        shares.contract_id,
        shares.period_start_at,
        shares.worker_pool_key,
        shares.cost_share,
        shares.worker_hours,
        coalesce(used.used_minutes, 0) as used_minutes,
        greatest(60 * shares.worker_hours - coalesce(used.used_minutes, 0), 0) as idle_minutes,
        {% if idle_cost() == 'spread' -%}
        coalesce(nullif(used.used_minutes, 0), 60 * shares.worker_hours) as borne_minutes
        {%- else -%}
        greatest(60 * shares.worker_hours, coalesce(used.used_minutes, 0)) as borne_minutes
        {%- endif %}
    from shares
    -- Left: a pool may have had no run.
    left join used
        on shares.contract_id = used.contract_id
        and shares.period_start_at = used.period_start_at
        and shares.worker_pool_key = used.worker_pool_key

),

stack_rows as (

    select
        stack_minutes.contract_id,
        stack_minutes.period_start_at,
        'stack' as allocation,
        stack_minutes.worker_pool_key,
        stack_minutes.stack_ulid,
        stack_minutes.stack_name,
        stack_minutes.private_active_minutes,
        stack_minutes.public_active_minutes,
        0 as idle_minutes,
        coalesce(
            pools.cost_share
            * stack_minutes.private_active_minutes
            / nullif(pools.borne_minutes, 0),
            0
        ) as worker_weight,
        stack_minutes.private_billable_minutes as private_weight,
        stack_minutes.public_billable_minutes as public_weight,
        0 as shared_weight
    from stack_minutes
    -- Left: public workers are in no pool.
    left join pools
        on stack_minutes.contract_id = pools.contract_id
        and stack_minutes.period_start_at = pools.period_start_at
        and stack_minutes.worker_pool_key = pools.worker_pool_key

),

idle_rows as (

    select
        contract_id,
        period_start_at,
        'idle' as allocation,
        worker_pool_key,
        null::text as stack_ulid,
        null::text as stack_name,
        0 as private_active_minutes,
        0 as public_active_minutes,
        idle_minutes,
        coalesce(cost_share * (1 - least(used_minutes / nullif(borne_minutes, 0), 1)), 0)
            as worker_weight,
        0 as private_weight,
        0 as public_weight,
        0 as shared_weight
    from pools

),

united as (

    select * from stack_rows
    union all
    select * from idle_rows

),

totals as (

    select
        periods.contract_id,
        periods.period_start_at,
        coalesce(sum(united.worker_weight), 0) as worker_weight,
        coalesce(sum(united.private_weight), 0) as private_weight,
        coalesce(sum(united.public_weight), 0) as public_weight
    from periods
    -- Left: a period may be without any use.
    left join united
        on periods.contract_id = united.contract_id
        and periods.period_start_at = united.period_start_at
    group by periods.contract_id, periods.period_start_at

),

-- What nobody's use can be charged with is shared, too, and so are minutes of no known stack.
shared_rows as (

    select
        totals.contract_id,
        totals.period_start_at,
        'shared' as allocation,
        null::text as worker_pool_key,
        null::text as stack_ulid,
        null::text as stack_name,
        0 as private_active_minutes,
        0 as public_active_minutes,
        0 as idle_minutes,
        (totals.worker_weight = 0)::integer as worker_weight,
        {% for minutes in ['private', 'public'] -%}
        case
            when known_by_day.{{ minutes }}_minutes > 0 then known_by_day.{{ minutes }}_minutes
            else (totals.{{ minutes }}_weight = 0)::integer
        end as {{ minutes }}_weight,
        {% endfor -%}
        1 as shared_weight
    from totals
    -- Left: only a self-hosted instance's days are known without their runs.
    left join known_by_day
        on totals.contract_id = known_by_day.contract_id
        and totals.period_start_at = known_by_day.period_start_at

),

weights as (

    select united.*
    from united
    inner join periods
        on united.contract_id = periods.contract_id
        and united.period_start_at = periods.period_start_at
    union all
    select * from shared_rows

)

select * from weights
