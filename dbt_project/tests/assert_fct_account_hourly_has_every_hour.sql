{{ config(meta={'dagster': {'ref': {'name': 'fct_account_hourly'}}}) }}

-- Every hour of the calendar, once.

select hours.hour_at
from {{ ref('dim_hours') }} as hours
full outer join {{ ref('fct_account_hourly') }} as account_hours
    on hours.hour_at = account_hours.hour_at
where hours.hour_at is null or account_hours.hour_at is null
