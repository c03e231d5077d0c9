with

worker_pools as (

    select * from {{ ref('int_worker_pools') }}

)

select
    worker_pool_key,
    worker_pool_ulid,
    worker_pool_name,
    worker_pool_created_at,
    match_method,
    counted_from_at,
    first_seen_at,
    last_seen_at
from worker_pools
