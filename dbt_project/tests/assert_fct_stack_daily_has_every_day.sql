{{ config(meta={'dagster': {'ref': {'name': 'fct_stack_daily'}}}) }}

-- Every stack on every day from its first day of use to the end of the calendar.

with

counted as (

    select
        stack_ulid,
        count(*) as days_there,
        min(date_day) as first_day,
        max(date_day) as last_day
    from {{ ref('fct_stack_daily') }}
    group by stack_ulid

),

calendar as (

    select max(date_day) as last_day from {{ ref('int_usage_days') }}

)

select
    stacks.stack_ulid,
    counted.days_there
from {{ ref('int_stacks') }} as stacks
cross join calendar
full outer join counted
    on stacks.stack_ulid = counted.stack_ulid
where
    (
        counted.first_day = stacks.first_day
        and counted.last_day = calendar.last_day
        and counted.days_there = calendar.last_day - stacks.first_day + 1
    ) is not true
