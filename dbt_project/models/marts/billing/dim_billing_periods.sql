with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

ranked as (

    select
        *,
        -- Nearest rank, in integers: the smallest with at least p % of the hours at or below.
        ((worker_percentile_per_10000::bigint * hours_in_period + 9999) / 10000)::integer
            as percentile_rank
    from periods

),

billing_periods as (

    select
        ---------- ids
        contract_id,

        ---------- dates and times
        period_start_at,
        period_end_at,
        known_until_at,

        ---------- text
        time_zone,
        worker_metric,

        ---------- numerics
        worker_percentile,
        period_fraction::numeric(18, 6) as period_fraction,
        hours_in_period,
        hours_elapsed,
        hours_covered,
        worker_hours_covered,
        (hours_elapsed - hours_covered)::integer as hours_missing,
        percentile_rank,
        (hours_in_period - percentile_rank)::integer as burst_hours_budget,

        ---------- booleans
        is_closed,
        is_complete

    from ranked

)

select * from billing_periods
