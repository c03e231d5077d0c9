{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='rebuilt_periods',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- Minutes of each stack on each pool in a billing period. No pool: public workers, and the rare
-- private minutes for which the file names none.
-- depends_on: {{ ref('int_billing_periods') }}

with

hours as (

    select * from {{ ref('int_billing_hours') }}
    {% if is_incremental() %} where is_to_rebuild {% endif %}

),

days as (

    select
        min(date_day) as first_day,
        max(date_day) as last_day
    from hours

),

stack_hours as (

    select * from {{ ref('int_run_minutes_summed_to_stack_hours') }}
    where
        date_day >= (select days.first_day from days)
        and date_day <= (select days.last_day from days)
        and (active_minutes > 0 or billable_minutes > 0)

),

matches as (

    select * from {{ ref('int_worker_pool_name_matches') }}

),

matched as (

    select
        stack_hours.*,
        coalesce(
            stack_hours.worker_pool_ulid,
            matches.worker_pool_ulid,
            'name:' || stack_hours.worker_pool_name
        ) as worker_pool_key
    from stack_hours
    -- Left: most rows carry the ULID themselves; only those that do not are looked up.
    left join matches
        on stack_hours.worker_pool_ulid is null
        and stack_hours.worker_pool_name = matches.worker_pool_name
        and stack_hours.hour_at >= matches.valid_from_at
        and stack_hours.hour_at < matches.valid_to_at

),

summed as (

    select
        hours.contract_id,
        hours.period_start_at,
        case when not matched.is_public then matched.worker_pool_key end as worker_pool_key,
        matched.stack_ulid,
        (array_agg(matched.stack_name order by matched.hour_at desc))[1] as stack_name,
        coalesce(sum(matched.active_minutes) filter (where not matched.is_public), 0)
            as private_active_minutes,
        coalesce(sum(matched.active_minutes) filter (where matched.is_public), 0)
            as public_active_minutes,
        coalesce(sum(matched.billable_minutes) filter (where not matched.is_public), 0)
            as private_billable_minutes,
        coalesce(sum(matched.billable_minutes) filter (where matched.is_public), 0)
            as public_billable_minutes
    from matched
    inner join hours
        on matched.hour_at = hours.hour_at
    group by
        hours.contract_id,
        hours.period_start_at,
        case when not matched.is_public then matched.worker_pool_key end,
        matched.stack_ulid

)

select * from summed
