-- The lines of a bill for each period and basis (to date, forecast, high). A line is there when the
-- contract meters it; without a contract the minutes are, without a price.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

quantities as (

    select * from {{ ref('int_billing_quantities') }}

),

-- What the contract includes shrinks with a cut period, as prices do. A price per minute without an
-- allowance is for every minute; an allowance without a price is paid with the base fee.
terms as (

    select
        quantities.*,
        periods.period_fraction,
        periods.currency,
        periods.committed_workers,
        periods.worker_unit_price,
        periods.worker_overage_unit_price,
        periods.base_fee,
        periods.seat_unit_price,
        coalesce(periods.seats_included, 0) as seats_included,
        {% for minutes in ['private', 'public'] -%}
        periods.period_fraction * coalesce(
            periods.{{ minutes }}_minutes_included,
            case when periods.{{ minutes }}_minutes_unit_price is null then 0 end
        ) as {{ minutes }}_minutes_included,
        coalesce(
            periods.{{ minutes }}_minutes_unit_price,
            case when periods.{{ minutes }}_minutes_included is not null then 0 end
        ) as {{ minutes }}_minutes_unit_price,
        periods.{{ minutes }}_minutes_overage_unit_price,
        (
            periods.{{ minutes }}_minutes_included is not null
            or periods.{{ minutes }}_minutes_unit_price is not null
            or periods.{{ minutes }}_minutes_overage_unit_price is not null
        ) as meters_{{ minutes }}_minutes,
        {% endfor -%}
        periods.contract_id = 'none' as is_without_contract
    from quantities
    inner join periods
        on quantities.contract_id = periods.contract_id
        and quantities.period_start_at = periods.period_start_at

),

lines as (

    select
        terms.*,
        bill.line_order,
        bill.line_code,
        bill.line_quantity,
        bill.unit,
        bill.unit_price::numeric(18, 6) as unit_price
    from terms
    cross join
        lateral (
            values
            (
                1,
                'base_fee',
                terms.period_fraction,
                'Months',
                terms.base_fee,
                terms.base_fee is not null
            ),
            (
                2, 'committed_workers',
                terms.committed_workers * terms.period_fraction,
                'Worker-Months', terms.worker_unit_price,
                terms.committed_workers is not null and terms.worker_unit_price is not null
            ),
            (
                3, 'worker_overage',
                terms.overage_workers * terms.period_fraction,
                'Worker-Months', terms.worker_overage_unit_price,
                terms.committed_workers is not null
            ),
            {% for minutes in ['private', 'public'] -%}
            (
                {{ 4 if minutes == 'private' else 6 }}, '{{ minutes }}_minutes',
                case
                    when terms.is_without_contract then terms.{{ minutes }}_minutes
                    -- Null passes through: least() would ignore it.
                    when terms.{{ minutes }}_minutes > terms.{{ minutes }}_minutes_included
                        then terms.{{ minutes }}_minutes_included
                    else terms.{{ minutes }}_minutes
                end,
                'Minutes', terms.{{ minutes }}_minutes_unit_price,
                terms.meters_{{ minutes }}_minutes or terms.is_without_contract
            ),
            (
                {{ 5 if minutes == 'private' else 7 }}, '{{ minutes }}_minutes_overage',
                case
                    when terms.{{ minutes }}_minutes < terms.{{ minutes }}_minutes_included then 0
                    else terms.{{ minutes }}_minutes - terms.{{ minutes }}_minutes_included
                end,
                'Minutes', terms.{{ minutes }}_minutes_overage_unit_price,
                terms.meters_{{ minutes }}_minutes
                and terms.{{ minutes }}_minutes_included is not null
            ),
            {% endfor -%}
            (
                8, 'seats',
                case
                    when terms.seats_used < terms.seats_included then 0
                    else (terms.seats_used - terms.seats_included) * terms.period_fraction
                end,
                'Seat-Months', terms.seat_unit_price, terms.seat_unit_price is not null
            )
        ) as bill (line_order, line_code, line_quantity, unit, unit_price, is_metered)
    where bill.is_metered

),

priced as (

    select
        contract_id,
        period_start_at,
        basis,
        line_order,
        line_code,
        line_quantity::numeric(18, 6) as quantity,
        unit,
        unit_price,
        -- Nothing used costs nothing, even where no price is agreed. Rounded here and nowhere
        -- before.
        (
            case
                when line_quantity = 0 and not is_without_contract then 0
                else round(line_quantity * unit_price, 2)
            end
        )::numeric(18, 6) as amount,
        currency
    from lines

)

select * from priced
