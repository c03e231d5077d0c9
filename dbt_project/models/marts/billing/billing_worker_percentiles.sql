{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
    )
}}

-- Percentiles by nearest rank, from counts of hours above a level: the value at rank r of N hours
-- is the lowest level with at most N - r hours above it. Zeros need not be read, only counted.

{% set percentiles = {'p50_workers': 5000, 'p90_workers': 9000, 'p95_workers': 9500,
    'p99_workers': 9900, 'billed_percentile_workers': 'periods.worker_percentile_per_10000'} %}

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

levels as (

    select * from {{ ref('int_worker_levels') }}
    where
        (contract_id, period_start_at) in (
            select
                periods.contract_id,
                periods.period_start_at
            from periods
        )

),

-- Level 0 always exists: the hours before a pool was born count as 0 in its period.
levels_with_zero as (

    select
        contract_id,
        period_start_at,
        scope,
        worker_pool_key,
        worker_count,
        hours_at_level
    from levels
    where worker_count > 0
    union all
    select
        contract_id,
        period_start_at,
        scope,
        worker_pool_key,
        0 as worker_count,
        coalesce(sum(hours_at_level) filter (where worker_count = 0), 0)::integer as hours_at_level
    from levels
    group by contract_id, period_start_at, scope, worker_pool_key

),

exceeded as (

    select
        *,
        coalesce(
            sum(hours_at_level) over (
                partition by contract_id, period_start_at, scope, worker_pool_key
                order by worker_count desc
                rows between unbounded preceding and 1 preceding
            ), 0
        )::integer as hours_above,
        sum(hours_at_level) over scopes::integer as hours_alive,
        coalesce(sum(hours_at_level) filter (where worker_count > 0) over scopes, 0)::integer
            as hours_above_zero
    from levels_with_zero
    window scopes as (partition by contract_id, period_start_at, scope, worker_pool_key)

),

summed as (

    select
        periods.contract_id,
        periods.period_start_at,
        exceeded.scope,
        exceeded.worker_pool_key,
        periods.worker_percentile,
        periods.worker_hours_covered as hours_counted,
        max(exceeded.hours_alive) as hours_alive,
        max(exceeded.hours_above_zero) as hours_above_zero,
        {% for name, per_10000 in percentiles.items() -%}
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= periods.worker_hours_covered
            - ({{ per_10000 }}::bigint * periods.worker_hours_covered + 9999) / 10000
        ) as {{ name }},
        {% endfor -%}
        max(exceeded.worker_count) as max_workers,
        sum(exceeded.worker_count * exceeded.hours_at_level) as worker_hours,
        -- Interpolated: between the values at ranks k and k + 1, k = floor(1 + 0.95 (N - 1)).
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= periods.worker_hours_covered
            - (1 + 95 * (periods.worker_hours_covered - 1) / 100)
        ) as lower_workers,
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= greatest(
                periods.worker_hours_covered
                - (2 + 95 * (periods.worker_hours_covered - 1) / 100), 0
            )
        ) as upper_workers,
        (95 * (periods.worker_hours_covered - 1) % 100)::numeric / 100 as upper_share,
        min(exceeded.worker_count) filter (
            where exceeded.hours_above <= exceeded.hours_alive
            - (95 * exceeded.hours_alive + 99) / 100
        ) as p95_workers_since_created,
        -- What one gets from the file as it comes: the zeros are not in it.
        min(exceeded.worker_count) filter (
            where
            exceeded.worker_count > 0
            and exceeded.hours_above <= exceeded.hours_above_zero
            - (95 * exceeded.hours_above_zero + 99) / 100
        ) as p95_workers_without_zeros
    from exceeded
    inner join periods
        on exceeded.contract_id = periods.contract_id
        and exceeded.period_start_at = periods.period_start_at
    group by
        periods.contract_id,
        periods.period_start_at,
        exceeded.scope,
        exceeded.worker_pool_key,
        periods.worker_percentile,
        periods.worker_hours_covered

),

percentiles as (

    select
        ---------- ids
        contract_id,
        period_start_at,
        scope,
        worker_pool_key,

        ---------- numerics
        hours_counted,
        (hours_counted - hours_above_zero)::integer as hours_at_zero,
        {% for name in percentiles -%}
        {{ name }},
        {% endfor -%}
        worker_percentile,
        max_workers,
        (worker_hours::numeric / hours_counted)::numeric(18, 6) as mean_workers,
        (lower_workers + upper_share * (upper_workers - lower_workers))::numeric(18, 6)
            as p95_workers_interpolated,
        p95_workers_since_created,
        p95_workers_without_zeros,
        worker_hours::bigint as worker_hours

    from summed

)

select * from percentiles
