"""Hand-kept files into their raw tables: replaced whole, or left as they were."""

import datetime as dt
from decimal import Decimal

import psycopg
import pytest

from orchestration.contracts.errors import ContractsError
from orchestration.contracts.raw_contracts import land_contracts, land_invoices
from orchestration.warehouse.connection import connect
from tests.contracts_csv import CONTRACTS_HEADER

HEADER = f"{CONTRACTS_HEADER}\n"

FIRST = (
    "acme-2025,acme,2025-01-01,2026-01-01,EUR,31,Europe/Warsaw,percentile,95,12,600,0.10,,,,400,0,0.02,20,22,"
    "15,0,direct\n"
)
SECOND = "acme-2026,acme,2026-01-01,,USD,,,max,,5,1,,,,,,,,,,,,marketplace\n"
WRONG = SECOND.replace("USD", "USX")


@pytest.fixture
def contracts_in_database(database_url):
    """What another connection sees, so only what is committed."""

    def rows() -> list[tuple]:
        with connect(database_url) as other:
            return other.execute("select * from raw.contracts order by valid_from").fetchall()

    return rows


def test_every_term_arrives_exactly(connection, tmp_path, contracts_in_database):
    path = tmp_path / "contracts.csv"
    path.write_text(HEADER + FIRST)
    land_contracts(connection, path)
    prices = [
        Decimal("600"),
        Decimal("0.10"),
        None,
        None,
        None,
        Decimal("400"),
        Decimal("0"),
        Decimal("0.02"),
    ]
    assert contracts_in_database() == [
        (
            *("acme-2025", "acme", dt.date(2025, 1, 1), dt.date(2026, 1, 1), "EUR", 31, "Europe/Warsaw"),
            *("percentile", Decimal("95.00"), 12, *prices, 20, 22, Decimal("15"), Decimal("0"), "direct", 2),
        )
    ]


def test_a_wrong_file_leaves_the_contracts_as_they_were_and_the_corrected_one_replaces_them(
    connection, tmp_path, contracts_in_database
):
    path = tmp_path / "contracts.csv"
    path.write_text(HEADER + FIRST)
    land_contracts(connection, path)

    path.write_text(HEADER + WRONG)
    with pytest.raises(ContractsError, match="line 2, column currency: 'USX'"):
        land_contracts(connection, path)
    assert [contract[0] for contract in contracts_in_database()] == ["acme-2025"]

    path.write_text(HEADER + SECOND)
    land_contracts(connection, path)
    assert [contract[0] for contract in contracts_in_database()] == ["acme-2026"]


def test_without_a_file_there_are_no_contracts(connection, tmp_path, contracts_in_database):
    path = tmp_path / "contracts.csv"
    path.write_text(HEADER + FIRST + SECOND)
    assert [contract.line_number for contract in land_contracts(connection, path)] == [2, 3]
    assert land_contracts(connection, None) == []
    assert contracts_in_database() == []


def test_a_time_zone_that_only_python_knows_is_refused_with_its_line(
    connection, tmp_path, contracts_in_database, monkeypatch
):
    monkeypatch.setattr(
        "orchestration.contracts.cells._time_zones", lambda: {"Europe/Warsaw", "Mars/Olympus"}
    )
    path = tmp_path / "contracts.csv"
    path.write_text(HEADER + FIRST)
    land_contracts(connection, path)
    path.write_text(HEADER + FIRST.replace("Europe/Warsaw", "Mars/Olympus"))
    with pytest.raises(ContractsError, match=r"line 2, column timezone: 'Mars/Olympus': this PostgreSQL"):
        land_contracts(connection, path)
    assert [contract[6] for contract in contracts_in_database()] == ["Europe/Warsaw"]


def test_invoices_are_replaced_whole(connection: psycopg.Connection, tmp_path):
    path = tmp_path / "invoices.csv"
    header = "contract_id,period_start,metric,quantity,amount,currency,invoice_number\n"
    path.write_text(f"{header}acme,2026-07-01,total,,1.10,USD,A-7\nacme,2026-08-01,total,,2.20,USD,A-8\n")
    land_invoices(connection, path)
    path.write_text(f"{header}acme,2026-08-01,total,3,-2.25,USD,\n")
    land_invoices(connection, path)
    assert connection.execute("select * from raw.invoices").fetchall() == [
        ("acme", dt.date(2026, 8, 1), "total", Decimal("3"), Decimal("-2.25"), "USD", None, 2)
    ]
