-- Ours beside Spacelift's own figures, as it last told them of the period, and beside the invoice.
-- Without either the other columns are null.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

lines as (

    select * from {{ ref('billing_lines') }}

),

terms as (

    select * from {{ ref('int_contract_terms') }}

),

quantities as (

    select * from {{ ref('int_billing_quantities') }}
    where basis = 'to_date'

),

percentiles as (

    select * from {{ ref('billing_worker_percentiles') }}
    where scope = 'account'

),

vendor_usage as (

    select * from {{ ref('int_vendor_usage_by_period') }}

),

invoices as (

    select * from {{ ref('stg_billing__invoices') }}

),

invoiced as (

    select
        periods.contract_id,
        periods.period_start_at,
        invoices.metric,
        sum(invoices.quantity) as quantity,
        sum(invoices.amount) as amount,
        min(invoices.currency) filter (where invoices.amount is not null) as currency,
        max(invoices.currency) filter (where invoices.amount is not null) as other_currency
    from invoices
    inner join periods
        on invoices.contract_id = periods.contract_id
        and invoices.period_start_date
        = (periods.period_start_at at time zone periods.time_zone)::date
    group by periods.contract_id, periods.period_start_at, invoices.metric

),

-- What the contract itself says. Spacelift tells one price of a minute and one allowance; a
-- contract may have them for private and public minutes apart.
agreed as (

    select
        periods.contract_id,
        periods.period_start_at,
        terms.seats_used,
        terms.seats_included,
        coalesce(
            terms.private_minutes_included + terms.public_minutes_included,
            terms.private_minutes_included,
            terms.public_minutes_included
        ) as minutes_included,
        coalesce(terms.private_minutes_overage_unit_price, terms.private_minutes_unit_price)
            as private_minute_price,
        coalesce(terms.public_minutes_overage_unit_price, terms.public_minutes_unit_price)
            as public_minute_price,
        terms.base_fee
    from periods
    inner join terms
        on periods.contract_id = terms.contract_id
        and periods.terms_valid_from = terms.valid_from

),

usage_and_prices as (

    select
        periods.contract_id,
        periods.period_start_at,
        metrics.metric,
        metrics.quantity,
        metrics.amount,
        metrics.vendor_quantity,
        metrics.vendor_amount,
        metrics.vendor_fetched_at
    from periods
    inner join quantities
        on periods.contract_id = quantities.contract_id
        and periods.period_start_at = quantities.period_start_at
    -- Left, three times: nothing may be known of a period, nothing agreed, and Spacelift not asked.
    left join percentiles
        on periods.contract_id = percentiles.contract_id
        and periods.period_start_at = percentiles.period_start_at
    left join agreed
        on periods.contract_id = agreed.contract_id
        and periods.period_start_at = agreed.period_start_at
    left join vendor_usage
        on periods.contract_id = vendor_usage.contract_id
        and periods.period_start_at = vendor_usage.period_start_at
    cross join lateral (
        values
        (
            'used_workers',
            percentiles.max_workers, vendor_usage.used_workers,
            null::numeric, null::numeric,
            vendor_usage.used_workers_fetched_at
        ),
        (
            'used_private_minutes',
            quantities.private_minutes, vendor_usage.used_private_minutes,
            null, null,
            vendor_usage.used_private_minutes_fetched_at
        ),
        (
            'used_public_minutes',
            quantities.public_minutes, vendor_usage.used_public_minutes,
            null, null,
            vendor_usage.used_public_minutes_fetched_at
        ),
        -- Only those that a person wrote into the contract: Spacelift's own would be compared with
        -- themselves.
        (
            'used_seats',
            agreed.seats_used, vendor_usage.used_seats,
            null, null,
            vendor_usage.used_seats_fetched_at
        ),
        (
            'minutes_included',
            agreed.minutes_included, vendor_usage.minutes_included,
            null, null,
            vendor_usage.minutes_included_fetched_at
        ),
        (
            'seats_included',
            agreed.seats_included, vendor_usage.seats_included,
            null, null,
            vendor_usage.seats_included_fetched_at
        ),
        (
            'worker_unit_price',
            null, null,
            periods.worker_unit_price, vendor_usage.worker_unit_price,
            vendor_usage.worker_unit_price_fetched_at
        ),
        (
            'seat_unit_price',
            null, null,
            periods.seat_unit_price, vendor_usage.seat_unit_price,
            vendor_usage.seat_unit_price_fetched_at
        ),
        (
            'minute_unit_price',
            null, null,
            case
                when
                    coalesce(agreed.private_minute_price, agreed.public_minute_price)
                    = coalesce(agreed.public_minute_price, agreed.private_minute_price)
                    then coalesce(agreed.private_minute_price, agreed.public_minute_price)
            end,
            vendor_usage.minute_unit_price,
            vendor_usage.minute_unit_price_fetched_at
        ),
        (
            'base_fee_unit_price',
            null, null,
            agreed.base_fee, vendor_usage.base_fee_unit_price,
            vendor_usage.base_fee_unit_price_fetched_at
        )
    ) as metrics (metric, quantity, vendor_quantity, amount, vendor_amount, vendor_fetched_at)

),

