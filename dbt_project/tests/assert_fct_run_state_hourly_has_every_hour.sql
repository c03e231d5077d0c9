{{ config(meta={'dagster': {'ref': {'name': 'fct_run_state_hourly'}}}) }}

-- Every pair of run state and kind of worker on every hour of the calendar.

with

calendar as (

    select
        count(*) as hours_expected,
        min(hour_at) as first_hour_at,
        max(hour_at) as last_hour_at
    from {{ ref('dim_hours') }}

),

counted as (

    select
        run_state,
        is_public,
        count(*) as hours_there,
        min(hour_at) as first_hour_at,
        max(hour_at) as last_hour_at
    from {{ ref('fct_run_state_hourly') }}
    group by run_state, is_public

)

select
    pairs.run_state,
    pairs.is_public,
    counted.hours_there
from {{ ref('int_run_state_pairs') }} as pairs
cross join calendar
full outer join counted
    on pairs.run_state = counted.run_state
    and pairs.is_public = counted.is_public
where
    (
        counted.hours_there = calendar.hours_expected
        and counted.first_hour_at = calendar.first_hour_at
        and counted.last_hour_at = calendar.last_hour_at
    ) is not true
