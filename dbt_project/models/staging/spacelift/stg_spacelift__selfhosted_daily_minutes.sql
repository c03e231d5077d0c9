with

report_rows as (

    select * from {{ source('raw', 'selfhosted_rows') }}

),

renamed as (

    select
        ---------- ids
        report_id,

        ---------- numerics: what is no number is not known
        {% for minutes in ['private_minutes', 'public_minutes'] -%}
        (
            case
                when report_rows.row ->> '{{ minutes }}' ~ '^[0-9]{1,12}([.][0-9]+)?$'
                    then report_rows.row ->> '{{ minutes }}'
            end
        )::numeric(18, 6) as {{ minutes }},
        {% endfor %}

        ---------- dates and times
        row_date as date_day

    from report_rows
    where table_name = 'daily_worker_usages'

)

select * from renamed
