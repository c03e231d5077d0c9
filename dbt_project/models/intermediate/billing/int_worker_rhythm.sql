-- How often each hour of the week had how many workers in the 28 days that a forecast rests on. An
-- hour of the week that never landed in them takes the rhythm of all hours.

with

known as (

    select * from {{ ref('int_billing_hours_known') }}

),

unknown_hours as (

    select
        contract_id,
        period_start_at,
        hour_of_week,
        count(*) as unknown_hours
    from known
    where purpose = 'period' and worker_count is null
    group by contract_id, period_start_at, hour_of_week

),

reference_hours as (

    select
        *,
        count(*) over (
            partition by contract_id, period_start_at, hour_of_week
        ) as hours_of_kind,
        count(*) over (partition by contract_id, period_start_at) as hours_of_all_kinds
    from known
    where purpose = 'reference' and worker_count is not null

),

of_the_hour as (

    select
        contract_id,
        period_start_at,
        hour_of_week,
        worker_count,
        count(*)::numeric / min(hours_of_kind) as share_of_hours
    from reference_hours
    group by contract_id, period_start_at, hour_of_week, worker_count

),

of_all_hours as (

    select
        contract_id,
        period_start_at,
        worker_count,
        count(*)::numeric / min(hours_of_all_kinds) as share_of_hours
    from reference_hours
    group by contract_id, period_start_at, worker_count

),

rhythm as (

    select
        unknown_hours.contract_id,
        unknown_hours.period_start_at,
        unknown_hours.hour_of_week,
        unknown_hours.unknown_hours,
        of_the_hour.worker_count,
        of_the_hour.share_of_hours
    from unknown_hours
    inner join of_the_hour
        on unknown_hours.contract_id = of_the_hour.contract_id
        and unknown_hours.period_start_at = of_the_hour.period_start_at
        and unknown_hours.hour_of_week = of_the_hour.hour_of_week
    union all
    select
        unknown_hours.contract_id,
        unknown_hours.period_start_at,
        unknown_hours.hour_of_week,
        unknown_hours.unknown_hours,
        of_all_hours.worker_count,
        of_all_hours.share_of_hours
    from unknown_hours
    inner join of_all_hours
        on unknown_hours.contract_id = of_all_hours.contract_id
        and unknown_hours.period_start_at = of_all_hours.period_start_at
    where
        not exists (
            select 1 from of_the_hour
            where
                of_the_hour.contract_id = unknown_hours.contract_id
                and of_the_hour.period_start_at = unknown_hours.period_start_at
                and of_the_hour.hour_of_week = unknown_hours.hour_of_week
        )

)

select * from rhythm
