{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='fact_days',
        indexes=[{'columns': ['date_day']}],
    )
}}

with

days as (

    select * from {{ ref('int_fact_days') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

hours as (

    select * from {{ ref('dim_hours') }}

),

pairs as (

    select * from {{ ref('int_run_state_pairs') }}

),

state_hours as (

    select * from {{ ref('int_run_minutes_summed_to_state_hours') }}
    {% if is_incremental() %}
    where {{ is_in_days_to_rebuild('date_day', ref('int_fact_days')) }}
    {% endif %}

),

spine as (

    select
        hours.hour_at,
        days.date_day,
        pairs.run_state,
        pairs.is_public,
        days.has_run_minutes,
        days.is_covered
    from days
    inner join hours
        on days.date_day = hours.date_day
    cross join pairs

),

zero_filled as (

    select
        ---------- dates and times
        spine.hour_at,
        spine.date_day,

        ---------- text
        spine.run_state,

        ---------- numerics: 0 inside a landed day, null in a day that never landed
        (case when spine.has_run_minutes then coalesce(state_hours.state_minutes, 0) end)
        ::numeric(18, 6) as state_minutes,
        (case when spine.has_run_minutes then coalesce(state_hours.run_count, 0) end)::integer
            as run_count,

        ---------- booleans
        spine.is_public,
        spine.has_run_minutes and state_hours.run_state is null as is_zero_filled,
        spine.is_covered

    from spine

    -- Left: Spacelift leaves out the hours in which no run was in the state, the spine has them.
    left join state_hours
        on spine.hour_at = state_hours.hour_at
        and spine.run_state = state_hours.run_state
        and spine.is_public = state_hours.is_public

)

select * from zero_filled
