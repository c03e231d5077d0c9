{{ config(materialized='view') }}

-- What there is to charge in each period, on three bases: to date, forecast, and the high end.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

commitment as (

    select * from {{ ref('int_worker_commitments') }}

),

minutes as (

    select * from {{ ref('int_billing_minutes') }}

),

quantities as (

    {% for basis, suffix in [('to_date', ''), ('forecast', '_forecast'), ('high', '_high')] -%}
    select
        periods.contract_id,
        periods.period_start_at,
        '{{ basis }}' as basis,
        (commitment.overage_workers{{ suffix }}) as overage_workers,
        (minutes.private_minutes{{ suffix }}) as private_minutes,
        (minutes.public_minutes{{ suffix }}) as public_minutes,
        periods.seats_used
    from periods
    inner join commitment
        on periods.contract_id = commitment.contract_id
        and periods.period_start_at = commitment.period_start_at
    inner join minutes
        on periods.contract_id = minutes.contract_id
        and periods.period_start_at = minutes.period_start_at
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from quantities
