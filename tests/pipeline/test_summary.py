"""What the demo ends with, over its warehouse."""

from decimal import Decimal

import psycopg
from rich.console import Console

from orchestration.summary import print_summary


def test_the_last_final_bill_is_shown_line_by_line_and_adds_up(demo_warehouse_url: str) -> None:
    console = Console(record=True, width=80)
    with psycopg.connect(demo_warehouse_url) as connection:
        print_summary(connection, console=console)
    shown = console.export_text()
    _, _, bill = shown.partition("Bill of the period from 2026-08-01, USD")
    rows = [line.split() for line in bill.partition("Bill per period")[0].splitlines() if "." in line]
    amounts = {row[0]: row for row in rows}
    assert amounts["seats"] == ["seats", "13", "seat-months", "35", "455.00", "455.00", "0.00"]
    assert amounts["total"] == ["total", "5,085.79", "5,085.79", "0.00"]
    lines = [row for row in rows if row[0] != "total"]
    # A line that was not invoiced ends with its amount; a price and a unit stand before it.
    invoiced = [row[-3:] for row in lines if all(cell[0].isdigit() and "." in cell for cell in row[-3:])]
    assert sum(Decimal(amount.replace(",", "")) for amount, *_ in invoiced) == Decimal("5085.79")
    assert {difference for *_, difference in invoiced} == {"0.00"}
    # Nothing was cut to fit a terminal of eighty columns.
    assert "…" not in shown
