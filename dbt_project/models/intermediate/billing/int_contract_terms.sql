{{ config(materialized='view') }}

-- The terms that apply to this warehouse's account, and from when to when. A date of validity
-- begins at midnight of the contract's time zone, as its periods do.

with

contracts as (

    select * from {{ ref('stg_billing__contracts') }}

),

warehouse as (

    select * from {{ ref('stg_spacelift__warehouse') }}

),

dated as (

    select
        contracts.*,
        contracts.valid_from::timestamp at time zone contracts.time_zone as starts_at,
        contracts.valid_to::timestamp at time zone contracts.time_zone as own_end_at,
        lead(contracts.valid_from) over in_order as next_valid_from,
        lead(contracts.valid_from::timestamp at time zone contracts.time_zone) over in_order
            as next_starts_at
    from contracts
    inner join warehouse
        on contracts.account = warehouse.account
    window in_order as (order by contracts.valid_from asc, contracts.contract_id asc)

),

terms as (

    select
        *,
        case
            -- Terms that follow at once take over at their own midnight, also in another zone.
            when next_valid_from <= coalesce(valid_to, 'infinity'::date) then next_starts_at
            else coalesce(own_end_at, 'infinity'::timestamptz)
        end as ends_at
    from dated

)

select * from terms
