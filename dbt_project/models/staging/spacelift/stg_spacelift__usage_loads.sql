with

usage_loads as (

    select * from {{ source('raw', 'usage_loads') }}

),

renamed as (

    select
        ---------- ids
        load_id,
        run_id,

        ---------- text
        account,
        aspect,
        source,
        status,
        error,
        archive_uri,
        sha256,

        ---------- numerics
        bytes,
        rows_landed,
        rows_outside_window,
        rows_quarantined,
        sum_landed,
        rows_refused,
        lines,

        ---------- dates and times
        usage_date as date_day,
        requested_since,
        requested_until,
        started_at,
        finished_at

    from usage_loads

)

select * from renamed
