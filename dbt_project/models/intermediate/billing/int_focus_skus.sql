{{ config(materialized='view') }}

-- How each line of a bill is called in FOCUS. Adjustments are what rounding minutes to the cent
-- left over. Taxes and credits of an invoice are about nothing that has a price.

with

lines as (

    select *
    from (
        values
        ('base_fee', 'Purchase', 'Recurring', 'Subscription fee', null, 'Subscription'),
        ('committed_workers', 'Purchase', 'Recurring', 'Committed workers', null, 'Workers'),
        (
            'worker_overage', 'Usage', 'Usage-Based', 'Workers above the commitment',
            'Worker-Hours', 'Workers'
        ),
        (
            'private_minutes', 'Usage', 'Usage-Based', 'Minutes on private workers', 'Minutes',
            'Private minutes'
        ),
        (
            'private_minutes_overage', 'Usage', 'Usage-Based',
            'Minutes on private workers above those included', 'Minutes', 'Private minutes'
        ),
        (
            'public_minutes', 'Usage', 'Usage-Based', 'Minutes on public workers', 'Minutes',
            'Public minutes'
        ),
        (
            'public_minutes_overage', 'Usage', 'Usage-Based',
            'Minutes on public workers above those included', 'Minutes', 'Public minutes'
        ),
        ('seats', 'Purchase', 'Recurring', 'Seats above those included', null, 'Seats')
    ) as listed (
        line_code, charge_category, charge_frequency, charge_description, consumed_unit, sku_meter
    )

),

skus as (

    select
        line_code,
        false as is_rounding,
        charge_category,
        charge_frequency,
        charge_description,
        consumed_unit,
        'spacelift-' || replace(line_code, '_', '-') as sku_id,
        sku_meter
    from lines
    union all
    select
        line_code,
        true as is_rounding,
        'Adjustment' as charge_category,
        'One-Time' as charge_frequency,
        charge_description || ': rounding of the line to the cent' as charge_description,
        null as consumed_unit,
        'spacelift-' || replace(line_code, '_', '-') as sku_id,
        sku_meter
    from lines
    union all
    select
        invoiced.line_code,
        false as is_rounding,
        invoiced.charge_category,
        'One-Time' as charge_frequency,
        invoiced.charge_description,
        null as consumed_unit,
        null as sku_id,
        null as sku_meter
    from (
        values
        ('tax', 'Tax', 'Tax on the invoice'),
        ('credit', 'Credit', 'Credit on the invoice')
    ) as invoiced (line_code, charge_category, charge_description)

)

select * from skus
