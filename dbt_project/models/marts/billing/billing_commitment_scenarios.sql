with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

commitment as (

    select * from {{ ref('billing_worker_commitment') }}

),

levels as (

    select * from {{ ref('int_worker_level_forecasts') }}

),

-- The same candidates in every period, so that they can be added up over periods.
bounds as (

    select greatest(max(levels.worker_count), max(periods.committed_workers)) as highest_candidate
    from periods
    inner join levels
        on periods.contract_id = levels.contract_id
        and periods.period_start_at = levels.period_start_at

),

steps as (

    select
        contract_id,
        period_start_at,
        worker_count,
        hours_above_known,
        hours_above_expected,
        false as is_candidate
    from levels
    union all
    select
        periods.contract_id,
        periods.period_start_at,
        generated.candidate as worker_count,
        null::numeric as hours_above_known,
        null::numeric as hours_above_expected,
        true as is_candidate
    from periods
    cross join bounds
    cross join lateral generate_series(0, bounds.highest_candidate) as generated (candidate)

),

-- Hours above a candidate are those above the highest level that is not above it: the fewest of all
-- levels up to it. A running minimum, because a join by ranges is slow.
filled as (

    select
        contract_id,
        period_start_at,
        worker_count as candidate,
        is_candidate,
        min(hours_above_known) over up_to as burst_hours_used,
        min(hours_above_expected) over up_to as burst_hours_forecast
    from steps
    window up_to as (
        partition by contract_id, period_start_at
        order by worker_count asc
        range between unbounded preceding and current row
    )

),

exceeded as (

    select * from filled
    where is_candidate

),

candidates as (

    select
        periods.contract_id,
        periods.period_start_at,
        periods.currency,
        periods.period_fraction,
        periods.worker_unit_price,
        periods.worker_overage_unit_price,
        exceeded.candidate as committed_workers,
        exceeded.candidate = periods.committed_workers as is_current,
        -- A finished period: what was billed. An open one: what is expected.
        commitment.billable_workers_forecast as billable_workers,
        exceeded.burst_hours_used,
        case when commitment.p95_forecast is not null then exceeded.burst_hours_forecast end
            as burst_hours_forecast
    from periods
    inner join commitment
        on periods.contract_id = commitment.contract_id
        and periods.period_start_at = commitment.period_start_at
    inner join exceeded
        on periods.contract_id = exceeded.contract_id
        and periods.period_start_at = exceeded.period_start_at

),

overages as (

    select
        *,
        case
            when billable_workers <= committed_workers then 0
            else billable_workers - committed_workers
        end as overage_workers
    from candidates

),

priced as (

    select
        *,
        round(committed_workers * period_fraction * worker_unit_price, 2) as commitment_amount,
        case
            when overage_workers = 0 then 0
            else round(overage_workers * period_fraction * worker_overage_unit_price, 2)
        end as overage_amount
    from overages

),

ranked as (

    select
        *,
        commitment_amount + overage_amount as total_amount,
        row_number() over (
            partition by contract_id, period_start_at
            order by commitment_amount + overage_amount asc nulls last, committed_workers asc
        ) as place,
        max(commitment_amount + overage_amount) filter (where is_current) over (
            partition by contract_id, period_start_at
        ) as current_amount
    from priced

),

scenarios as (

    select
        ---------- ids
        contract_id,

        ---------- dates and times
        period_start_at,

        ---------- text
        currency,

        ---------- numerics
        committed_workers,
        billable_workers,
        overage_workers::integer as overage_workers,
        burst_hours_used::integer as burst_hours_used,
        burst_hours_forecast::numeric(18, 6) as burst_hours_forecast,
        commitment_amount::numeric(18, 6) as commitment_amount,
        overage_amount::numeric(18, 6) as overage_amount,
        total_amount::numeric(18, 6) as total_amount,
        (current_amount - total_amount)::numeric(18, 6) as saving_amount,

        ---------- booleans
        coalesce(is_current, false) as is_current,
        case when total_amount is not null then place = 1 end as is_cheapest

    from ranked

)

select * from scenarios
