"""The last finished bill as an invoice has it, line by line, beside the invoice. Reads the marts only."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich import box
from rich.table import Table

from orchestration.billing_words import period_name

_HUNDRED = 100

# A row per row of billing_lines, so that each is quantity times price; what only an invoice has; the total.
# Columns add up: what is invoiced of a line stands beside its first row, a correction differs by itself, and
# what we have no line for, as tax, by all of it. A line that was not invoiced has no difference.
_LAST_BILL = """
    with last_period as (
        select
            bills.contract_id,
            bills.period_start_at,
            bills.currency,
            (periods.period_start_at at time zone periods.time_zone)::date as first_day,
            (periods.period_end_at at time zone periods.time_zone - interval '1 microsecond')::date
                as last_day
        from marts.billing_periods as bills
        inner join marts.dim_billing_periods as periods
            on bills.contract_id = periods.contract_id
            and bills.period_start_at = periods.period_start_at
        where bills.status = 'final' and bills.contract_id <> 'none'
        order by bills.period_start_at desc
        limit 1
    ),
    reconciled as (
        select
            reconciled.metric,
            reconciled.amount,
            reconciled.invoice_amount,
            -- An invoice in another currency has no differences at all.
            bool_or(reconciled.invoice_amount_difference is not null) over () as is_comparable
        from marts.billing_reconciliation as reconciled
        inner join last_period
            on reconciled.contract_id = last_period.contract_id
            and reconciled.period_start_at = last_period.period_start_at
    ),
    lines as (
        select
            lines.*,
            row_number() over (partition by lines.line_code order by lines.is_correction) = 1 as is_first
        from marts.billing_lines as lines
        inner join last_period
            on lines.contract_id = last_period.contract_id
            and lines.period_start_at = last_period.period_start_at
    ),
    rows as (
        select
            1 as part,
            lines.line_order,
            lines.line_code,
            lines.is_correction,
            lines.quantity,
            lines.unit,
            lines.unit_price,
            lines.amount,
            case when lines.is_first then reconciled.invoice_amount end as invoice_amount,
            reconciled.is_comparable and reconciled.invoice_amount is not null as is_invoiced
        from lines
        -- Left: a row of the bill is shown whatever is compared.
        left join reconciled on lines.line_code = reconciled.metric
        union all
        select
            case when metric = 'total' then 3 else 2 end, null, metric, false, null, null, null,
            case when metric = 'total' then amount end,
            invoice_amount,
            is_comparable and invoice_amount is not null
        from reconciled
        where
            metric = 'total'
            or (
                invoice_amount is not null
                and metric not like 'used\\_%'
                and metric not in (select line_code from lines)
            )
    )
    select
        last_period.first_day,
        last_period.last_day,
        last_period.currency,
        rows.line_code,
        rows.is_correction,
        rows.quantity,
        rows.unit,
        rows.unit_price,
        rows.amount,
        rows.part <> 2 as is_ours,
        rows.invoice_amount,
        case
            when rows.is_invoiced and (rows.amount is not null or rows.part = 2)
                then coalesce(rows.amount, 0) - coalesce(rows.invoice_amount, 0)
        end as difference
    from rows
    cross join last_period
    order by rows.part, rows.line_order, rows.line_code, rows.is_correction
"""


def last_bill(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The rows of the last bill that is over and complete, and their total; none without one."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LAST_BILL).fetchall()


BILL_NOTE = "Differs: our amount less the invoice's."


def bill_title(rows: Sequence[dict[str, Any]]) -> str:
    """Which bill it is."""
    return f"Bill of {period_name(rows[0]['first_day'], rows[0]['last_day'])} in {rows[0]['currency']}"


def bill_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One row per row of the bill; where an invoice was entered, what it says and ours less its."""
    # Six columns, one of them long: within eighty characters there is no room for lines between them.
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("line", overflow="fold")
    table.add_column("quantity", justify="right")
    for title in ("unit\nprice", "amount", "invoice", "differs"):
        table.add_column(title, justify="right", no_wrap=True, overflow="fold")
    for row in rows:
        is_total = row["line_code"] == "total"
        if is_total:
            table.add_section()
        name = row["line_code"].replace("_", " ")
        table.add_row(
            f"correction: {name}" if row["is_correction"] else name,
            _quantity(row["quantity"], row["unit"]),
            _price(row["unit_price"]),
            "unknown" if row["is_ours"] and row["amount"] is None else _money(row["amount"]),
            _money(row["invoice_amount"]),
            _money(row["difference"]),
            style="bold" if is_total else None,
        )
    return table


def _quantity(value: Decimal | None, unit: str | None) -> str:
    """With all its decimals below a hundred, as the share of a month has them; empty for a total."""
    if value is None:
        return ""
    units = (unit or "").lower().removesuffix("s" if abs(value) == 1 else "")
    if value == value.to_integral_value():
        return f"{value:,.0f} {units}"
    return f"{value:,.2f} {units}" if abs(value) >= _HUNDRED else f"{value.normalize():f} {units}"


def _price(value: Decimal | None) -> str:
    """To the cent, and further where the price of a unit is."""
    if value is None:
        return ""
    whole, _, decimals = f"{value:,f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _money(value: Decimal | None) -> str:
    """Empty where there is none, as of an invoice that was not entered."""
    return "" if value is None else f"{value:,.2f}"
