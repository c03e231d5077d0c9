"""The contract terms of USAGE_CONTRACTS_FILE: one row per contract and validity.

Here: the columns, and the rules between columns and rows. Not here: what one cell may say (cells.py), writing
them to the database (raw_contracts.py), what the terms cost (dbt, marts/billing).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from orchestration.contracts.cells import (
    CellError,
    amount,
    currency,
    day,
    one_of,
    percentile,
    text,
    time_zone,
    whole_number,
)
from orchestration.contracts.hand_kept_csv import Column, Problems, Row, read_rows

# What the marts write where no contract applies.
NO_CONTRACT = "none"


@dataclass(frozen=True)
class Contract:
    """The terms of one contract from `valid_from` to `valid_to` (exclusive; None is open), UTC dates.

    Prices are per billing period in major units of the currency. None: not metered, or not agreed.
    """

    contract_id: str
    account: str
    valid_from: dt.date
    valid_to: dt.date | None
    currency: str
    anchor_day: int
    timezone: str
    worker_metric: str
    worker_percentile: Decimal | None
    committed_workers: int | None
    worker_unit_price: Decimal | None
    worker_overage_unit_price: Decimal | None
    private_minutes_included: Decimal | None
    private_minutes_unit_price: Decimal | None
    private_minutes_overage_unit_price: Decimal | None
    public_minutes_included: Decimal | None
    public_minutes_unit_price: Decimal | None
    public_minutes_overage_unit_price: Decimal | None
    seats_included: int | None
    seats_used: int | None
    seat_unit_price: Decimal | None
    base_fee: Decimal | None
    paid_via: str
    line_number: int


def _contract_id(cell: str) -> str:
    if cell == NO_CONTRACT:
        raise CellError("stands for no contract in the marts: choose another name")
    return text(cell)


_COLUMNS: Mapping[str, Column] = {
    "contract_id": Column(_contract_id, is_required=True),
    "account": Column(text, is_required=True),
    "valid_from": Column(day, is_required=True),
    "valid_to": Column(day),
    "currency": Column(currency, is_required=True),
    "anchor_day": Column(whole_number(at_least=1, at_most=31), if_empty=1),
    "timezone": Column(time_zone, if_empty="UTC"),
    "worker_metric": Column(one_of("percentile", "max", "none"), if_empty="none"),
    "worker_percentile": Column(percentile),
    "committed_workers": Column(whole_number()),
    "worker_unit_price": Column(amount),
    "worker_overage_unit_price": Column(amount),
    "private_minutes_included": Column(amount),
    "private_minutes_unit_price": Column(amount),
    "private_minutes_overage_unit_price": Column(amount),
    "public_minutes_included": Column(amount),
    "public_minutes_unit_price": Column(amount),
    "public_minutes_overage_unit_price": Column(amount),
    "seats_included": Column(whole_number()),
    "seats_used": Column(whole_number()),
    "seat_unit_price": Column(amount),
    "base_fee": Column(amount),
    "paid_via": Column(one_of("direct", "marketplace"), if_empty="direct"),
}
_WORKER_PRICES = ("worker_unit_price", "worker_overage_unit_price")
_WORKER_TERMS = ("worker_percentile", "committed_workers", *_WORKER_PRICES)


def read_contracts(path: Path) -> list[Contract]:
    """All contracts of the file, of all accounts, in its order; none when it has a header alone.

    Raises:
        ContractsError: anything in the file is wrong; it names everything that is.
    """
    problems = Problems(path)
    rows = read_rows(path, columns=_COLUMNS, problems=problems)
    for row in rows:
        _check_terms(row, problems=problems)
    _check_overlaps(_without_duplicates(rows, problems=problems), problems=problems)
    problems.raise_if_any()
    return [Contract(**row.values, line_number=row.line_number) for row in rows]


def _check_terms(row: Row, *, problems: Problems) -> None:
    """The rules between the columns of a row; a column whose cell is wrong is not judged again."""
    valid_from, valid_to = row.values.get("valid_from"), row.values.get("valid_to")
    if valid_from and valid_to and valid_to <= valid_from:
        problems.add(
            f"is the first day no longer valid, so it must be after valid_from, {valid_from}",
            line=row.line_number,
            column="valid_to",
            value=row.cells["valid_to"],
        )
    metric = row.values.get("worker_metric")
    if metric == "percentile" and not row.cells["worker_percentile"]:
        problems.add(
            "must be given with worker_metric percentile, such as 95",
            line=row.line_number,
            column="worker_percentile",
            value="",
        )
    prices = [price for price in _WORKER_PRICES if row.values.get(price) is not None]
    if metric in ("percentile", "max") and prices and not row.cells["committed_workers"]:
        problems.add(
            f"must be given with {' and '.join(prices)}: write 0 when every worker is paid as overage",
            line=row.line_number,
            column="committed_workers",
            value="",
        )
    if not row.cells["worker_metric"] and any(row.cells[term] for term in _WORKER_TERMS):
        problems.add(
            "must be percentile, max or none, since the row has terms for workers",
            line=row.line_number,
            column="worker_metric",
            value="",
        )


def _without_duplicates(rows: Sequence[Row], *, problems: Problems) -> list[Row]:
    """The first row of every contract_id and valid_from; the others are problems."""
    first_rows: dict[tuple[str, dt.date], Row] = {}
    for row in rows:
        if {"contract_id", "valid_from"} <= row.values.keys():
            first = first_rows.setdefault((row.values["contract_id"], row.values["valid_from"]), row)
            if first is not row:
                problems.add(
                    f"line {first.line_number} has the same contract_id and valid_from: keep one of them",
                    line=row.line_number,
                    column="contract_id",
                    value=row.cells["contract_id"],
                )
    return list(first_rows.values())


def _check_overlaps(rows: Sequence[Row], *, problems: Problems) -> None:
    """An account has one contract on every day."""
    by_account: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if {"account", "valid_to"} <= row.values.keys():
            by_account[row.values["account"]].append(row)
    for account, validities in by_account.items():
        before: Row | None = None
        for row in sorted(validities, key=lambda row: (row.values["valid_from"], row.line_number)):
            if before is None:
                before = row
                continue
            if row.values["valid_from"] < _end(before):
                problems.add(
                    f"account {account} already has a contract on that day: line {before.line_number}, "
                    f"{before.values['valid_from']} to {before.values['valid_to'] or 'no end'} (exclusive)",
                    line=row.line_number,
                    column="valid_from",
                    value=row.cells["valid_from"],
                )
            before = max(before, row, key=_end)


def _end(row: Row) -> dt.date:
    valid_to: dt.date | None = row.values["valid_to"]
    return valid_to or dt.date.max
