with

vendor_usage as (

    select * from {{ source('raw', 'vendor_usage') }}

),

renamed as (

    select
        ---------- ids
        account,

        ---------- numerics
        used_private_minutes::numeric(18, 6) as used_private_minutes,
        used_public_minutes::numeric(18, 6) as used_public_minutes,
        used_workers::numeric(18, 6) as used_workers,
        used_seats::numeric(18, 6) as used_seats,
        allowed_minutes::numeric(18, 6) as minutes_included,
        allowed_seats::numeric(18, 6) as seats_included,
        -- Cents there, major units here.
        (price_per_worker_cents / 100)::numeric(18, 6) as worker_unit_price,
        (price_per_seat_cents / 100)::numeric(18, 6) as seat_unit_price,
        (price_per_run_minute_cents / 100)::numeric(18, 6) as minute_unit_price,
        (subscription_price_cents / 100)::numeric(18, 6) as base_fee_unit_price,
        (upcoming_invoice_total_cents / 100)::numeric(18, 6) as upcoming_invoice_total_amount,

        ---------- dates and times
        fetched_at,
        billing_period_start_at,
        billing_period_end_at

    from vendor_usage

)

select * from renamed
