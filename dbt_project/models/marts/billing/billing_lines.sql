-- The lines of a period that is not frozen as they are now; those of a frozen one as they were, and
-- beside them what would be different now, as corrections.

with

periods as (

    select * from {{ ref('int_billing_periods') }}

),

statuses as (

    select * from {{ ref('int_billing_period_statuses') }}

),

computed as (

    select * from {{ ref('int_billing_lines_priced') }}
    where basis = 'to_date'

),

frozen as (

    select * from {{ ref('int_billing_lines_frozen') }}

),

frozen_periods as (

    select
        contract_id,
        period_start_at,
        max(currency) as currency
    from frozen
    group by contract_id, period_start_at

),

-- Dollars and euros have no difference. That the currency was changed is what
-- assert_frozen_periods_keep_their_currency says.
comparable_periods as (

    select frozen_periods.*
    from frozen_periods
    inner join periods
        on frozen_periods.contract_id = periods.contract_id
        and frozen_periods.period_start_at = periods.period_start_at
        and frozen_periods.currency = periods.currency

),

current_lines as (

    select
        computed.contract_id,
        computed.period_start_at,
        computed.line_order,
        computed.line_code,
        computed.quantity,
        computed.unit,
        computed.unit_price,
        computed.amount,
        computed.currency,
        false as is_correction
    from computed
    where (computed.contract_id, computed.period_start_at) not in (
        select
            frozen_periods.contract_id,
            frozen_periods.period_start_at
        from frozen_periods
    )

),

frozen_lines as (

    select
        contract_id,
        period_start_at,
        line_order,
        line_code,
        quantity,
        unit,
        unit_price,
        amount,
        currency,
        false as is_correction
    from frozen

),

{% for relation in ['frozen', 'computed'] -%}
{{ relation }}_comparable as (

    select {{ relation }}.*
    from {{ relation }}
    inner join comparable_periods
        on {{ relation }}.contract_id = comparable_periods.contract_id
        and {{ relation }}.period_start_at = comparable_periods.period_start_at

),

{% endfor -%}
corrections as (

    select
        coalesce(frozen.contract_id, computed.contract_id) as contract_id,
        coalesce(frozen.period_start_at, computed.period_start_at) as period_start_at,
        coalesce(frozen.line_order, computed.line_order) as line_order,
        coalesce(frozen.line_code, computed.line_code) as line_code,
        coalesce(computed.quantity, 0) - coalesce(frozen.quantity, 0) as quantity,
        coalesce(frozen.unit, computed.unit) as unit,
        case when frozen.unit_price = computed.unit_price then frozen.unit_price end as unit_price,
        coalesce(computed.amount, 0) - coalesce(frozen.amount, 0) as amount,
        coalesce(frozen.currency, computed.currency) as currency,
        true as is_correction
    from frozen_comparable as frozen
    -- Full: a line may have come or gone since.
    full outer join computed_comparable as computed
        on frozen.contract_id = computed.contract_id
        and frozen.period_start_at = computed.period_start_at
        and frozen.line_code = computed.line_code
    where
        -- A line whose amount is not known any more is no reason to take back what was charged.
        (computed.line_code is null or computed.amount is not null)
        and (
            coalesce(computed.quantity, 0) <> coalesce(frozen.quantity, 0)
            or coalesce(computed.amount, 0) <> coalesce(frozen.amount, 0)
        )

),

united as (

    select * from current_lines
    union all
    select * from frozen_lines
    union all
    select * from corrections

),

lines as (

    select
        ---------- ids
        united.contract_id,
        united.line_code,

        ---------- dates and times
        united.period_start_at,

        ---------- text
        united.unit,
        united.currency,
        statuses.status,

        ---------- numerics
        united.line_order,
        united.quantity::numeric(18, 6) as quantity,
        united.unit_price::numeric(18, 6) as unit_price,
        united.amount::numeric(18, 6) as amount,

        ---------- booleans
        united.is_correction

    from united
    -- Frozen lines of a period that the contract no longer has are kept, but not shown.
    inner join statuses
        on united.contract_id = statuses.contract_id
        and united.period_start_at = statuses.period_start_at

)

select * from lines
