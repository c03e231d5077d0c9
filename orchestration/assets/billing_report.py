"""What the billing marts tell the UI at every run: numbers that Dagster plots, the last bills, a picture.

Here: reading a mart that was just built, as metadata of its materialization. Not here: the marts themselves
(dbt), the dashboard (a file of its own).

Dagster plots int and float metadata only, and draws markdown in place below 1,000 characters; from there on
it is a link. Seen with Dagster 1.13. Amounts are floats for its plots: exact ones are in the marts.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from psycopg.rows import dict_row

from orchestration.billing_words import percentile_name
from orchestration.warehouse.connection import connect

# Markdown of this many characters or more is shown in a dialog behind a link.
IN_PLACE_BELOW_CHARACTERS = 1000
PERIODS_SHOWN = 6
# The dashboard is for looking, this is beside the run: never what a daily run waits for.
TIMEOUT_MILLISECONDS = 300
_PICTURE_HEIGHT = 60
_BAR_WIDTH, _BAR_STEP = 24, 32

Row = Mapping[str, Any]
Report = Callable[[str], Mapping[str, Any]]

_LAST_PERIODS = """
    select
        to_char(periods.period_start_at at time zone calendar.time_zone, 'YYYY-MM-DD') as starts,
        periods.currency,
        periods.status,
        periods.hours_missing,
        periods.amount_to_date,
        periods.amount_forecast,
        periods.overage_amount_to_date,
        periods.private_minutes,
        periods.public_minutes,
        commitment.committed_workers,
        commitment.p95_to_date,
        commitment.worker_metric,
        commitment.worker_percentile,
        commitment.overage_workers
    from marts.billing_periods as periods
    inner join marts.dim_billing_periods as calendar
        on periods.contract_id = calendar.contract_id
        and periods.period_start_at = calendar.period_start_at
    left join marts.billing_worker_commitment as commitment
        on periods.contract_id = commitment.contract_id
        and periods.period_start_at = commitment.period_start_at
    order by periods.period_start_at desc
    limit %s
"""
_LAST_COMMITMENT = """
    select
        hours_missing,
        committed_workers,
        p95_to_date,
        p95_forecast,
        overage_workers,
        overage_workers_forecast,
        burst_hours_used,
        burst_hours_left
    from marts.billing_worker_commitment
    order by period_start_at desc
    limit 1
"""
_FRESHNESS = "select loaded_through, days_covered, days_missing, days_suspicious from marts.data_freshness"


@contextmanager
def billing_reports(database_url: str, *, home: Path) -> Iterator[Report]:
    """A function from the name of a mart that was just built to its metadata; empty for most marts."""
    with closing(connect(database_url, autocommit=True)) as connection:
        connection.execute(f"set statement_timeout to {TIMEOUT_MILLISECONDS}")

        def report(mart: str) -> Mapping[str, Any]:
            try:
                return _metadata(connection, mart, home=home)
            except psycopg.Error:
                # Too slow, or the mart beside it was never built: a run does not fail by what it tells.
                return {}

        yield report


def _metadata(connection: psycopg.Connection, mart: str, *, home: Path) -> Mapping[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        if mart == "billing_periods":
            periods = cursor.execute(_LAST_PERIODS, [PERIODS_SHOWN]).fetchall()
            return _of_bills(periods, home=home) if periods else {}
        if mart == "billing_worker_commitment":
            return _plotted(cursor.execute(_LAST_COMMITMENT).fetchone() or {})
        if mart == "data_freshness":
            row = cursor.execute(_FRESHNESS).fetchone() or {}
            through = row.pop("loaded_through", None)
            return {**_plotted(row), **({"loaded_through": through.isoformat()} if through else {})}
    return {}


def _of_bills(periods: Sequence[Row], *, home: Path) -> dict[str, Any]:
    """periods: the latest first."""
    latest = periods[0]
    numbers = {
        "cost_to_date": latest["amount_to_date"],
        "cost_forecast": latest["amount_forecast"],
        "private_minutes": latest["private_minutes"],
        "public_minutes": latest["public_minutes"],
        "missing_hours": latest["hours_missing"],
    }
    metadata = {
        **_plotted(numbers),
        "period": f"from {latest['starts']}, {latest['status']}",
        "last_bills": dg.MetadataValue.md(bills_table(periods)),
        "dashboard": dg.MetadataValue.path(home / "dashboard.html"),
    }
    amounts = [(row["amount_to_date"], row["overage_amount_to_date"] or Decimal(0)) for row in periods]
    if known := [(amount, overage) for amount, overage in reversed(amounts) if amount is not None]:
        metadata["cost_by_period"] = dg.MetadataValue.md(cost_picture(known))
    return metadata


def _plotted(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is unknown: the plot has a gap there, not a zero."""
    return {
        name: round(float(value), 2) if isinstance(value, Decimal) else value
        for name, value in numbers.items()
        if value is not None
    }


def bills_table(periods: Sequence[Row]) -> str:
    """A markdown table of bills, the latest first; as many as are shown in place.

    Workers are at the percentile that the contract bills; overage is what would be billed if no more came.
    """
    lines = ["| from | workers | committed | overage | cost | forecast | |", "|:--|--:|--:|--:|--:|--:|:--|"]
    for row in periods:
        amount, forecast = _money(row["amount_to_date"], row["currency"]), _money(row["amount_forecast"], "")
        counts = ["" if row[name] is None else str(row[name]) for name in _COUNTS]
        if counts[0]:
            counts[0] = f"{_percentile(row)} {counts[0]}"
        line = f"| {' | '.join([row['starts'], *counts, amount, forecast, row['status']])} |"
        if len("\n".join([*lines, line])) >= IN_PLACE_BELOW_CHARACTERS:
            break
        lines.append(line)
    return "\n".join(lines)


_COUNTS = ("p95_to_date", "committed_workers", "overage_workers")


def _percentile(row: Row) -> str:
    return percentile_name(worker_metric=row["worker_metric"], worker_percentile=row["worker_percentile"])


def cost_picture(amounts: Sequence[tuple[Decimal, Decimal]]) -> str:
    """A bar for each period, oldest first: its cost, in orange what of it is above commitment and allowances.

    An SVG in base64, since markdown's own HTML is not drawn. amounts: (cost, of it above), one currency.
    """
    highest = max([amount for amount, _ in amounts if amount > 0], default=Decimal(1))
    within, above = "", ""
    for place, (amount, overage) in enumerate(amounts):
        left = place * _BAR_STEP
        top, middle = (
            _PICTURE_HEIGHT - int(_PICTURE_HEIGHT * max(part, Decimal(0)) / highest)
            for part in (amount, amount - overage)
        )
        within += f"M{left} {_PICTURE_HEIGHT}V{middle}h{_BAR_WIDTH}V{_PICTURE_HEIGHT}z"
        above += f"M{left} {middle}V{top}h{_BAR_WIDTH}V{middle}z"
    width = len(amounts) * _BAR_STEP
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{_PICTURE_HEIGHT}'>"
        f"<path fill='#0072b2' d='{within}'/><path fill='#e69f00' d='{above}'/></svg>"
    )
    picture = base64.b64encode(svg.encode()).decode()
    return f"![cost, orange above commitment](data:image/svg+xml;base64,{picture})"


def _money(amount: Decimal | None, currency: str | None) -> str:
    return "" if amount is None else f"{amount:,.2f} {currency or ''}".strip()
