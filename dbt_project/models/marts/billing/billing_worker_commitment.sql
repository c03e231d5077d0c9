with

commitments as (

    select * from {{ ref('int_worker_commitments') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

)

select
    ---------- ids
    commitments.contract_id,

    ---------- dates and times
    commitments.period_start_at,
    commitments.period_end_at,
    commitments.known_until_at,
    commitments.burst_exhausted_at,

    ---------- text
    commitments.worker_metric,
    statuses.status,

    ---------- numerics, hours
    commitments.hours_in_period,
    commitments.hours_counted,
    commitments.hours_missing,
    commitments.burst_hours_budget,
    commitments.burst_hours_used,
    commitments.burst_hours_left,
    commitments.burst_hours_forecast,

    ---------- numerics, workers
    commitments.worker_percentile,
    commitments.committed_workers,
    commitments.p95_floor,
    commitments.p95_to_date,
    commitments.p95_forecast,
    commitments.p95_high,
    commitments.billable_workers,
    commitments.overage_workers,
    commitments.billable_workers_forecast,
    commitments.overage_workers_forecast,
    commitments.billable_workers_high,
    commitments.overage_workers_high

from commitments
inner join statuses
    on commitments.contract_id = statuses.contract_id
    and commitments.period_start_at = statuses.period_start_at
