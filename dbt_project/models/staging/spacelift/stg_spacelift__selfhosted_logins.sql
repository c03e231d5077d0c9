with

report_rows as (

    select * from {{ source('raw', 'selfhosted_rows') }}

),

renamed as (

    select
        ---------- ids
        report_id,

        ---------- text
        nullif(trim(report_rows.row ->> 'username'), '') as username,

        ---------- dates and times
        row_date as date_day

    from report_rows
    where table_name = 'logins'

)

select * from renamed
