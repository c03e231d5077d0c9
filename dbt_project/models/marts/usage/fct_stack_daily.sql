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

stacks as (

    select * from {{ ref('int_stacks') }}

),

stack_days as (

    select * from {{ ref('int_run_minutes_summed_to_stack_days') }}
    {% if is_incremental() %}
    where {{ is_in_days_to_rebuild('date_day', ref('int_fact_days')) }}
    {% endif %}

),

spine as (

    select
        stacks.stack_ulid,
        days.date_day,
        days.has_run_minutes,
        days.is_covered
    from days
    inner join stacks
        on days.date_day >= stacks.first_day

),

zero_filled as (

    select
        ---------- ids
        spine.stack_ulid,

        ---------- dates and times
        spine.date_day,

        ---------- numerics: 0 on a landed day, null on a day that never landed
        {%- for minutes in [
            'private_active_minutes',
            'public_active_minutes',
            'waiting_worker_minutes',
            'waiting_lock_minutes',
            'waiting_human_minutes',
        ] %}
        (case when spine.has_run_minutes then coalesce(stack_days.{{ minutes }}, 0) end)
        ::numeric(18, 6) as {{ minutes }},
        {%- endfor %}
        (
            case
                when spine.has_run_minutes
                    then coalesce(
                        stack_days.private_active_minutes + stack_days.public_active_minutes, 0
                    )
            end
        )::numeric(18, 6) as active_minutes,
        (case when spine.has_run_minutes then coalesce(stack_days.run_count, 0) end)::integer
            as run_count,

        ---------- booleans
        spine.has_run_minutes and stack_days.stack_ulid is null as is_zero_filled,
        spine.is_covered

    from spine

    -- Left: Spacelift leaves out the days without use, the spine has them.
    left join stack_days
        on spine.stack_ulid = stack_days.stack_ulid
        and spine.date_day = stack_days.date_day

)

select * from zero_filled
