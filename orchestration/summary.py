"""What a person wants to see after a run: the months, and where to look next. Reads the marts only."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from orchestration.last_bill import bill_table, last_bill
from orchestration.warehouse.errors import WarehouseError

_PERCENTILES = """
    select
        to_char(percentiles.period_start_at at time zone 'UTC', 'YYYY-MM') as month,
        case percentiles.scope
            when 'account' then 'account'
            else coalesce(pools.worker_pool_name, percentiles.worker_pool_key)
        end as pool,
        percentiles.hours_counted,
        percentiles.hours_at_zero,
        percentiles.p95_workers,
        percentiles.p95_workers_without_zeros,
        percentiles.max_workers
    from marts.billing_worker_percentiles as percentiles
    left join marts.dim_worker_pools as pools
        on percentiles.worker_pool_key = pools.worker_pool_key
    order by percentiles.period_start_at, percentiles.scope, pool
"""
_MINUTES = """
    select
        to_char(date_trunc('month', hour_at at time zone 'UTC'), 'YYYY-MM') as month,
        sum(private_active_minutes) as private_minutes,
        sum(public_active_minutes) as public_minutes,
        count(*) filter (where not is_covered) as hours_unknown
    from marts.fct_account_hourly
    group by month
    order by month
"""
_BILLS = """
    select
        to_char(periods.period_start_at at time zone 'UTC', 'YYYY-MM-DD') as period,
        commitment.p95_to_date,
        commitment.committed_workers,
        commitment.burst_hours_used,
        commitment.burst_hours_left,
        to_char(commitment.burst_exhausted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as exhausted_at,
        commitment.p95_forecast,
        periods.amount_to_date,
        periods.amount_forecast,
        periods.currency,
        periods.status,
        periods.is_closed
    from marts.billing_periods as periods
    left join marts.billing_worker_commitment as commitment
        on periods.contract_id = commitment.contract_id
        and periods.period_start_at = commitment.period_start_at
    where periods.contract_id <> 'none'
    order by periods.period_start_at
"""
_THROUGH = """
    select account, first_day, loaded_through, days_missing, days_suspicious from marts.data_freshness
"""


def print_summary(connection: psycopg.Connection, *, console: Console) -> None:
    """Print workers per month and pool, minutes per month, and with a contract the bill of each period.

    Raises:
        WarehouseError: the marts have not been built.
    """
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            freshness = cursor.execute(_THROUGH).fetchone()
            percentiles = cursor.execute(_PERCENTILES).fetchall()
            minutes = cursor.execute(_MINUTES).fetchall()
            bills = cursor.execute(_BILLS).fetchall()
            lines = last_bill(connection)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise WarehouseError("the marts have not been built yet: spacelift-usage run") from error
    if freshness is None or freshness["loaded_through"] is None:
        console.print("Nothing has landed yet.")
        return
    console.print(_workers_table(percentiles))
    console.print(_minutes_table(minutes))
    if bills:
        if lines:
            console.print(bill_table(lines))
        console.print(_bills_table(bills))
        if (burst := _burst_line(bills[-1])) is not None:
            console.print(burst, highlight=False, markup=False)
    missing, suspicious = freshness["days_missing"], freshness["days_suspicious"]
    console.print(
        f"Account {freshness['account']}, {freshness['first_day']} to {freshness['loaded_through']} (UTC)"
        + (f", {missing} days missing: their hours are unknown, not zero" if missing else "")
        + (f", {suspicious} days suspicious: they keep the rows of before" if suspicious else ""),
        highlight=False,
        markup=False,
    )


def _workers_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Workers per month, from hourly counts", title_justify="left")
    table.add_column("month")
    table.add_column("pool")
    for title in ("hours", "at zero", "P95", "P95 without zeros", "max"):
        table.add_column(title, justify="right")
    month = None
    for row in rows:
        if row["month"] != month:
            table.add_section()
        table.add_row(
            row["month"] if row["month"] != month else "",
            row["pool"],
            *(_number(row[name]) for name in _WORKER_COLUMNS),
            style="bold" if row["pool"] == "account" else None,
        )
        month = row["month"]
    return table


_WORKER_COLUMNS = (
    "hours_counted",
    "hours_at_zero",
    "p95_workers",
    "p95_workers_without_zeros",
    "max_workers",
)


def _minutes_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Minutes on workers per month", title_justify="left")
    table.add_column("month")
    table.add_column("private", justify="right")
    table.add_column("public", justify="right")
    for row in rows:
        table.add_row(row["month"], _number(row["private_minutes"]), _number(row["public_minutes"]))
    return table


def _bills_table(rows: Sequence[dict[str, Any]]) -> Table:
    currencies = sorted({row["currency"] for row in rows})
    table = Table(
        title=f"Bill per period, {' and '.join(currencies)}; burst hours used and left", title_justify="left"
    )
    table.add_column("from (UTC)", no_wrap=True)
    for title in ("P95", "committed", "used", "left", "to date", "forecast"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("")
    for row in rows:
        currency = f" {row['currency']}" if len(currencies) > 1 else ""
        table.add_row(
            row["period"],
            *(_number(row[name]) for name in _BURST_COLUMNS),
            _money(row["amount_to_date"]) + currency,
            _money(row["amount_forecast"]) + currency,
            row["status"],
        )
    return table


_BURST_COLUMNS = ("p95_to_date", "committed_workers", "burst_hours_used", "burst_hours_left")


def _burst_line(bill: dict[str, Any]) -> str | None:
    """The open period in a sentence; None when it is over or its contract commits no workers."""
    left, committed = bill["burst_hours_left"], bill["committed_workers"]
    if bill["is_closed"] or left is None or committed is None:
        return None
    if left < 0:
        return f"The burst hours above {committed} workers are used up, and {-left} more: this costs overage."
    end = (
        f"at the usual rhythm that runs out on {bill['exhausted_at']} UTC"
        if bill["exhausted_at"]
        else f"at the usual rhythm that is enough, the period's P95 will be {_number(bill['p95_forecast'])}"
    )
    return f"More than {committed} workers may run in {left} more hours of this period; {end}."


def _money(value: Any) -> str:
    return "unknown" if value is None else f"{value:,.2f}"


def _number(value: Any) -> str:
    """Null is unknown, not 0."""
    return "unknown" if value is None else f"{value:,.0f}"
