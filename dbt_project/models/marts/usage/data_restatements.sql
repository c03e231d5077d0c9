with

loads as (

    select * from {{ ref('stg_spacelift__usage_loads') }}

),

succeeded as (

    select * from loads
    where status = 'succeeded'

),

with_the_load_before as (

    select
        *,
        aspect = 'run-minutes' as is_minutes,
        lag(load_id) over same_day as previous_load_id,
        lag(rows_landed) over same_day as rows_before,
        lag(sum_landed) over same_day as sum_before
    from succeeded
    window same_day as (partition by aspect, date_day order by load_id)

),

restatements as (

    select
        ---------- ids
        load_id,
        previous_load_id,

        ---------- text
        aspect,
        source,

        ---------- dates and times
        date_day,
        finished_at as restated_at,

        ---------- numerics
        (finished_at at time zone 'UTC')::date - date_day as days_after,
        rows_before,
        rows_landed as rows_after,
        (case when is_minutes then sum_before end)::numeric(18, 6) as state_minutes_before,
        (case when is_minutes then sum_landed end)::numeric(18, 6) as state_minutes_after,
        (case when not is_minutes then sum_before end)::bigint as worker_hours_before,
        (case when not is_minutes then sum_landed end)::bigint as worker_hours_after

    from with_the_load_before
    where
        previous_load_id is not null
        -- Sums are unknown of days that an older version of this project landed.
        and (rows_landed <> rows_before or sum_landed <> sum_before)

)

select * from restatements
