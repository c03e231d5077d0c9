with

reports as (

    select * from {{ source('raw', 'selfhosted_reports') }}

),

renamed as (

    select
        ---------- ids
        report_id,
        run_id,

        ---------- text
        account,
        source,
        archive_uri,
        sha256,

        ---------- numerics
        bytes,
        rows_landed,

        ---------- booleans
        'daily_worker_usages' = any(tables) as covers_daily_minutes,
        'logins' = any(tables) as covers_logins,

        ---------- dates and times
        since,
        until,
        landed_at

    from reports

)

select * from renamed
