{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='all_rows',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- The calendar again, for zero-filled facts: a day of theirs also changes when a stack or pool
-- turns out to be older, when a pool's name finds its owner, or when a run state is new.

with

days as (

    select * from {{ ref('int_usage_days') }}

),

stacks as (

    select * from {{ ref('int_stacks') }}

),

pools as (

    select * from {{ ref('int_worker_pools') }}

),

pool_names as (

    select * from {{ ref('int_worker_pool_names') }}

),

name_matches as (

    select * from {{ ref('int_worker_pool_name_matches') }}

),

pairs as (

    select * from {{ ref('int_run_state_pairs') }}

),

-- What this table said when everything downstream was last built and tested.
built as (

    {% if is_incremental() %}
    select
        date_day,
        built_fingerprint
    from {{ this }}
    {% else %}
    select
        null::date as date_day,
        null::text as built_fingerprint
    where false
    {% endif %}

),

-- Sums of hashes stand for sets: they do not depend on order and can be added up over days. What
-- reaches beyond a day is cut at its ends, so that news of today does not change the days before.
stack_births as (

    select
        first_day as date_day,
        sum(hashtextextended(stack_ulid, 0)::numeric) as born
    from stacks
    group by first_day

),

stacks_alive as (

    select
        days.date_day,
        sum(stack_births.born) over (order by days.date_day asc) as alive
    from days
    -- Left: on most days no stack is new.
    left join stack_births
        on days.date_day = stack_births.date_day

),

pools_alive as (

    select
        days.date_day,
        sum(hashtextextended(
            concat_ws(
                '|', pools.worker_pool_key, greatest(days.starts_at, pools.counted_from_at)
            ), 0
        )::numeric) as alive
    from days
    inner join pools
        on days.ends_at > pools.counted_from_at
    group by days.date_day

),

names_in_use as (

    select
        days.date_day,
        sum(hashtextextended(
            concat_ws(
                '|',
                pool_names.worker_pool_key,
                pool_names.worker_pool_name,
                greatest(days.starts_at, pool_names.valid_from_at),
                least(days.ends_at, pool_names.valid_to_at)
            ), 0
        )::numeric) as in_use
    from days
    inner join pool_names
        on days.ends_at > pool_names.valid_from_at
        and days.starts_at < pool_names.valid_to_at
    group by days.date_day

),

matches_in_use as (

    select
        days.date_day,
        sum(hashtextextended(
            concat_ws(
                '|',
                name_matches.worker_pool_ulid,
                name_matches.worker_pool_name,
                greatest(days.starts_at, name_matches.valid_from_at),
                least(days.ends_at, name_matches.valid_to_at)
            ), 0
        )::numeric) as in_use
    from days
    inner join name_matches
        on days.ends_at > name_matches.valid_from_at
        and days.starts_at < name_matches.valid_to_at
    group by days.date_day

),

pairs_known as (

    select sum(hashtextextended(pairs::text, 0)::numeric) as known
    from pairs

),

fingerprinted as (

    select
        days.*,
        md5(concat_ws(
            '|',
            days.fingerprint,
            coalesce(stacks_alive.alive, 0),
            coalesce(pools_alive.alive, 0),
            coalesce(names_in_use.in_use, 0),
            coalesce(matches_in_use.in_use, 0),
            coalesce(pairs_known.known, 0)
        )) as fact_fingerprint
    from days
    cross join pairs_known
    inner join stacks_alive
        on days.date_day = stacks_alive.date_day
    -- Left, three times: there are days before the first pool.
    left join pools_alive
        on days.date_day = pools_alive.date_day
    left join names_in_use
        on days.date_day = names_in_use.date_day
    left join matches_in_use
        on days.date_day = matches_in_use.date_day

),

final as (

    select
        ---------- dates and times
        fingerprinted.date_day,
        fingerprinted.starts_at,
        fingerprinted.ends_at,

        ---------- ids
        fingerprinted.fact_fingerprint as fingerprint,
        built.built_fingerprint,
        '{{ invocation_id }}' as build_id,

        ---------- booleans
        fingerprinted.has_run_minutes,
        fingerprinted.has_minutes,
        fingerprinted.has_worker_count,
        fingerprinted.is_covered,
        (fingerprinted.fact_fingerprint is distinct from built.built_fingerprint) as is_to_rebuild

    from fingerprinted
    -- Left: a day that is new has not been built yet.
    left join built
        on fingerprinted.date_day = built.date_day

)

select * from final
