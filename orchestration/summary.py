"""What a person wants to see after a run: every billing period, and where it stands. Reads the marts only."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich import box
from rich.console import Console
from rich.table import Table

from orchestration.billing_words import burst_end, percentile_name, period_name
from orchestration.last_bill import BILL_NOTE, bill_table, bill_title, last_bill
from orchestration.warehouse.errors import WarehouseError

_PERIODS = """
    select
        contract_id,
        period_start_at,
        (period_start_at at time zone time_zone)::date as first_day,
        (period_end_at at time zone time_zone - interval '1 microsecond')::date as last_day
    from marts.dim_billing_periods
"""
_PERCENTILES = """
    select
        percentiles.contract_id,
        percentiles.period_start_at,
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
    order by percentiles.period_start_at, percentiles.contract_id, percentiles.scope, pool
"""
_MINUTES = """
    select
        periods.contract_id,
        periods.period_start_at,
        sum(hours.private_active_minutes) as private_minutes,
        sum(hours.public_active_minutes) as public_minutes,
        count(*) filter (where hours.private_active_minutes is null) as hours_unknown
    from marts.dim_billing_periods as periods
    inner join marts.fct_account_hourly as hours
        on hours.hour_at >= periods.period_start_at
        and hours.hour_at < periods.period_end_at
    group by periods.contract_id, periods.period_start_at
    order by periods.period_start_at, periods.contract_id
"""
_BILLS = """
    select
        bills.contract_id,
        bills.period_start_at,
        commitment.worker_metric,
        commitment.worker_percentile,
        commitment.p95_to_date,
        commitment.committed_workers,
        commitment.burst_hours_budget,
        commitment.burst_hours_used,
        commitment.burst_hours_left,
        commitment.burst_exhausted_at,
        commitment.known_until_at,
        commitment.p95_forecast,
        bills.amount_to_date,
        bills.amount_forecast,
        bills.currency,
        bills.status,
        bills.is_closed
    from marts.billing_periods as bills
    inner join marts.billing_worker_commitment as commitment
        on bills.contract_id = commitment.contract_id
        and bills.period_start_at = commitment.period_start_at
    where bills.contract_id <> 'none'
    order by bills.period_start_at
"""
_THROUGH = """
    select account, first_day, loaded_through, days_missing, days_suspicious from marts.data_freshness
