{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='all_rows',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- The billing periods with their terms and coverage, and for each whether the billing tables still
-- show an older state of it: because a day in it changed, or the contract did.

with

bounds as (

    select * from {{ ref('int_billing_period_bounds') }}

),

terms as (

    select * from {{ ref('int_contract_terms') }}

),

days as (

    select * from {{ ref('int_fact_days') }}

),

vendor_usage as (

    select * from {{ ref('int_vendor_usage_by_period') }}

),

-- What this table said when everything downstream was last built and tested.
built as (

    {% if is_incremental() %}
    select
        contract_id,
        period_start_at,
        built_fingerprint
    from {{ this }}
    {% else %}
    select
        null::text as contract_id,
        null::timestamptz as period_start_at,
        null::text as built_fingerprint
    where false
    {% endif %}

),

calendar as (

    select max(ends_at) as ends_at
    from days

),

known as (

    select
        bounds.*,
        least(bounds.period_end_at, calendar.ends_at) as known_until_at,
        bounds.period_end_at <= calendar.ends_at as is_closed
    from bounds
    cross join calendar

),

-- The forecast of hours that are not known rests on the 28 days before.
covered as (

    select
        known.contract_id,
        known.period_start_at,
        coalesce(sum(
            {{ hours_between(
                'greatest(days.starts_at, known.period_start_at)',
                'least(days.ends_at, known.period_end_at)',
            ) }}
        ) filter (
            where
            days.has_worker_count and days.has_minutes and days.ends_at > known.period_start_at
        ), 0)::integer as hours_covered,
        coalesce(sum(
            {{ hours_between(
                'greatest(days.starts_at, known.period_start_at)',
                'least(days.ends_at, known.period_end_at)',
            ) }}
        ) filter (where days.has_worker_count and days.ends_at > known.period_start_at), 0)::integer
            as worker_hours_covered,
        coalesce(sum(
            {{ hours_between(
                'greatest(days.starts_at, known.period_start_at)',
                'least(days.ends_at, known.period_end_at)',
            ) }}
        ) filter (where days.has_minutes and days.ends_at > known.period_start_at), 0)::integer
            as run_minutes_hours_covered,
        sum(hashtextextended(concat_ws('|', days.date_day, days.fingerprint), 0)::numeric)
            as days_hash
    from known
    inner join days
        on least(known.period_start_at, known.known_until_at - interval '28 days') < days.ends_at
        and known.period_end_at > days.starts_at
    group by known.contract_id, known.period_start_at

),

joined as (

    select
        ---------- ids
        known.contract_id,
        known.terms_valid_from,

        ---------- dates and times
        known.period_start_at,
        known.period_end_at,
        known.known_until_at,
        coalesce(terms.time_zone, 'UTC') as time_zone,

        ---------- terms
        terms.currency,
        coalesce(terms.worker_metric, 'none') as worker_metric,
        -- The maximum is the 100th percentile; without an agreed one figures are shown at the 95th.
        (
            case
                when terms.worker_metric = 'max' then 100
                when terms.worker_metric = 'percentile' then coalesce(terms.worker_percentile, 95)
                else 95
            end
        )::numeric(5, 2) as worker_percentile,
        case when terms.worker_metric <> 'none' then terms.committed_workers end
            as committed_workers,
        terms.worker_unit_price,
        terms.worker_overage_unit_price,
        terms.private_minutes_included,
        terms.private_minutes_unit_price,
        terms.private_minutes_overage_unit_price,
        terms.public_minutes_included,
        terms.public_minutes_unit_price,
        terms.public_minutes_overage_unit_price,
        terms.seats_included,
        -- In neither file: a person enters them in the contract, or Spacelift tells.
        coalesce(terms.seats_used, vendor_usage.used_seats)::integer as seats_used,
        terms.seat_unit_price,
        terms.base_fee,
        terms.paid_via,

        ---------- numerics
        {{ hours_between('known.period_start_at', 'known.period_end_at') }} as hours_in_period,
        {{ hours_between('known.full_period_start_at', 'known.full_period_end_at') }}
            as hours_in_full_period,
        {{ hours_between('known.period_start_at', 'known.known_until_at') }} as hours_elapsed,
        covered.hours_covered,
        covered.worker_hours_covered,
        covered.run_minutes_hours_covered,

        ---------- booleans
        known.is_closed,
        covered.days_hash

    from known
    inner join covered
        on known.contract_id = covered.contract_id
        and known.period_start_at = covered.period_start_at
    -- Left: days without a contract have no terms.
    left join terms
        on known.contract_id = terms.contract_id
        and known.terms_valid_from = terms.valid_from
    -- Left: Spacelift was not asked, or did not tell.
    left join vendor_usage
        on known.contract_id = vendor_usage.contract_id
        and known.period_start_at = vendor_usage.period_start_at

),

fingerprinted as (

    select
        joined.*,
        -- Unrounded for what is priced by it: six decimals of 100,000.00 are three cents.
        (joined.hours_in_period::numeric / joined.hours_in_full_period)::numeric(38, 24)
            as period_fraction,
        (joined.worker_percentile * 100)::integer as worker_percentile_per_10000,
        joined.hours_covered = joined.hours_in_period as is_complete,
        md5(concat_ws(
            '|',
            joined::text,
            '{{ billing_code_version() }}',
            '{{ worker_allocation_by() }}',
            '{{ idle_cost() }}'
        )) as fingerprint
    from joined

)

select
    fingerprinted.*,
    built.built_fingerprint,
    '{{ invocation_id }}' as build_id,
    (fingerprinted.fingerprint is distinct from built.built_fingerprint) as is_to_rebuild
from fingerprinted
-- Left: a period that is new has not been built yet.
left join built
    on fingerprinted.contract_id = built.contract_id
    and fingerprinted.period_start_at = built.period_start_at
