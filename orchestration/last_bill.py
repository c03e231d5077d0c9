"""The last finished bill as an invoice has it, line by line, beside the invoice. Reads the marts only."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich import box
from rich.table import Table

_LAST_BILL = """
    with last_period as (
        select contract_id, period_start_at, currency
        from marts.billing_periods
        where status = 'final' and contract_id <> 'none'
        order by period_start_at desc
        limit 1
    )
    select
        to_char(last_period.period_start_at at time zone 'UTC', 'YYYY-MM-DD') as period,
        last_period.currency,
        reconciled.metric as line_code,
        lines.quantity,
        lines.unit,
        lines.unit_price,
        reconciled.amount,
        reconciled.invoice_amount,
        reconciled.invoice_amount_difference as difference
    from last_period
    inner join marts.billing_reconciliation as reconciled
        on last_period.contract_id = reconciled.contract_id
        and last_period.period_start_at = reconciled.period_start_at
    -- Left: the total is no line.
    left join marts.billing_lines as lines
        on reconciled.contract_id = lines.contract_id
        and reconciled.period_start_at = lines.period_start_at
        and reconciled.metric = lines.line_code
        and not lines.is_correction
    where lines.line_code is not null or reconciled.metric = 'total'
    order by reconciled.metric = 'total', reconciled.amount desc, reconciled.metric
"""


def last_bill(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The lines of the last period that is over and complete, and their total; none without one."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LAST_BILL).fetchall()


def bill_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One row per line; where an invoice was entered, what it says and ours less its."""
    table = Table(
        title=f"Bill of the period from {rows[0]['period']}, {rows[0]['currency']}",
        title_justify="left",
        # Six columns, one of them long: within eighty characters there is no room for lines between them.
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("line", no_wrap=True)
    for title in ("quantity", "price", "amount", "invoice", "differs"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        is_total = row["line_code"] == "total"
        if is_total:
            table.add_section()
        table.add_row(
            row["line_code"].replace("_", " "),
            f"{_number(row['quantity'])} {(row['unit'] or '').lower()}",
            _number(row["unit_price"]),
            *(_money(row[name]) for name in ("amount", "invoice_amount", "difference")),
            style="bold" if is_total else None,
        )
    return table


def _number(value: Decimal | None) -> str:
    """Without decimals where there are none; empty for a total, which has no quantity."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"


def _money(value: Decimal | None) -> str:
    """Empty where no invoice was entered."""
    return "" if value is None else f"{value:,.2f}"