"""


def print_summary(connection: psycopg.Connection, *, console: Console) -> None:
    """Print workers per billing period and pool, minutes per period, and with a contract the bill of each.

    Raises:
        WarehouseError: the marts have not been built.
    """
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            freshness = cursor.execute(_THROUGH).fetchone()
            names = {_key(row): _name(row) for row in cursor.execute(_PERIODS)}
            percentiles = cursor.execute(_PERCENTILES).fetchall()
            minutes = cursor.execute(_MINUTES).fetchall()
            bills = cursor.execute(_BILLS).fetchall()
            lines = last_bill(connection)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise WarehouseError("the marts have not been built yet: spacelift-usage run") from error
    if freshness is None or freshness["loaded_through"] is None:
        console.print("Nothing has landed yet.")
        return
    _print(
        console,
        "Workers per billing period, from hourly counts",
        _workers_table(percentiles, names=names),
        "P95: in 95 % of the hours there were at most so many workers, an hour without any counted as 0. "
        "Without those hours it comes out too high, and no bill uses it.",
    )
    are_unknown = any(row["hours_unknown"] for row in minutes)
    _print(
        console,
        "Minutes on workers per billing period",
        _minutes_table(minutes, names=names, are_unknown=are_unknown),
        "What ran in unknown hours is in no sum." if are_unknown else "",
    )
    if lines:
        _print(
            console,
            bill_title(lines),
            bill_table(lines),
            BILL_NOTE if any(row["difference"] is not None for row in lines) else "",
        )
    if bills:
        currencies = sorted({row["currency"] for row in bills})
        _print(
            console,
            f"Bills in {' and '.join(currencies)}, and workers against the commitment",
            _bills_table(bills, names=names, has_currencies=len(currencies) > 1),
            "Burst hours: hours with more workers than committed. Workers above the commitment are billed "
            "once less than 0 burst hours are left.",
        )
        if (burst := burst_line(bills[-1], name=names[_key(bills[-1])])) is not None:
            console.print(f"{burst}\n", highlight=False, markup=False)
    missing, suspicious = freshness["days_missing"], freshness["days_suspicious"]
    console.print(
        f"Account {freshness['account']}, {freshness['first_day']} to {freshness['loaded_through']} (UTC)"
        + (f", {missing} days missing: their hours are unknown, not zero" if missing else "")
        + (f", {suspicious} days suspicious: they keep the rows of before" if suspicious else ""),
        highlight=False,
        markup=False,
    )


def _print(console: Console, title: str, table: Table, note: str) -> None:
    """Title and note as wide as the terminal; rich would make them as narrow as the table."""
    console.print(title, style="bold", highlight=False, markup=False)
    console.print(table)
    console.print(f"{note}\n" if note else "", highlight=False, markup=False)


Key = tuple[str, dt.datetime]
Names = Mapping[Key, str]


def _workers_table(rows: Sequence[dict[str, Any]], *, names: Names) -> Table:
    table = _table()
    table.add_column("period")
    table.add_column("pool", overflow="fold")
    for title in ("hours\ncounted", "hours\nat 0", "P95", "P95 without\nhours at 0", "most"):
        table.add_column(title, justify="right", no_wrap=True)
    period = None
    for row in rows:
        is_first, period = _key(row) != period, _key(row)
        if is_first:
            table.add_section()
        table.add_row(
            names[_key(row)] if is_first else "",
            row["pool"],
            *(_number(row[name]) for name in _WORKER_COLUMNS),
            style="bold" if row["pool"] == "account" else None,
        )
    return table


_WORKER_COLUMNS = (
    "hours_counted",
    "hours_at_zero",
    "p95_workers",
    "p95_workers_without_zeros",
    "max_workers",
)


def _minutes_table(rows: Sequence[dict[str, Any]], *, names: Names, are_unknown: bool) -> Table:
    table = _table()
    table.add_column("period")
    for title in ("private", "public", *(["hours\nunknown"] if are_unknown else [])):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        unknown = [_number(row["hours_unknown"])] if are_unknown else []
        table.add_row(
            names[_key(row)], _number(row["private_minutes"]), _number(row["public_minutes"]), *unknown
        )
    return table


def _bills_table(rows: Sequence[dict[str, Any]], *, names: Names, has_currencies: bool) -> Table:
    percentiles = {_percentile(row) for row in rows}
    is_one = len(percentiles) == 1
    table = _table()
    table.add_column("period")
    workers = percentiles.pop() if is_one else "workers"
    heads = (workers, "committed", "burst\nhours", "\nleft", "cost\nto date", "cost\nexpected")
    for title in heads:
        table.add_column(title, justify="right", no_wrap=True, overflow="fold")
    table.add_column("")
    for row in rows:
        currency = f" {row['currency']}" if has_currencies else ""
        billed, *counts = (_number(row[name]) for name in _BURST_COLUMNS)
        table.add_row(
            names[_key(row)],
            billed if is_one else f"{_percentile(row)} {billed}",
            *counts,
            _money(row["amount_to_date"]) + currency,
            _money(row["amount_forecast"]) + currency,
            row["status"],
        )
    return table


_BURST_COLUMNS = ("p95_to_date", "committed_workers", "burst_hours_used", "burst_hours_left")


def burst_line(bill: dict[str, Any], *, name: str) -> str | None:
    """The open period in a sentence or two; None when it is over or its contract commits no workers."""
    left, used, budget = (bill[f"burst_hours_{which}"] for which in ("left", "used", "budget"))
    committed = bill["committed_workers"]
    if bill["is_closed"] or left is None or committed is None:
        return None
    above = f"with more than {committed} workers"
    end = burst_end(left=left, exhausted_at=bill["burst_exhausted_at"], known_until_at=bill["known_until_at"])
    if not budget:
        return f"{name}: no hour {above} is free; there were {used} so far." + (
            " Workers above the commitment are billed." if left < 0 else ""
        )
    if left < 0:
        said = f"{used} hours {above}, {-left} more than are free: workers above the commitment are billed"
    elif left == 0:
        said = f"all {budget} free hours {above} are used: one more, and workers above {committed} are billed"
    else:
        said = f"{left} of {budget} hours {above} are left before workers above {committed} are billed"
    if end is None and left > 0:
        expected = bill["p95_forecast"]
        end = (
            "how long they last is not known before 72 hours have landed"
            if expected is None
            else f"at the usual rhythm they last, and {_percentile(bill)} ends at {_number(expected)}"
        )
    return f"{name}: {said}{f'; {end}' if end else ''}."


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def _key(row: dict[str, Any]) -> Key:
    return row["contract_id"], row["period_start_at"]


def _name(row: dict[str, Any]) -> str:
    return period_name(row["first_day"], row["last_day"])


def _percentile(row: dict[str, Any]) -> str:
    return percentile_name(worker_metric=row["worker_metric"], worker_percentile=row["worker_percentile"])


def _money(value: Any) -> str:
    return "unknown" if value is None else f"{value:,.2f}"


def _number(value: Any) -> str:
    """Null is unknown, not 0."""
    return "unknown" if value is None else f"{value:,.0f}"
