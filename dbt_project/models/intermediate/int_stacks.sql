-- The stacks and modules, under their latest names.

with

stack_days as (

    select * from {{ ref('int_run_minutes_summed_to_stack_days') }}

),

summed as (

    select
        ---------- ids
        stack_ulid,

        ---------- text
        (array_agg(stack_slug order by date_day desc))[1] as stack_slug,
        (array_agg(stack_name order by date_day desc))[1] as stack_name,

        ---------- booleans
        (array_agg(is_stack order by date_day desc))[1] as is_stack,

        ---------- dates and times
        {{ ulid_created_at('stack_ulid') }} as stack_created_at,
        min(first_hour_at) as first_seen_at,
        max(last_hour_at) as last_seen_at,
        min(date_day) as first_day

    from stack_days
    group by stack_ulid

)

select * from summed
