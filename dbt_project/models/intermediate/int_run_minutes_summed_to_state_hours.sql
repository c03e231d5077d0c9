{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='landed_days',
        indexes=[{'columns': ['date_day']}],
    )
}}

with

days as (

    select * from {{ ref('int_usage_days') }}
    where
        has_run_minutes
        {% if is_incremental() %} and is_to_rebuild {% endif %}

),

run_minutes as (

    select * from {{ ref('stg_spacelift__run_minutes') }}
    where
        timestamp_unix >= (select min(days.starts_unix) from days)
        and timestamp_unix < (select max(days.ends_unix) from days)

),

summed as (

    select
        run_minutes.hour_at,
        run_minutes.date_day,
        run_minutes.run_state,
        run_minutes.is_public,
        sum(run_minutes.state_minutes) as state_minutes,
        count(distinct run_minutes.run_ulid) as run_count
    from run_minutes
    inner join days
        on run_minutes.date_day = days.date_day
    group by
        run_minutes.hour_at, run_minutes.date_day, run_minutes.run_state, run_minutes.is_public

)

select * from summed
