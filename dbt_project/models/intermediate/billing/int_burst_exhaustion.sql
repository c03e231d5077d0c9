{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
    )
}}

-- The moment at which the hours above the commitment have used up the budget: counted where hours
-- are known, else expected at the rhythm of the last 28 days.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    where
        committed_workers is not null
        {% if is_incremental() %} and is_to_rebuild {% endif %}

),

billing_periods as (

    select * from {{ ref('dim_billing_periods') }}
    where burst_hours_budget > 0

),

billing_hours as (

    select * from {{ ref('int_billing_hours') }}

),

account_hours as (

    select * from {{ ref('fct_account_hourly') }}

),

rhythm as (

    select * from {{ ref('int_worker_rhythm') }}

),

expected as (

    select
        rhythm.contract_id,
        rhythm.period_start_at,
        rhythm.hour_of_week,
        sum(rhythm.share_of_hours) filter (where rhythm.worker_count > periods.committed_workers)
            as share_above
    from rhythm
    inner join periods
        on rhythm.contract_id = periods.contract_id
        and rhythm.period_start_at = periods.period_start_at
    group by rhythm.contract_id, rhythm.period_start_at, rhythm.hour_of_week

),

hours as (

    select
        periods.contract_id,
        periods.period_start_at,
        billing_hours.hour_at,
        billing_periods.burst_hours_budget,
        account_hours.worker_count is null as is_forecast,
        round(sum(
            case
                when account_hours.worker_count > periods.committed_workers then 1
                when account_hours.worker_count is null then coalesce(expected.share_above, 0)
                else 0
            end
        ) over (
            partition by periods.contract_id, periods.period_start_at
            order by billing_hours.hour_at asc
        ), 6) as burst_hours_used
    from periods
    inner join billing_periods
        on periods.contract_id = billing_periods.contract_id
        and periods.period_start_at = billing_periods.period_start_at
    inner join billing_hours
        on periods.contract_id = billing_hours.contract_id
        and periods.period_start_at = billing_hours.period_start_at
    -- Left: hours to come are in no fact, and complete periods need no rhythm.
    left join account_hours
        on billing_hours.hour_at = account_hours.hour_at
    left join expected
        on billing_hours.contract_id = expected.contract_id
        and billing_hours.period_start_at = expected.period_start_at
        and billing_hours.hour_of_week = expected.hour_of_week

),

exhausted as (

    select distinct on (contract_id, period_start_at)
        contract_id,
        period_start_at,
        hour_at + interval '1 hour' as burst_exhausted_at,
        is_forecast
    from hours
    where burst_hours_used >= burst_hours_budget
    order by contract_id asc, period_start_at asc, hour_at asc

)

select * from exhausted
