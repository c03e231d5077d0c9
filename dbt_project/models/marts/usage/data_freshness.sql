{{
    config(
        post_hook=[
            "update {{ ref('int_usage_days') }} set built_fingerprint = fingerprint {{ of_this_build() }}",
            "update {{ ref('int_fact_days') }} set built_fingerprint = fingerprint {{ of_this_build() }}",
            "update {{ ref('int_billing_periods') }} set built_fingerprint = fingerprint {{ of_this_build() }}",
        ]
    )
}}

-- The last model of every build: it stands behind all others and their tests, so its row says
-- through when the marts are right, and its hook notes that the landed days are built: those that
-- this build found, not those of another one that has begun since.
-- depends_on: {{ ref('data_restatements') }}
-- depends_on: {{ ref('dim_dates') }}
-- depends_on: {{ ref('dim_stacks') }}
-- depends_on: {{ ref('dim_worker_pools') }}
-- depends_on: {{ ref('fct_runs') }}
-- depends_on: {{ ref('fct_account_hourly') }}
-- depends_on: {{ ref('fct_run_state_hourly') }}
-- depends_on: {{ ref('fct_stack_daily') }}
-- depends_on: {{ ref('billing_burst_hours') }}
-- depends_on: {{ ref('billing_commitment_scenarios') }}
-- depends_on: {{ ref('billing_cost_allocation') }}
-- depends_on: {{ ref('billing_lines') }}
-- depends_on: {{ ref('billing_periods') }}
-- depends_on: {{ ref('billing_queue_hourly') }}
-- depends_on: {{ ref('billing_reconciliation') }}
-- depends_on: {{ ref('billing_run_costs') }}
-- depends_on: {{ ref('billing_stuck_runs') }}
-- depends_on: {{ ref('billing_worker_commitment') }}
-- depends_on: {{ ref('billing_worker_percentiles') }}
-- depends_on: {{ ref('billing_worker_pool_periods') }}
-- depends_on: {{ ref('dim_billing_periods') }}
-- depends_on: {{ ref('focus_cost_and_usage') }}
-- depends_on: {{ ref('focus_cost_and_usage_allocated') }}

with

days as (

    select * from {{ ref('int_fact_days') }}

),

loads as (

    select * from {{ ref('int_usage_loads_latest') }}

),

calendar as (

    select
        min(date_day) as first_day,
        max(date_day) as loaded_through,
        count(*) filter (where has_worker_count and has_minutes)::integer as days_covered,
        count(*) filter (where not (has_worker_count and has_minutes))::integer as days_missing
    from days

),

landed as (

    select
        max(account) as account,
        (count(distinct date_day) filter (where is_suspicious))::integer as days_suspicious,
        max(finished_at) as last_landed_at
    from loads

),

freshness as (

    select
        landed.account,
        calendar.first_day,
        calendar.loaded_through,
        calendar.days_covered,
        calendar.days_missing,
        landed.days_suspicious,
        landed.last_landed_at,
        current_timestamp as built_at
    from calendar
    cross join landed

)

select * from freshness
