with

stacks as (

    select * from {{ ref('int_stacks') }}

)

select
    stack_ulid,
    stack_slug,
    stack_name,
    is_stack,
    stack_created_at,
    first_seen_at,
    last_seen_at
from stacks
