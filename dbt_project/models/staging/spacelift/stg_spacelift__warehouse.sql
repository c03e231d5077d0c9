with

warehouse as (

    select * from {{ source('raw', 'warehouse') }}

)

select
    account,
    schema_version
from warehouse
