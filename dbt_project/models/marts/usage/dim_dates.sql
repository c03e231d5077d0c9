with

days as (

    select * from {{ ref('int_usage_days') }}

),

dates as (

    select
        date_day,
        extract(isoyear from date_day)::integer as iso_year,
        extract(week from date_day)::integer as iso_week,
        to_char(date_day, 'IYYY"-W"IW') as iso_year_week,
        extract(isodow from date_day)::integer as iso_day_of_week,
        date_trunc('week', date_day::timestamp)::date as week_start_date,
        extract(month from date_day)::integer as month_of_year,
        date_trunc('month', date_day::timestamp)::date as month_start_date,
        extract(quarter from date_day)::integer as quarter_of_year,
        extract(year from date_day)::integer as calendar_year,
        extract(isodow from date_day) >= 6 as is_weekend,
        has_run_minutes,
        has_worker_count,
        is_covered
    from days

)

select * from dates
