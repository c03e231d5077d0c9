{{ config(materialized='view') }}

-- What Spacelift last told about each billing period. A snapshot is about the period that it names;
-- where it names none, about the one in which it was taken. Of a period that terms cut Spacelift's
-- figures are about the whole, so there is nothing to compare. What it did not tell of a
-- self-hosted instance, the instance's reports may: minutes, and everybody who logged in. When
-- Spacelift told a figure stands beside it.

{% set figures = ['used_private_minutes', 'used_public_minutes', 'used_workers', 'used_seats',
    'minutes_included', 'seats_included', 'worker_unit_price', 'seat_unit_price',
    'minute_unit_price', 'base_fee_unit_price', 'upcoming_invoice_total_amount'] %}

with

bounds as (

    select * from {{ ref('int_billing_period_bounds') }}
    where period_start_at = full_period_start_at and period_end_at = full_period_end_at

),

vendor_usage as (

    select * from {{ ref('stg_spacelift__vendor_usage') }}

),

reported as (

    select * from {{ ref('int_reported_usage_by_period') }}

),

told as (

    select
        {% for figure in figures -%}
        (
            array_agg(vendor_usage.{{ figure }} order by vendor_usage.fetched_at desc)
            filter (where vendor_usage.{{ figure }} is not null)
        )[1]::numeric(18, 6) as {{ figure }},
        max(vendor_usage.fetched_at) filter (where vendor_usage.{{ figure }} is not null)
            as {{ figure }}_fetched_at,
        {% endfor -%}
        bounds.contract_id,
        bounds.period_start_at
    from bounds
    inner join vendor_usage
        on bounds.period_start_at
        <= coalesce(vendor_usage.billing_period_start_at, vendor_usage.fetched_at)
        and bounds.period_end_at
        > coalesce(vendor_usage.billing_period_start_at, vendor_usage.fetched_at)
    where
        vendor_usage.billing_period_start_at is null
        or vendor_usage.billing_period_start_at = bounds.period_start_at
    group by bounds.contract_id, bounds.period_start_at

),

final as (

    select
        {% for figure in figures -%}
        {% if figure in ['used_private_minutes', 'used_public_minutes', 'used_seats'] -%}
        coalesce(told.{{ figure }}, reported.{{ figure }})::numeric(18, 6) as {{ figure }},
        {% else -%}
        told.{{ figure }},
        {% endif -%}
        told.{{ figure }}_fetched_at,
        {% endfor -%}
        bounds.contract_id,
        bounds.period_start_at
    from bounds
    -- Left, twice: Spacelift may have been asked or not, and most accounts have no reports.
    left join told
        on bounds.contract_id = told.contract_id
        and bounds.period_start_at = told.period_start_at
    left join reported
        on bounds.contract_id = reported.contract_id
        and bounds.period_start_at = reported.period_start_at
    where told.contract_id is not null or reported.contract_id is not null

)

select * from final
