"""April 2026 of a hand-made account, after its end: when its lines are kept, and what becomes of them.

base fee                    1 x 1000.00 = 1000.00
public minutes included   100 x    0    =    0.00
public minutes above, 200 of 5 days with 60 minutes: the price is not agreed when the month ends
seats above 10, of 14       4 x   30.00 =  120.00
"""

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.contracts.contracts_file import Contract
from orchestration.contracts.raw_contracts import land_contracts
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import claim_account
from tests.database.warehouse_by_hand import Warehouse

STACK = "01HMSGMXD00000000000000001"
CONTRACT = {
    **{"contract_id": "acme-2026", "account": "acme", "valid_from": "2026-01-01", "currency": "USD"},
    **{"public_minutes_included": "100", "public_minutes_unit_price": "0"},
    **{"seats_included": "10", "seats_used": "14", "seat_unit_price": "30.00", "base_fee": "1000.00"},
}
PRICED = {**CONTRACT, "public_minutes_overage_unit_price": "0.05"}
COLUMNS = [field.name for field in dataclasses.fields(Contract) if field.name != "line_number"]
MARTS = (
    *("billing_lines", "billing_periods", "billing_worker_commitment", "billing_cost_allocation"),
    *("billing_run_costs", "focus_cost_and_usage", "focus_cost_and_usage_allocated"),
)
LINES = "select line_code, quantity, amount from billing_lines where not is_correction order by line_order"


class Account(Warehouse):
    """The account's warehouse, with contracts as the rows of a file."""

    contracts: Path

    def agree(self, *contracts: dict[str, str]) -> None:
        with self.contracts.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(contracts)
        with connect(self.url) as connection:
            land_contracts(connection, self.contracts)
        self.build("--select", *(f"+{mart}" for mart in MARTS))

    def run_for(self, day: int, minutes: str) -> None:
        run = f"01HNH0000000000000000000{day:02}"
        self.land(f"2026-04-{day:02}", runs=((8, run, STACK, "PLANNING", "", ""),), minutes=minutes)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.url) as connection:
            connection.execute("set search_path to marts, intermediate")
            return connection.execute(query.encode()).fetchall()

    def statuses(self) -> set[str]:
        """Of the period, as all marts tell it."""
        return {
            status
            for (status,) in self.rows(
                "select status from billing_lines union select status from billing_periods"
                " union select status from billing_worker_commitment"
                ' union select "x_Status" from focus_cost_and_usage'
                ' union select "x_Status" from focus_cost_and_usage_allocated'
            )
        }

    def broken_rules(self) -> set[str]:
        """Data tests of the marts that do not hold."""
        return self.failed_tests("--select", *MARTS)


@pytest.fixture(scope="module")
def account(
    module_database_url: str, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """The month landed and built under the contract without the price."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        account = Account(module_database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)
        account.contracts = tmp_path_factory.mktemp("contracts") / "contracts.csv"
        for day in range(1, 31):
            if day % 6:
                account.land(f"2026-04-{day:02}")
            else:
                account.run_for(day, "60")
        with connect(account.url) as connection:
            claim_account(connection, "acme")
        account.agree(CONTRACT)
        yield account


def test_a_month_with_a_price_that_is_not_agreed_stays_estimated_and_follows_its_days(account):
    assert account.statuses() == {"estimated"}
    account.run_for(30, "200")
    account.agree(CONTRACT)
    assert account.rows(LINES)[2] == ("public_minutes_overage", 340, None)
    assert account.statuses() == {"estimated"}
    assert account.broken_rules() == set()


def test_what_a_price_is_missing_for_is_not_known_wherever_it_is_part_of_a_sum(account):
    assert account.rows("select amount_to_date, overage_amount_to_date from billing_periods") == [
        (None, None)
    ]
    assert account.rows("select allocation, amount from billing_cost_allocation order by allocation") == [
        ("shared", 1120),
        ("stack", None),
    ]
    assert account.rows("select distinct estimated_amount from billing_run_costs") == [(None,)]


def test_the_price_once_agreed_makes_the_bill_final(account):
    account.agree(PRICED)
    assert account.rows(LINES) == [
        ("base_fee", 1, 1000),
        ("public_minutes", 100, 0),
        ("public_minutes_overage", 340, 17),
        ("seats", 4, 120),
    ]
    assert account.rows("select allocation, amount from billing_cost_allocation order by allocation") == [
        ("shared", 1120),
        ("stack", 17),
    ]
    assert account.rows("select round(sum(estimated_amount), 2) from billing_run_costs") == [(17,)]
    assert account.statuses() == {"final"}
    assert account.broken_rules() == set()


def test_a_figure_that_is_not_known_any_more_takes_nothing_back(account):
    before = account.rows(LINES)
    account.agree({**PRICED, "seats_used": ""})
    assert account.rows(LINES) == before
    assert account.rows("select * from billing_lines where is_correction") == []
    assert account.rows("select amount_to_date from billing_periods") == [(1137,)]


def test_another_currency_for_a_finished_month_is_refused_by_name_and_nets_nothing(account):
    account.agree({**PRICED, "currency": "EUR", "base_fee": "900.00"})
    assert account.failed_tests("--select", "int_billing_lines_frozen") == {
        "assert_frozen_periods_keep_their_currency"
    }
    assert account.rows("select distinct currency, is_correction from billing_lines") == [("USD", False)]
    assert account.rows("select currency, amount_to_date from billing_periods") == [("USD", 1137)]
    assert account.rows("select distinct currency from billing_cost_allocation") == [("USD",)]
    assert account.rows('select distinct "BillingCurrency" from focus_cost_and_usage') == [("USD",)]


def test_a_contract_that_is_cut_within_a_finished_month_is_corrected_and_breaks_no_rule(account):
    account.agree({**PRICED, "valid_to": "2026-04-16"})
    assert account.broken_rules() == set()
    assert account.rows(LINES)[0] == ("base_fee", 1, 1000)
    assert account.rows(
        "select amount from billing_lines where is_correction and line_code = 'base_fee'"
    ) == [(-500,)]
    assert account.rows(
        'select distinct "BillingPeriodEnd"::date::text, max("ChargePeriodEnd")::date::text'
        " from focus_cost_and_usage group by 1"
    ) == [("2026-05-01", "2026-05-01")]


def test_the_statements_of_the_operations_page_have_a_finished_month_billed_anew(account):
    account.run_for(30, "60")
    account.agree({**PRICED, "base_fee": "1100.00"})
    assert account.rows("select amount from billing_lines where is_correction order by 1") == [(-7,), (100,)]

    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    statements = page.split("## Bill a finished month anew")[1].split("```sql")[1].split("```")[0]
    with connect(account.url) as connection:
        connection.execute(statements.encode())
    account.agree({**PRICED, "base_fee": "1100.00"})
    assert account.rows("select line_code, amount from billing_lines order by line_order") == [
        ("base_fee", 1100),
        ("public_minutes", 0),
        ("public_minutes_overage", 10),
        ("seats", 120),
    ]
    assert account.rows("select sum(amount) from billing_cost_allocation") == [(1230,)]
    assert account.statuses() == {"final"}
    assert account.broken_rules() == set()
