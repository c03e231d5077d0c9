{{ config(meta={'dagster': {'ref': {'name': 'fct_account_hourly'}}}) }}

-- Active and billable minutes of the account are those of the file, to the last place, and its
-- workers those of its pools, on the days landed anew. What never landed is null.

{% set minutes = {
    'private_active': "run_states.state_class = 'active' and not run_minutes.is_public",
    'public_active': "run_states.state_class = 'active' and run_minutes.is_public",
    'private_billable': 'run_states.is_billable and not run_minutes.is_public',
    'public_billable': 'run_states.is_billable and run_minutes.is_public',
} %}

with

days as (

    select * from {{ ref('int_usage_days') }}
    where is_to_rebuild

),

staged as (

    select
        {% for kind, is_of_that_kind in minutes.items() -%}
        sum(run_minutes.state_minutes) filter (where {{ is_of_that_kind }}) as {{ kind }}_minutes,
        {% endfor -%}
        run_minutes.date_day
    from {{ ref('stg_spacelift__run_minutes') }} as run_minutes
    inner join {{ ref('run_states') }} as run_states
        on run_minutes.run_state = run_states.run_state
    where {{ is_in_days_to_rebuild('run_minutes.timestamp_unix', ref('int_usage_days')) }}
    group by run_minutes.date_day

),

pools as (

    select
        date_day,
        sum(worker_count) as worker_count
    from {{ ref('fct_worker_pool_hourly') }}
    where {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
    group by date_day

),

facts as (

    select
        date_day,
        {% for kind in minutes -%}
        sum({{ kind }}_minutes) as {{ kind }}_minutes,
        {% endfor -%}
        sum(worker_count) as worker_count
    from {{ ref('fct_account_hourly') }}
    where {{ is_in_days_to_rebuild('date_day', ref('int_usage_days')) }}
    group by date_day

),

compared as (

    select
        facts.date_day,
        {% for kind in minutes -%}
        facts.{{ kind }}_minutes,
        case when days.has_run_minutes then coalesce(staged.{{ kind }}_minutes, 0) end
            as {{ kind }}_minutes_in_file,
        {% endfor -%}
        facts.worker_count,
        case when days.has_worker_count then coalesce(pools.worker_count, 0) end
            as worker_count_of_pools
    from facts
    inner join days
        on facts.date_day = days.date_day
    -- Left, twice: a landed day may have no run, and no pool may be alive yet.
    left join staged
        on facts.date_day = staged.date_day
    left join pools
        on facts.date_day = pools.date_day

)

select * from compared
where
    worker_count is distinct from worker_count_of_pools
    {% for kind in minutes -%}
    or {{ kind }}_minutes is distinct from {{ kind }}_minutes_in_file
    {% endfor %}
