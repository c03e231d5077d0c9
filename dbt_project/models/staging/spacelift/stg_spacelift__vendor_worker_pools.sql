with

vendor_worker_pools as (

    select * from {{ source('raw', 'vendor_worker_pools') }}

),

renamed as (

    select
        ---------- ids
        upper(worker_pool_ulid) as worker_pool_ulid,

        ---------- text
        nullif(trim(worker_pool_name), '') as worker_pool_name,

        ---------- numerics
        worker_count,
        drained_worker_count,

        ---------- dates and times
        fetched_at

    from vendor_worker_pools

)

select * from renamed
