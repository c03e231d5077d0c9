-- Burst hours and percentiles of each period, which its bill is made of; whether that is final is
-- told by billing_worker_commitment.

{% set p95_sources = {'floor': 'known', 'forecast': 'expected', 'high': 'at_most'} %}

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

billing_periods as (

    select * from {{ ref('dim_billing_periods') }}

),

levels as (

    select * from {{ ref('int_worker_level_forecasts') }}

),

rhythm as (

    select distinct
        contract_id,
        period_start_at
    from {{ ref('int_worker_rhythm') }}

),

exhaustion as (

    select * from {{ ref('int_burst_exhaustion') }}

),

-- 72 hours: before, a few busy hours of the first day would speak for the whole period.
knowledge as (

    select
        periods.*,
        billing_periods.burst_hours_budget,
        billing_periods.hours_missing,
        periods.worker_hours_covered > 0 as has_figures,
        periods.worker_hours_covered >= least(72, periods.hours_in_period) as has_enough_hours,
        (
            periods.worker_hours_covered >= least(72, periods.hours_in_period)
            and (
                periods.worker_hours_covered = periods.hours_in_period
                or rhythm.contract_id is not null
            )
        ) as has_forecast
    from periods
    inner join billing_periods
        on periods.contract_id = billing_periods.contract_id
        and periods.period_start_at = billing_periods.period_start_at
    -- Left: a period whose hours are all known needs no rhythm.
    left join rhythm
        on periods.contract_id = rhythm.contract_id
        and periods.period_start_at = rhythm.period_start_at

),

-- The percentile is the lowest level that at most the budget's hours are above. Hours above K are
-- those above the highest level that is not above K.
read_off as (

    select
        knowledge.contract_id,
        knowledge.period_start_at,
        {% for name, hours in p95_sources.items() -%}
        min(levels.worker_count) filter (
            where levels.hours_above_{{ hours }} <= knowledge.burst_hours_budget
        ) as p95_{{ name }},
        {% endfor -%}
        min(levels.worker_count) filter (
            where levels.hours_above_known <= knowledge.worker_hours_covered
            - (
                knowledge.worker_percentile_per_10000::bigint * knowledge.worker_hours_covered
                + 9999
            )
            / 10000
        ) as p95_to_date,
        min(levels.hours_above_known) filter (
            where levels.worker_count <= knowledge.committed_workers
        )::integer as burst_hours_used,
        min(levels.hours_above_expected) filter (
            where levels.worker_count <= knowledge.committed_workers
        ) as burst_hours_forecast
    from knowledge
    inner join levels
        on knowledge.contract_id = levels.contract_id
        and knowledge.period_start_at = levels.period_start_at
    group by knowledge.contract_id, knowledge.period_start_at

),

told as (

    select
        knowledge.*,
        case when knowledge.has_figures then read_off.burst_hours_used end as burst_hours_used,
        case when knowledge.has_forecast then read_off.burst_hours_forecast end
            as burst_hours_forecast,
        case when knowledge.has_figures then read_off.p95_floor end as p95_floor,
        case when knowledge.has_enough_hours then read_off.p95_to_date end as p95_to_date,
        case when knowledge.has_forecast then read_off.p95_forecast end as p95_forecast,
        case when knowledge.has_forecast then read_off.p95_high end as p95_high,
        case
            when knowledge.has_forecast or not exhaustion.is_forecast
                then exhaustion.burst_exhausted_at
        end as burst_exhausted_at
    from knowledge
    inner join read_off
        on knowledge.contract_id = read_off.contract_id
        and knowledge.period_start_at = read_off.period_start_at
    -- Left: most periods never use up their budget.
    left join exhaustion
        on knowledge.contract_id = exhaustion.contract_id
        and knowledge.period_start_at = exhaustion.period_start_at

),

metered as (

    select
        *,
        {% for name, suffix in [('floor', ''), ('forecast', '_forecast'), ('high', '_high')] -%}
        case when worker_metric <> 'none' then p95_{{ name }} end as billable_workers{{ suffix }},
        case
            when worker_metric = 'none' then null
            when p95_{{ name }} <= committed_workers then 0
            else p95_{{ name }} - committed_workers
        end as overage_workers{{ suffix }},
        {% endfor -%}
        burst_hours_budget - burst_hours_used as burst_hours_left
    from told

),

commitment as (

    select
        ---------- ids
        contract_id,

        ---------- dates and times
        period_start_at,
        period_end_at,
        known_until_at,
        burst_exhausted_at,

        ---------- text
        worker_metric,

        ---------- numerics, hours
        hours_in_period,
        worker_hours_covered as hours_counted,
        hours_missing,
        burst_hours_budget,
        burst_hours_used,
        burst_hours_left::integer as burst_hours_left,
        burst_hours_forecast::numeric(18, 6) as burst_hours_forecast,

        ---------- numerics, workers
        worker_percentile,
        committed_workers,
        p95_floor,
        p95_to_date,
        p95_forecast,
        p95_high,
        billable_workers,
        overage_workers,
        billable_workers_forecast,
        overage_workers_forecast,
        billable_workers_high,
        overage_workers_high

    from metered

)

select * from commitment
