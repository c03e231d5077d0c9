{{ config(materialized='view') }}

-- What a minute of work cost in its period, idle workers and overage included, times the run's
-- minutes.

with

runs as (

    select * from {{ ref('fct_runs') }}

),

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

periods as (

    select * from {{ ref('int_billing_periods') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

-- Minutes of days whose runs are not known bear their part.
minutes as (

    select
        contract_id,
        period_start_at,
        sum(private_minutes) as private_minutes,
        sum(public_minutes) as public_minutes
    from (
        select
            contract_id,
            period_start_at,
            private_active_minutes as private_minutes,
            public_active_minutes as public_minutes
        from {{ ref('int_stack_minutes_by_period') }}
        union all
        select
            contract_id,
            period_start_at,
            private_minutes,
            public_minutes
        from {{ ref('int_minutes_known_by_day') }}
    ) as known
    group by contract_id, period_start_at

),

amounts as (

    select
        contract_id,
        period_start_at,
        {{ known_sum(
            'amount',
            rows="line_code in ('committed_workers', 'worker_overage')"
                " or line_code like 'private\_minutes%'",
            if_none='0',
        ) }} as private_amount,
        {{ known_sum('amount', rows="line_code like 'public\_minutes%'", if_none='0') }}
            as public_amount
    from {{ ref('billing_lines') }}
    group by contract_id, period_start_at

),

rates as (

    select
        periods.contract_id,
        periods.period_start_at,
        statuses.currency,
        case when amounts.contract_id is null then 0 else amounts.private_amount end
        / nullif(minutes.private_minutes, 0) as private_rate,
        case when amounts.contract_id is null then 0 else amounts.public_amount end
        / nullif(minutes.public_minutes, 0) as public_rate
    from periods
    inner join statuses
        on periods.contract_id = statuses.contract_id
        and periods.period_start_at = statuses.period_start_at
    inner join minutes
        on periods.contract_id = minutes.contract_id
        and periods.period_start_at = minutes.period_start_at
    -- Left: a contract may meter nothing.
    left join amounts
        on periods.contract_id = amounts.contract_id
        and periods.period_start_at = amounts.period_start_at
    where periods.contract_id <> 'none'

)

select
    ---------- ids
    billing_hours.contract_id,
    runs.run_ulid,
    runs.stack_ulid,

    ---------- dates and times
    billing_hours.period_start_at,
    runs.first_hour_at,

    ---------- text
    runs.run_type,
    runs.last_run_state,
    rates.currency,

    ---------- numerics
    runs.active_minutes,
    runs.waiting_worker_minutes,
    runs.waiting_lock_minutes,
    runs.waiting_human_minutes,
    (
        case
            when runs.private_active_minutes <> 0
                then runs.private_active_minutes * rates.private_rate
            else 0
        end
        + case
            when runs.public_active_minutes <> 0
                then runs.public_active_minutes * rates.public_rate
            else 0
        end
        -- Null, not 0, where there is no contract.
        + case when billing_hours.contract_id <> 'none' then 0 end
    )::numeric(18, 6) as estimated_amount,

    ---------- booleans
    runs.last_run_state in ('FAILED', 'DISCARDED', 'CANCELED', 'STOPPED') as is_wasted
from runs
inner join billing_hours
    on runs.first_hour_at = billing_hours.hour_at
-- Left: without a contract there is no rate.
left join rates
    on billing_hours.contract_id = rates.contract_id
    and billing_hours.period_start_at = rates.period_start_at
