"""What the charts of cost draw: the last bills by line, and who caused the cost. Reads the marts only."""

from collections.abc import Mapping, Sequence

import psycopg

from orchestration.dashboard.frames import Frame
from orchestration.dashboard.periods import Period

BILLS_SHOWN = 12
STACKS_SHOWN = 15

_LINES = """
    select contract_id, period_start_at, line_code, min(line_order), sum(amount)
    from marts.billing_lines
    where amount is not null
    group by contract_id, period_start_at, line_code
    order by period_start_at, contract_id, 4
"""
_BY_POOL = """
    select contract_id, period_start_at, allocation,
        case
            when allocation = 'shared' then 'fees and seats'
            when worker_pool_key is null then 'public workers'
            else coalesce(worker_pool_name, worker_pool_key)
        end as bearer,
        sum(amount)
    from marts.billing_cost_allocation
    where amount is not null
    group by contract_id, period_start_at, allocation, worker_pool_key, bearer
"""
# The highest of each period and pool, and of each period; all others are added up.
_BY_STACK = """
    with stacks as (
        select contract_id, period_start_at, worker_pool_key, stack_ulid, min(stack_slug) as stack_slug,
            sum(amount) as amount, sum(active_minutes) as active_minutes, grouping(worker_pool_key) as is_all
        from marts.billing_cost_allocation
        where allocation = 'stack' and amount is not null
        group by grouping sets (
            (contract_id, period_start_at, worker_pool_key, stack_ulid),
            (contract_id, period_start_at, stack_ulid)
        )
    ),
    ranked as (
        select *, row_number() over (
            partition by contract_id, period_start_at, is_all, worker_pool_key
            order by amount desc, active_minutes desc, stack_slug
        ) as place
        from stacks
        -- Public workers are no pool that could be chosen.
        where is_all = 1 or worker_pool_key is not null
    )
    select contract_id, period_start_at, worker_pool_key, least(place, %(shown)s + 1) as place,
        case when min(place) > %(shown)s then count(*) || ' others' else min(stack_slug) end as stack,
        sum(amount), round(sum(active_minutes), 1)
    from ranked
    group by contract_id, period_start_at, is_all, worker_pool_key, least(place, %(shown)s + 1)
"""


def billing_frames(
    connection: psycopg.Connection, *, periods: Sequence[Period], pool_numbers: Mapping[str | None, int]
) -> dict[str, Frame]:
    """Amounts in each period's own currency; periods without a contract have none and no rows."""
    period_numbers = {(period.contract_id, period.start_at): period.number for period in periods}
    shown = bills_shown(periods)
    names = {(period.contract_id, period.start_at): period.label for period in shown}
    return {
        "bill_lines": Frame(
            fields=("bill", "line", "line_order", "amount"),
            rows=[
                (names[contract_id, start_at], line, order, amount)
                for contract_id, start_at, line, order, amount in connection.execute(_LINES)
                if (contract_id, start_at) in names
            ],
        ),
        "bills": Frame(
            fields=("bill", "start", "status", "currency", "to_date", "forecast", "low", "high"),
            rows=[
                (
                    period.label,
                    period.start_at,
                    period.status,
                    period.currency,
                    period.amount_to_date,
                    period.amount_forecast,
                    period.amount_forecast_low,
                    period.amount_forecast_high,
                )
                for period in shown
            ],
        ),
        "pool_costs": Frame(
            fields=("period", "part", "bearer", "amount"),
            rows=[
                (period_numbers[contract_id, start_at], *rest)
                for contract_id, start_at, *rest in connection.execute(_BY_POOL)
            ],
        ),
        "stack_costs": Frame(
            fields=("period", "pool", "place", "stack", "amount", "active_minutes"),
            rows=[
                (period_numbers[contract_id, start_at], pool_numbers[pool], *rest)
                for contract_id, start_at, pool, *rest in connection.execute(
                    _BY_STACK, {"shown": STACKS_SHOWN}
                )
            ],
        ),
    }


def bills_shown(periods: Sequence[Period]) -> list[Period]:
    """The last periods under a contract, oldest first."""
    return [period for period in periods if period.has_contract][-BILLS_SHOWN:]
