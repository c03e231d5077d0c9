"""What the vendor invoiced, from USAGE_INVOICES_FILE: one row per contract, period, metric and invoice.

Here: the columns, and the rules between columns and rows. Not here: writing them to the database
(raw_contracts.py), the comparison with our figures (dbt, billing_reconciliation).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from orchestration.contracts.cells import currency, day, one_of, signed_amount, text
from orchestration.contracts.hand_kept_csv import Column, Problems, read_rows

# What billing_reconciliation compares: the lines of a bill and their total, what was used, and what only an
# invoice has.
BILL_LINES = (
    *("base_fee", "committed_workers", "worker_overage", "private_minutes", "private_minutes_overage"),
    *("public_minutes", "public_minutes_overage", "seats"),
)
METRICS = (
    *BILL_LINES,
    *("total", "used_workers", "used_private_minutes", "used_public_minutes", "used_seats"),
    *("tax", "credit"),
)


@dataclass(frozen=True)
class InvoicedMetric:
    """One metric of an invoice; `amount` in major units, below 0 for a credit. None: it is not told."""

    contract_id: str
    period_start: dt.date
    metric: str
    quantity: Decimal | None
    amount: Decimal | None
    currency: str | None
    invoice_number: str | None
    line_number: int


_COLUMNS: Mapping[str, Column] = {
    "contract_id": Column(text, is_required=True),
    "period_start": Column(day, is_required=True),
    "metric": Column(one_of(*METRICS), is_required=True),
    "quantity": Column(signed_amount),
    "amount": Column(signed_amount),
    "currency": Column(currency),
    "invoice_number": Column(text),
}


def read_invoices(path: Path) -> list[InvoicedMetric]:
    """All rows of the file in its order; none when it has a header alone.

    Raises:
        ContractsError: anything in the file is wrong; it names everything that is.
    """
    problems = Problems(path)
    rows = read_rows(path, columns=_COLUMNS, problems=problems)
    first_lines: dict[tuple[str, ...], int] = {}
    for row in rows:
        if not row.cells["quantity"] and not row.cells["amount"]:
            problems.add("neither quantity nor amount is given: give one at least", line=row.line_number)
        if row.cells["amount"] and not row.cells["currency"]:
            problems.add(
                "must be given with an amount, such as USD", line=row.line_number, column="currency", value=""
            )
        key = tuple(row.cells[name] for name in ("contract_id", "period_start", "metric", "invoice_number"))
        first = first_lines.setdefault(key, row.line_number)
        if first != row.line_number:
            problems.add(
                f"line {first} has the same contract, period, metric and invoice: write their sum in one row",
                line=row.line_number,
                column="metric",
                value=row.cells["metric"],
            )
    problems.raise_if_any()
    return [InvoicedMetric(**row.values, line_number=row.line_number) for row in rows]
