{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- Each pool's share in what workers cost in a period: by its worker-hours, or by those in the
-- hours at or above the billed level alone, which are what set the price.

{% set by_peak = worker_allocation_by() == 'coincident_peak' %}

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

levels as (

    select * from {{ ref('int_worker_levels') }}
    where scope = 'pool'

),

worker_hours as (

    select
        periods.contract_id,
        periods.period_start_at,
        levels.worker_pool_key,
        sum(levels.worker_count::bigint * levels.hours_at_level) as worker_hours
    from levels
    inner join periods
        on levels.contract_id = periods.contract_id
        and levels.period_start_at = periods.period_start_at
    group by periods.contract_id, periods.period_start_at, levels.worker_pool_key

),

commitment as (

    select * from {{ ref('billing_worker_commitment') }}
    -- Postgres reads nothing for a condition that is false.
    where {{ by_peak }}

),

peak_hours as (

    select
        billing_hours.contract_id,
        billing_hours.period_start_at,
        billing_hours.hour_at,
        billing_hours.date_day
    from periods
    inner join {{ ref('int_billing_hours') }} as billing_hours
        on periods.contract_id = billing_hours.contract_id
        and periods.period_start_at = billing_hours.period_start_at
    inner join commitment
        on periods.contract_id = commitment.contract_id
        and periods.period_start_at = commitment.period_start_at
    inner join {{ ref('fct_account_hourly') }} as account_hours
        on billing_hours.hour_at = account_hours.hour_at
        and commitment.p95_floor <= account_hours.worker_count

),

charged as (

    select
        peak_hours.contract_id,
        peak_hours.period_start_at,
        pool_hours.worker_pool_key,
        sum(pool_hours.worker_count) as charged_worker_hours
    from peak_hours
    inner join {{ ref('fct_worker_pool_hourly') }} as pool_hours
        on peak_hours.hour_at = pool_hours.hour_at
        and peak_hours.date_day = pool_hours.date_day
    group by
        peak_hours.contract_id, peak_hours.period_start_at, pool_hours.worker_pool_key

),

weighed as (

    select
        worker_hours.*,
        case
            when {{ by_peak }} then coalesce(charged.charged_worker_hours, 0)
            else worker_hours.worker_hours
        end as charged_worker_hours
    from worker_hours
    -- Left: a pool may have had no worker in the hours that count.
    left join charged
        on worker_hours.contract_id = charged.contract_id
        and worker_hours.period_start_at = charged.period_start_at
        and worker_hours.worker_pool_key = charged.worker_pool_key

),

shares as (

    select
        contract_id,
        period_start_at,
        worker_pool_key,
        worker_hours::bigint as worker_hours,
        coalesce(
            charged_worker_hours::numeric / nullif(sum(charged_worker_hours) over (
                partition by contract_id, period_start_at
            ), 0), 0
        ) as cost_share
    from weighed

)

select * from shares
