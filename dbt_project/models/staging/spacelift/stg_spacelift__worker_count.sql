with

worker_count as (

    select * from {{ source('raw', 'worker_count') }}

),

renamed as (

    select
        ---------- ids
        id as source_id,

        ---------- text
        nullif(trim(worker_pool_name), '')::text as worker_pool_name,

        ---------- numerics
        count as worker_count,

        ---------- dates and times
        timestamp_unix,
        to_timestamp(timestamp_unix - timestamp_unix % 3600) as hour_at,
        (to_timestamp(timestamp_unix) at time zone 'UTC')::date as date_day

    from worker_count

)

select * from renamed
