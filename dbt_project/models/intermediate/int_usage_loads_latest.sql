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

),

suspicious as (

    select
        aspect,
        date_day,
        max(load_id) as load_id
    from usage_loads
    where status = 'suspicious'
    group by
        aspect,
        date_day

),

final as (

    select
        latest.*,
        suspicious.load_id is not null as is_suspicious

    from latest
    -- Left: nearly every day is above suspicion. One that landed since is so too.
    left join suspicious
        on latest.aspect = suspicious.aspect
        and latest.date_day = suspicious.date_day
        and latest.load_id < suspicious.load_id

)

select * from final
