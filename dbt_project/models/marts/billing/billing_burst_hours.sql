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
    where
        committed_workers is not null
        {% if is_incremental() %} and is_to_rebuild {% endif %}

),

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

account_hours as (

    select * from {{ ref('fct_account_hourly') }}

),

pool_hours as (

    select * from {{ ref('fct_worker_pool_hourly') }}

),

stack_hours as (

    select * from {{ ref('int_run_minutes_summed_to_stack_hours') }}

),

stacks as (

    select * from {{ ref('dim_stacks') }}

),

burst_hours as (

    select
        periods.contract_id,
        periods.period_start_at,
        billing_hours.hour_at,
        billing_hours.date_day,
        account_hours.worker_count,
        periods.committed_workers,
        row_number() over (
            partition by periods.contract_id, periods.period_start_at
            order by billing_hours.hour_at asc
        ) as burst_hour_number
    from periods
    inner join billing_hours
        on periods.contract_id = billing_hours.contract_id
        and periods.period_start_at = billing_hours.period_start_at
    inner join account_hours
        on billing_hours.hour_at = account_hours.hour_at
    where account_hours.worker_count > periods.committed_workers

),

pools as (

    select
        burst_hours.hour_at,
        string_agg(
            pool_hours.worker_pool_name || ' ' || pool_hours.worker_count, ', '
            order by pool_hours.worker_count desc, pool_hours.worker_pool_name asc
        ) as worker_pools
    from burst_hours
    -- The day, too: it has the index.
    inner join pool_hours
        on burst_hours.hour_at = pool_hours.hour_at
        and burst_hours.date_day = pool_hours.date_day
    where pool_hours.worker_count > 0
    group by burst_hours.hour_at

),

stack_minutes as (

    select
        burst_hours.hour_at,
        stack_hours.stack_ulid,
        sum(stack_hours.active_minutes) as active_minutes
    from burst_hours
    inner join stack_hours
        on burst_hours.hour_at = stack_hours.hour_at
        and burst_hours.date_day = stack_hours.date_day
    where not stack_hours.is_public and stack_hours.active_minutes > 0
    group by burst_hours.hour_at, stack_hours.stack_ulid

),

ranked_stacks as (

    select
        stack_minutes.hour_at,
        stack_minutes.active_minutes,
        stacks.stack_slug,
        row_number() over (
            partition by stack_minutes.hour_at
            order by stack_minutes.active_minutes desc, stacks.stack_slug asc
        ) as place,
        count(*) over (partition by stack_minutes.hour_at) as stack_count
    from stack_minutes
    inner join stacks
        on stack_minutes.stack_ulid = stacks.stack_ulid

),

top_stacks as (

    select
        hour_at,
        max(stack_count)::integer as stack_count,
        string_agg(stack_slug || ' ' || round(active_minutes) || ' min', ', ' order by place asc)
        filter (where place <= 5) as top_stacks
    from ranked_stacks
    group by hour_at

)

select
    ---------- ids
    burst_hours.contract_id,

    ---------- dates and times
    burst_hours.period_start_at,
    burst_hours.hour_at,

    ---------- text
    pools.worker_pools,
    top_stacks.top_stacks,

    ---------- numerics
    burst_hours.burst_hour_number::integer as burst_hour_number,
    burst_hours.worker_count,
    burst_hours.committed_workers,
    burst_hours.worker_count - burst_hours.committed_workers as workers_above,
    coalesce(top_stacks.stack_count, 0) as stack_count
from burst_hours
-- Left: workers may stand by without a run.
left join pools
    on burst_hours.hour_at = pools.hour_at
left join top_stacks
    on burst_hours.hour_at = top_stacks.hour_at
