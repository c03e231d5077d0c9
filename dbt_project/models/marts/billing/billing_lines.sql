-- The lines of a period that is not frozen as they are now; those of a frozen one as they were, and
-- beside them what would be different now, as corrections.

with

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

    select distinct
        contract_id,
        period_start_at
    from frozen

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

computed_in_frozen_periods as (

    select computed.*
    from computed
    inner join frozen_periods
        on computed.contract_id = frozen_periods.contract_id
        and computed.period_start_at = frozen_periods.period_start_at

),

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
    from frozen
    -- Full: a line may have come or gone since.
    full outer join computed_in_frozen_periods as computed
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
