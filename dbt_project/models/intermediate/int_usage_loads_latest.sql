{{ config(materialized='view') }}

with

usage_loads as (

    select * from {{ ref('stg_spacelift__usage_loads') }}

),

latest as (

    select distinct on (aspect, date_day) *
    from usage_loads
    where status = 'succeeded'
    order by aspect asc, date_day asc, load_id desc

)

select * from latest
