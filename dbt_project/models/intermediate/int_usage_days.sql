{{
    config(
        materialized='incremental',
        incremental_strategy='replace',
        replaces='all_rows',
        post_hook='{{ analyze_small_sample() }}',
    )
}}

-- The calendar: from the first landed day to the last day that both files cover, without gaps, and
-- for each day whether the tables downstream still show an older state of it. A self-hosted
-- instance may tell a day's minutes as a whole; then that stands for the run-minutes file.

with

loads as (

    select * from {{ ref('int_usage_loads_latest') }}

),

reported_days as (

    select * from {{ ref('int_reported_days') }}

),

run_states as (

    select * from {{ ref('run_states') }}

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

loads_by_day as (

    select
        date_day,
        max(load_id) filter (where aspect = 'run-minutes') as run_minutes_load_id,
        max(load_id) filter (where aspect = 'worker-count') as worker_count_load_id
    from loads
    group by date_day

),

bounds as (

    select
        min(loads_by_day.date_day) as first_day,
        max(loads_by_day.date_day) filter (
            where
            loads_by_day.worker_count_load_id is not null
            and (
                loads_by_day.run_minutes_load_id is not null
                or reported_days.has_minutes
            )
        ) as last_day
    from loads_by_day
    -- Left: only days of a self-hosted instance are in a report.
    left join reported_days
        on loads_by_day.date_day = reported_days.date_day

),

calendar as (

    select generated.day_start_at::date as date_day
    from bounds
    cross join lateral generate_series(
        bounds.first_day::timestamp, bounds.last_day::timestamp, interval '1 day'
    ) as generated (day_start_at)

),

-- A person may change the classes of the run states; that changes every sum by class.
run_states_version as (

    select md5(string_agg(run_states::text, ',' order by run_states.run_state)) as run_states_md5
    from run_states

),

fingerprinted as (

    select
        calendar.date_day,
        loads_by_day.run_minutes_load_id,
        loads_by_day.worker_count_load_id,
        reported_days.has_minutes as has_reported_minutes,
        md5(concat_ws(
            '|',
            coalesce(loads_by_day.run_minutes_load_id, -1),
            coalesce(loads_by_day.worker_count_load_id, -1),
            -- Nothing of it is shown where minutes are known by hour.
            case when loads_by_day.run_minutes_load_id is null then reported_days.report_id end,
            run_states_version.run_states_md5,
            '{{ incremental_code_version() }}'
        )) as fingerprint
    from calendar
    cross join run_states_version
    -- Left: a day in the middle may never have landed.
    left join loads_by_day
        on calendar.date_day = loads_by_day.date_day
    -- Left: as above.
    left join reported_days
        on calendar.date_day = reported_days.date_day

),

final as (

    select
        ---------- dates and times
        fingerprinted.date_day,
        fingerprinted.date_day::timestamp at time zone 'UTC' as starts_at,
        (fingerprinted.date_day + 1)::timestamp at time zone 'UTC' as ends_at,
        extract(epoch from fingerprinted.date_day::timestamp at time zone 'UTC')::bigint
            as starts_unix,
        extract(epoch from (fingerprinted.date_day + 1)::timestamp at time zone 'UTC')::bigint
            as ends_unix,

        ---------- ids
        fingerprinted.run_minutes_load_id,
        fingerprinted.worker_count_load_id,
        fingerprinted.fingerprint,
        built.built_fingerprint,
        '{{ invocation_id }}' as build_id,

        ---------- booleans
        fingerprinted.run_minutes_load_id is not null as has_run_minutes,
        (
            fingerprinted.run_minutes_load_id is not null
            or coalesce(fingerprinted.has_reported_minutes, false)
        ) as has_minutes,
        fingerprinted.worker_count_load_id is not null as has_worker_count,
        (
            fingerprinted.run_minutes_load_id is not null
            and fingerprinted.worker_count_load_id is not null
        ) as is_covered,
        (fingerprinted.fingerprint is distinct from built.built_fingerprint) as is_to_rebuild

    from fingerprinted
    -- Left: a day that is new has not been built yet.
    left join built
        on fingerprinted.date_day = built.date_day

)

select * from final