line_metrics as (

    select
        contract_id,
        period_start_at,
        line_code as metric,
        sum(quantity) as quantity,
        sum(amount) as amount,
        null::numeric as vendor_quantity,
        null::numeric as vendor_amount,
        null::timestamptz as vendor_fetched_at
    from lines
    group by contract_id, period_start_at, line_code

),

totals as (

    select
        lines.contract_id,
        lines.period_start_at,
        'total' as metric,
        null::numeric as quantity,
        case when count(*) = count(lines.amount) then sum(lines.amount) end as amount,
        null::numeric as vendor_quantity,
        max(vendor_usage.upcoming_invoice_total_amount) as vendor_amount,
        max(vendor_usage.upcoming_invoice_total_amount_fetched_at) as vendor_fetched_at
    from lines
    -- Left: Spacelift may not have been asked.
    left join vendor_usage
        on lines.contract_id = vendor_usage.contract_id
        and lines.period_start_at = vendor_usage.period_start_at
    group by lines.contract_id, lines.period_start_at

),

ours as (

    select * from usage_and_prices
    union all
    select * from line_metrics
    union all
    select * from totals

),

compared as (

    select
        coalesce(ours.contract_id, invoiced.contract_id) as contract_id,
        coalesce(ours.period_start_at, invoiced.period_start_at) as period_start_at,
        coalesce(ours.metric, invoiced.metric) as metric,
        ours.quantity,
        ours.amount,
        ours.vendor_quantity,
        ours.vendor_amount,
        ours.vendor_fetched_at,
        invoiced.quantity as invoice_quantity,
        -- Euros and dollars have no sum.
        case when invoiced.currency = invoiced.other_currency then invoiced.amount end
            as invoice_amount,
        case when invoiced.currency = invoiced.other_currency then invoiced.currency end
            as invoice_currency
    from ours
    -- Full: an invoice may have a line that we do not.
    full outer join invoiced
        on ours.contract_id = invoiced.contract_id
        and ours.period_start_at = invoiced.period_start_at
        and ours.metric = invoiced.metric

),

-- Amounts in two currencies have no difference. Spacelift tells cents and not of what: they are US
-- dollars unless agreed otherwise, and what was agreed then it does not tell.
in_currencies as (

    select
        compared.*,
        periods.currency,
        case when periods.currency = 'USD' then compared.vendor_amount end
            as comparable_vendor_amount,
        case when periods.currency = compared.invoice_currency then compared.invoice_amount end
            as comparable_invoice_amount
    from compared
    inner join periods
        on compared.contract_id = periods.contract_id
        and compared.period_start_at = periods.period_start_at

)

select
    ---------- ids
    contract_id,

    ---------- dates and times
    period_start_at,
    vendor_fetched_at,

    ---------- text
    metric,
    currency,
    invoice_currency,

    ---------- numerics
    quantity::numeric(18, 6) as quantity,
    vendor_quantity::numeric(18, 6) as vendor_quantity,
    (quantity - vendor_quantity)::numeric(18, 6) as vendor_quantity_difference,
    invoice_quantity::numeric(18, 6) as invoice_quantity,
    (quantity - invoice_quantity)::numeric(18, 6) as invoice_quantity_difference,
    amount::numeric(18, 6) as amount,
    vendor_amount::numeric(18, 6) as vendor_amount,
    (amount - comparable_vendor_amount)::numeric(18, 6) as vendor_amount_difference,
    invoice_amount::numeric(18, 6) as invoice_amount,
    (amount - comparable_invoice_amount)::numeric(18, 6) as invoice_amount_difference
from in_currencies
