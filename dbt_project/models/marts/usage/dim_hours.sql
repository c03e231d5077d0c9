with

days as (

    select * from {{ ref('int_usage_days') }}

),

hours as (

    select
        days.starts_at + make_interval(hours => clock.hour_of_day) as hour_at,
        days.date_day,
        clock.hour_of_day,
        (extract(isodow from days.date_day)::integer - 1) * 24 + clock.hour_of_day as hour_of_week,
        days.is_covered
    from days
    cross join generate_series(0, 23) as clock (hour_of_day)

)

select * from hours
