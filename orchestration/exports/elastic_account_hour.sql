-- The account, hour by hour, with the percentiles of its billing period.
select
    to_char(hours.hour_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "@timestamp",
    %(account)s::text as account,
    'account_hour' as grain,
    hours.date_day as usage_date,
    hours.is_zero_filled,
    hours.is_covered,
    hours.worker_count,
    hours.private_active_minutes,
    hours.public_active_minutes,
    hours.private_billable_minutes,
    hours.public_billable_minutes,
    hours.waiting_worker_minutes,
    percentiles.p50_workers,
    percentiles.p90_workers,
    percentiles.p95_workers,
    percentiles.p99_workers,
    percentiles.max_workers,
    percentiles.mean_workers,
    periods.contract_id,
    to_char(periods.period_start_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        as period_start_at
from marts.fct_account_hourly as hours
-- Left, twice: percentiles exist once a day of the period has landed.
left join marts.dim_billing_periods as periods
    on hours.hour_at >= periods.period_start_at
    and hours.hour_at < periods.period_end_at
left join marts.billing_worker_percentiles as percentiles
    on periods.contract_id = percentiles.contract_id
    and periods.period_start_at = percentiles.period_start_at
    and percentiles.scope = 'account'
where hours.date_day between %(first)s and %(last)s
order by hours.hour_at
