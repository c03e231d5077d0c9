{{ config(meta={'dagster': {'ref': {'name': 'billing_cost_allocation'}}}) }}

-- The minutes that stacks are charged by are the active minutes of the account, to the last place.

with

periods as (

    select * from {{ ref('int_billing_periods') }}
    where is_to_rebuild

),

account_minutes as (

    select
        periods.contract_id,
        periods.period_start_at,
        sum(account_hours.private_active_minutes + account_hours.public_active_minutes)
            as active_minutes
    from periods
    inner join {{ ref('fct_account_hourly') }} as account_hours
        on periods.period_start_at <= account_hours.hour_at
        and periods.period_end_at > account_hours.hour_at
    group by periods.contract_id, periods.period_start_at

),

allocated_minutes as (

    select
        contract_id,
        period_start_at,
        sum(active_minutes) as active_minutes
    from {{ ref('billing_cost_allocation') }}
    group by contract_id, period_start_at

)

select
    account_minutes.*,
    allocated_minutes.active_minutes as active_minutes_charged
from account_minutes
left join allocated_minutes
    on account_minutes.contract_id = allocated_minutes.contract_id
    and account_minutes.period_start_at = allocated_minutes.period_start_at
where coalesce(allocated_minutes.active_minutes, 0) <> coalesce(account_minutes.active_minutes, 0)
