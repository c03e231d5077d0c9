"""April 2026, computed by hand: raw rows and a contract give the invoice in tests/data to the cent.

The contract: 5 committed workers at 250.00, by the 95th percentile of the month's 720 hours.

    base fee                                   1     x 1500.00 = 1500.00
    committed workers                          5     x  250.00 = 1250.00
    workers above: 37 hours had 9, 36 are free 4     x  400.00 = 1600.00
    private minutes included                1000     x    0    =    0.00
    private minutes above, of 1234.567       234.567 x    0.02 =    4.69
    public minutes included                  100     x    0    =    0.00
    public minutes above, of 333.333         233.333 x    0.05 =   11.67
    seats above the 10 included, of 14         4     x   30.00 =  120.00
                                                                 4486.36
"""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.contracts.raw_contracts import land_contracts, land_invoices
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import claim_account
from tests.database.warehouse_by_hand import Warehouse

DATA = Path(__file__).parents[1] / "data"
CONTRACT = DATA / "contract_of_a_hand_computed_month.csv"
INVOICE = DATA / "invoice_of_a_hand_computed_month.csv"
STACK, POOL = "01HMSGMXD00000000000000001", "01HMSGMXD00000000000000003"
MODELS = [
    "--select",
    "+billing_reconciliation",
    "+billing_periods",
    "+focus_cost_and_usage",
    "+focus_cost_and_usage_allocated",
]
Lines = list[tuple[str, Decimal | None, Decimal]]


def land_april(warehouse: Warehouse) -> None:
    """1200 + 34.567 private minutes, 300 + 33.333 public ones, 5 workers, and 9 in 24 + 13 hours."""
    for number in range(1, 31):
        day = f"2026-04-{number:02}"
        pool, name = ("", "") if 22 <= number <= 27 else (POOL, "pool")
        ran = number <= 27
        warehouse.land(
            day,
            # As long in the queue as at work: waiting is not billed.
            runs=tuple(
                (8, f"01HNH0000000000000000000{number:02}", STACK, state, pool, name)
                for state in ("QUEUED", "PLANNING" if ran else "UNCONFIRMED")
            ),
            workers=workers_of(number, burst_hours={28: 24, 29: 13}),
            minutes={21: "34.567", 27: "33.333"}.get(number, "60"),
        )


def workers_of(number: int, *, burst_hours: dict[int, int]) -> tuple[tuple[int, str, int], ...]:
    return tuple((hour, "pool", 9 if hour < burst_hours.get(number, 0) else 5) for hour in range(24))


@pytest.fixture(scope="module")
def april(module_database_url: str, dbt_target: Path) -> Warehouse:
    """The month landed and built, with the invoice that Spacelift should send."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        warehouse = Warehouse(module_database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)
        land_april(warehouse)
        with connect(warehouse.url) as connection:
            claim_account(connection, "acme")
            land_contracts(connection, CONTRACT)
            land_invoices(connection, INVOICE)
        warehouse.build(*MODELS)
        yield warehouse


def rows(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with connect(warehouse.url) as connection:
        connection.execute("set search_path to marts")
        return connection.execute(query.encode()).fetchall()


def invoice() -> Lines:
    with INVOICE.open() as file:
        return [
            (row["metric"], Decimal(row["quantity"]) if row["quantity"] else None, Decimal(row["amount"]))
            for row in csv.DictReader(file)
        ]


def test_every_line_and_the_total_are_those_of_the_invoice(april):
    lines = rows(
        april,
        "select line_code, quantity, amount, status, is_correction from billing_lines order by line_order",
    )
    assert [line[:3] for line in lines] == invoice()[:-1]
    assert {line[3:] for line in lines} == {("final", False)}
    assert rows(april, "select amount_to_date, amount_forecast, status from billing_periods") == [
        (Decimal("4486.36"), Decimal("4486.36"), "final")
    ]
    compared = rows(
        april,
        "select metric, quantity, amount, invoice_quantity_difference, invoice_amount_difference"
        " from billing_reconciliation where invoice_amount is not null",
    )
    assert sorted(row[:3] for row in compared) == sorted(invoice())
    assert {row[3] for row in compared} == {0, None}
    assert {row[4] for row in compared} == {0}


def test_a_restated_day_is_a_correction_and_a_wrong_invoice_line_shows_by_how_much(april, tmp_path):
    before = rows(april, "select * from billing_lines order by line_order")
    # One of the 37 hours had 5 workers after all: now 36 hours had more, which are free.
    april.land(
        "2026-04-29",
        runs=((8, "01HNH000000000000000000029", STACK, "QUEUED", POOL, "pool"),),
        workers=workers_of(29, burst_hours={29: 12}),
    )
    wrong = tmp_path / "invoices.csv"
    wrong.write_text(
        INVOICE.read_text().replace("seats,4,120.00", "seats,5,150.00")
        + "acme-2026,2026-04-01,tax,,852.41,USD,INV-0417\nacme-2026,2026-04-01,credit,,-50,USD,INV-0417\n"
    )
    with connect(april.url) as connection:
        land_invoices(connection, wrong)
    april.build(*MODELS)

    assert rows(april, "select * from billing_lines where not is_correction order by line_order") == before
    assert rows(
        april,
        "select line_code, quantity, unit_price, amount, status from billing_lines where is_correction",
    ) == [("worker_overage", -4, 400, Decimal(-1600), "final")]
    assert rows(
        april, 'select "BilledCost" from focus_cost_and_usage where "ChargeClass" = \'Correction\''
    ) == [(Decimal(-1600),)]
    # The invoice was sent before: a correction has no number.
    assert rows(
        april, 'select "InvoiceId", sum("BilledCost") from focus_cost_and_usage group by 1 order by 2'
    ) == [(None, -1600), ("INV-0417", Decimal("4486.36") + Decimal("852.41") - 50)]
    for relation in ("focus_cost_and_usage", "focus_cost_and_usage_allocated"):
        assert rows(
            april,
            'select "ChargeCategory", "BilledCost", "InvoiceId", "PricingQuantity", "SkuId"'
            f" from {relation} where \"ChargeCategory\" in ('Tax', 'Credit') order by 2",
        ) == [
            ("Credit", -50, "INV-0417", None, None),
            ("Tax", Decimal("852.41"), "INV-0417", None, None),
        ]
    assert april.failed_tests("--select", "focus_cost_and_usage", "focus_cost_and_usage_allocated") == set()
    assert rows(april, "select amount_to_date from billing_periods") == [(Decimal("2886.36"),)]
    assert rows(
        april,
        "select metric, invoice_quantity_difference, invoice_amount_difference from billing_reconciliation"
        " where invoice_amount_difference <> 0 order by metric",
    ) == [("seats", -1, -30), ("total", None, -1600), ("worker_overage", -4, -1600)]


def test_a_full_refresh_keeps_the_final_lines_too(april):
    query = (
        "select line_code, quantity, amount from billing_lines where not is_correction order by line_order"
    )
    april.build(*MODELS, "--full-refresh")
    assert rows(april, query) == invoice()[:-1]
