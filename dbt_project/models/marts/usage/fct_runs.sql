{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='runs_of_landed_days',
        indexes=[{'columns': ['last_hour_at']}],
    )
}}

-- depends_on: {{ ref('int_usage_days') }}

with

run_days as (

    select * from {{ ref('int_run_minutes_summed_to_run_days') }}

),

{% if is_incremental() -%}
touched as (

    select run_days.run_ulid
    from run_days
    where {{ is_in_days_to_rebuild('run_days.date_day', ref('int_usage_days')) }}
    -- A run that lost a day by a restatement still has its other days.
    union distinct
    select runs.run_ulid
    from {{ this }} as runs
    inner join {{ ref('int_usage_days') }} as days
        on runs.last_hour_at >= days.starts_at
        and runs.first_hour_at < days.ends_at
    where days.is_to_rebuild

),
{%- endif %}

runs as (

    select
        ---------- ids
        run_ulid,
        (array_agg(stack_ulid order by date_day desc))[1] as stack_ulid,

        ---------- text
        (array_agg(run_type order by date_day desc))[1] as run_type,
        (array_agg(last_run_state order by date_day desc))[1] as last_run_state,

        ---------- numerics
        sum(private_active_minutes + public_active_minutes)::numeric(18, 6) as active_minutes,
        sum(private_active_minutes)::numeric(18, 6) as private_active_minutes,
        sum(public_active_minutes)::numeric(18, 6) as public_active_minutes,
        sum(waiting_worker_minutes)::numeric(18, 6) as waiting_worker_minutes,
        sum(waiting_lock_minutes)::numeric(18, 6) as waiting_lock_minutes,
        sum(waiting_human_minutes)::numeric(18, 6) as waiting_human_minutes,

        ---------- booleans
        bool_or(is_public) as is_public,

        ---------- dates and times
        {{ ulid_created_at('run_ulid') }} as run_created_at,
        min(first_hour_at) as first_hour_at,
        max(last_hour_at) as last_hour_at

    from run_days
    {% if is_incremental() -%}
    where run_ulid in (select touched.run_ulid from touched)
    {%- endif %}
    group by run_ulid

)

select * from runs
