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
    _, _, bill = shown.partition("Bill of August 2026 in USD")
    rows = [line.split() for line in bill.partition("Differs:")[0].splitlines() if "." in line]
    amounts = {row[0]: row for row in rows}
    assert amounts["seats"] == ["seats", "13", "seat-months", "35.00", "455.00", "455.00", "0.00"]
    assert amounts["total"] == ["total", "5,085.79", "5,085.79", "0.00"]
    lines = [row for row in rows if row[0] != "total"]
    # A line that was not invoiced ends with its price and amount; before the price stands a unit.
    amounts_of = [row[-3] if "." in row[-3] else row[-1] for row in lines]
    assert sum(Decimal(amount.replace(",", "")) for amount in amounts_of) == Decimal("5085.79")
    # Nothing was cut to fit a terminal of eighty columns.
    assert "…" not in shown


def test_the_open_period_is_told_in_words(demo_warehouse_url: str) -> None:
    console = Console(record=True, width=80)
    with psycopg.connect(demo_warehouse_url) as connection:
        print_summary(connection, console=console)
    assert (
        "September 2026: 19 of 36 hours with more than 12 workers are left before workers above 12 are "
        "billed; at the usual rhythm they last, and P95 ends at 12."
    ) in " ".join(console.export_text().split())
