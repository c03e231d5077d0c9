"""The last bill as a person reads it: a row is quantity times price, a column adds up to its total."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from rich.console import Console

from orchestration.last_bill import bill_table, bill_title, last_bill

MARTS = """
    create schema marts;
    create table marts.dim_billing_periods
        (contract_id text, period_start_at timestamptz, period_end_at timestamptz, time_zone text);
    create table marts.billing_periods
        (contract_id text, period_start_at timestamptz, currency text, status text);
    create table marts.billing_lines (
        contract_id text, period_start_at timestamptz, line_order integer, line_code text, quantity numeric,
        unit text, unit_price numeric, amount numeric, is_correction boolean
    );
    create table marts.billing_reconciliation (
        contract_id text, period_start_at timestamptz, metric text, amount numeric, invoice_amount numeric,
        invoice_amount_difference numeric
    );
    insert into marts.dim_billing_periods values
        ('acme', '2026-03-31 22:00Z', '2026-04-30 22:00Z', 'Europe/Berlin'),
        ('acme', '2026-04-30 22:00Z', '2026-05-31 22:00Z', 'Europe/Berlin');
    insert into marts.billing_periods values
        ('acme', '2026-03-31 22:00Z', 'EUR', 'final'), ('acme', '2026-04-30 22:00Z', 'EUR', 'estimated');
"""
# Two workers above were billed; three it should have been. Seats came with a correction alone.
LINES = [
    (1, "base_fee", "0.516129", "Months", "1500", "774.19", False),
    (3, "worker_overage", 2, "Worker-Months", 400, 800, False),
    (3, "worker_overage", 1, "Worker-Months", 400, 400, True),
    (7, "public_minutes_overage", "1234.5", "Minutes", "0.0055", "6.79", False),
    (8, "seats", 4, "Seat-Months", "12.5", 50, True),
]
# metric, ours, the invoice's
RECONCILED = [
    ("base_fee", "774.19", "774.19"),
    ("worker_overage", 1200, 800),
    ("public_minutes_overage", "6.79", None),
    ("seats", 50, 50),
    ("tax", None, 300),
    ("credit", None, -100),
    ("used_seats", 14, None),
    ("total", "2030.98", "1824.19"),
]


def bill(connection: psycopg.Connection, *, is_in_our_currency: bool = True) -> list[dict[str, Any]]:
    connection.execute(MARTS)
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into marts.billing_lines values"
            " ('acme', '2026-03-31 22:00Z', %s, %s, %s::numeric, %s, %s::numeric, %s::numeric, %s)",
            LINES,
        )
        cursor.executemany(
            "insert into marts.billing_reconciliation values ('acme', '2026-03-31 22:00Z', %s, %s, %s, %s)",
            [
                (metric, *map(decimal, (ours, theirs)), difference(ours, theirs, is_in_our_currency))
                for metric, ours, theirs in RECONCILED
            ],
        )
    return last_bill(connection)


def decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def difference(ours: Any, theirs: Any, is_in_our_currency: bool) -> Decimal | None:
    if ours is None or theirs is None or not is_in_our_currency:
        return None
    return Decimal(ours) - Decimal(theirs)


@pytest.fixture
def connection(database_url: str) -> Any:
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()


def test_every_row_is_quantity_times_price_also_after_a_correction(connection: psycopg.Connection) -> None:
    rows = bill(connection)
    assert [(row["line_code"], row["is_correction"]) for row in rows] == [
        ("base_fee", False),
        ("worker_overage", False),
        ("worker_overage", True),
        ("public_minutes_overage", False),
        ("seats", True),
        ("credit", False),
        ("tax", False),
        ("total", False),
    ]
    priced = [row for row in rows if row["quantity"] is not None]
    assert [round(row["quantity"] * row["unit_price"], 2) for row in priced] == [
        row["amount"] for row in priced
    ]


def test_every_column_adds_up_to_its_total(connection: psycopg.Connection) -> None:
    *rows, total = bill(connection)
    for column in ("amount", "invoice_amount"):
        assert sum(row[column] or 0 for row in rows) == total[column]
    # The minutes were not invoiced: whether they are missing there is not known.
    assert sum(row["difference"] or 0 for row in rows) + Decimal("6.79") == total["difference"]
    assert [row["difference"] for row in rows] == [0, 0, 400, None, 0, 100, -300]


def test_an_invoice_in_another_currency_differs_by_nothing_that_could_be_said(
    connection: psycopg.Connection,
) -> None:
    rows = bill(connection, is_in_our_currency=False)
    assert {row["difference"] for row in rows} == {None}


def test_it_is_named_for_the_month_of_the_contract_and_reads_like_a_bill(
    connection: psycopg.Connection,
) -> None:
    rows = bill(connection)
    assert bill_title(rows) == "Bill of April 2026 in EUR"
    console = Console(record=True, width=80)
    console.print(bill_table(rows))
    shown = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert "base fee 0.516129 months 1,500.00 774.19 774.19 0.00" in shown
    assert "correction: worker 1 worker-month 400.00 400.00 400.00" in shown
    assert "seats 4 seat-months 12.50 50.00 50.00 0.00" in " ".join(shown)
    assert "0.0055" in " ".join(shown)
    assert "credit -100.00 100.00" in shown
    assert "…" not in console.export_text()
