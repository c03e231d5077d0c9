with

invoices as (

    select * from {{ source('raw', 'invoices') }}

),

renamed as (

    select
        ---------- ids
        contract_id,
        invoice_number,
        line_number,

        ---------- text
        metric,
        currency,

        ---------- numerics
        quantity::numeric(18, 6) as quantity,
        amount::numeric(18, 6) as amount,

        ---------- dates and times
        period_start as period_start_date

    from invoices

)

select * from renamed
