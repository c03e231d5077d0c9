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
        has_worker_count
        {% if is_incremental() %} and is_to_rebuild {% endif %}

),

worker_counts as (

    select * from {{ ref('stg_spacelift__worker_count') }}
    where
        timestamp_unix >= (select min(days.starts_unix) from days)
        and timestamp_unix < (select max(days.ends_unix) from days)

),

summed as (

    select
        worker_counts.hour_at,
        worker_counts.date_day,
        coalesce(worker_counts.worker_pool_name, '(unnamed)') as worker_pool_name,
        -- One row an hour is expected. Were the export finer, or a row repeated: the most counts.
        max(worker_counts.worker_count) as worker_count
    from worker_counts
    inner join days
        on worker_counts.date_day = days.date_day
    group by
        worker_counts.hour_at,
        worker_counts.date_day,
        coalesce(worker_counts.worker_pool_name, '(unnamed)')

)

select * from summed
