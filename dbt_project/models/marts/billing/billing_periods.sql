with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

lines as (

    select * from {{ ref('billing_lines') }}

),

priced as (

    select * from {{ ref('int_billing_lines_priced') }}

),

quantities as (

    select * from {{ ref('int_billing_quantities') }}

),

-- A total is known when every line of it is.
to_date as (

    select
        contract_id,
        period_start_at,
        {{ known_sum('amount') }} as amount,
        {{ known_sum('amount', rows="line_code = 'committed_workers'") }} as commitment_amount,
        {{ known_sum('amount', rows="line_code like '%\_overage'") }} as overage_amount
    from lines
    group by contract_id, period_start_at

),

expected as (

    select
        contract_id,
        period_start_at,
        basis,
        {{ known_sum('amount') }} as amount,
        {{ known_sum('amount', rows="line_code like '%\_overage'") }} as overage_amount
    from priced
    group by contract_id, period_start_at, basis

),

totals as (

    select
        ---------- ids
        periods.contract_id,

        ---------- dates and times
        periods.period_start_at,
        periods.period_end_at,
        periods.known_until_at,

        ---------- text
        statuses.currency,
        statuses.status,

        ---------- numerics, hours
        (periods.hours_elapsed - periods.hours_covered)::integer as hours_missing,

        ---------- numerics, money: a finished period is forecast to cost what it cost
        to_date.amount::numeric(18, 6) as amount_to_date,
        (
            case
                when periods.is_complete or statuses.is_frozen then to_date.amount
                else forecast.amount
            end
        )::numeric(18, 6) as amount_forecast,
        (
            case
                when periods.is_complete or statuses.is_frozen then to_date.amount
                when forecast.amount is not null then to_date.amount
            end
        )::numeric(18, 6) as amount_forecast_low,
        (
            case
                when periods.is_complete or statuses.is_frozen then to_date.amount
                else high.amount
            end
        )::numeric(18, 6) as amount_forecast_high,
        to_date.commitment_amount::numeric(18, 6) as commitment_amount,
        to_date.overage_amount::numeric(18, 6) as overage_amount_to_date,
        (
            case
                when periods.is_complete or statuses.is_frozen then to_date.overage_amount
                else forecast.overage_amount
            end
        )::numeric(18, 6) as overage_amount_forecast,

        ---------- numerics, minutes
        {% for minutes in ['private', 'public'] -%}
        quantities_to_date.{{ minutes }}_minutes::numeric(18, 6) as {{ minutes }}_minutes,
        quantities_forecast.{{ minutes }}_minutes::numeric(18, 6) as {{ minutes }}_minutes_forecast,
        (periods.{{ minutes }}_minutes_included * periods.period_fraction)::numeric(18, 6)
            as {{ minutes }}_minutes_included,
        case
            when
                quantities_to_date.{{ minutes }}_minutes is not null
                and periods.{{ minutes }}_minutes_included is not null
                then greatest(
                    periods.{{ minutes }}_minutes_included * periods.period_fraction
                    - quantities_to_date.{{ minutes }}_minutes, 0
                )::numeric(18, 6)
        end as {{ minutes }}_minutes_left,
        {% endfor %}

        ---------- booleans
        periods.is_closed,
        periods.is_complete

    from periods
    inner join statuses
        on periods.contract_id = statuses.contract_id
        and periods.period_start_at = statuses.period_start_at
    inner join quantities as quantities_to_date
        on periods.contract_id = quantities_to_date.contract_id
        and periods.period_start_at = quantities_to_date.period_start_at
        and quantities_to_date.basis = 'to_date'
    inner join quantities as quantities_forecast
        on periods.contract_id = quantities_forecast.contract_id
        and periods.period_start_at = quantities_forecast.period_start_at
        and quantities_forecast.basis = 'forecast'
    -- Left: a contract may meter nothing, then there are no lines.
    left join to_date
        on periods.contract_id = to_date.contract_id
        and periods.period_start_at = to_date.period_start_at
    left join expected as forecast
        on periods.contract_id = forecast.contract_id
        and periods.period_start_at = forecast.period_start_at
        and forecast.basis = 'forecast'
    left join expected as high
        on periods.contract_id = high.contract_id
        and periods.period_start_at = high.period_start_at
        and high.basis = 'high'

)

select * from totals
