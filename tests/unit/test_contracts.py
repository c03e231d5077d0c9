"""Contract and invoice files: read whole and exactly, or every problem named with its line and column."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.contracts.contracts_file import Contract, read_contracts
from orchestration.contracts.errors import ContractsError
from orchestration.contracts.invoices_file import InvoicedMetric, read_invoices
from tests.contracts_csv import CONTRACTS_HEADER as HEADER

GOOD = {
    "contract_id": "acme-2026",
    "account": "acme.app.spacelift.io",
    "valid_from": "2026-01-01",
    "currency": "USD",
    "worker_metric": "percentile",
    "worker_percentile": "95",
}


def row(**cells: str) -> str:
    return ",".join((GOOD | cells).get(column, "") for column in HEADER.split(","))


@pytest.fixture
def problems_of(tmp_path: Path) -> Callable[..., list[str]]:
    """What is wrong with a contracts file, without its folder; nothing when it is good."""

    def problems_of(content: str | bytes) -> list[str]:
        path = tmp_path / "contracts.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            read_contracts(path)
        except ContractsError as error:
            return [problem.removeprefix(f"{tmp_path}/") for problem in error.problems]
        return []

    return problems_of


def test_a_row_is_read_exactly(tmp_path):
    path = tmp_path / "contracts.csv"
    cells = {
        "valid_to": "2027-01-01",
        "anchor_day": "31",
        "timezone": "Europe/Warsaw",
        "worker_percentile": "97.50",
        "committed_workers": "12",
        "worker_unit_price": "1234567.10",
        "public_minutes_overage_unit_price": " 0.000125 ",
        "base_fee": "0",
        "paid_via": "marketplace",
    }
    path.write_text(f"{HEADER}\n\n{row(**cells)}\n")
    nothing = dict.fromkeys(HEADER.split(","))
    values = nothing | GOOD | cells
    assert read_contracts(path) == [
        Contract(
            **values
            | {
                "valid_from": dt.date(2026, 1, 1),
                "valid_to": dt.date(2027, 1, 1),
                "anchor_day": 31,
                "worker_percentile": Decimal("97.5"),
                "committed_workers": 12,
                "worker_unit_price": Decimal("1234567.10"),
                "public_minutes_overage_unit_price": Decimal("0.000125"),
                "base_fee": Decimal(0),
            },
            line_number=3,
        )
    ]


def test_empty_cells_take_the_documented_defaults(tmp_path):
    path = tmp_path / "contracts.csv"
    path.write_text(f"{HEADER}\n{row(worker_metric='', worker_percentile='')}\n")
    [contract] = read_contracts(path)
    assert (contract.anchor_day, contract.timezone) == (1, "UTC")
    assert (contract.worker_metric, contract.paid_via) == ("none", "direct")
    assert contract.valid_to is None
    assert contract.base_fee is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADER}\n", id="a header alone"),
        pytest.param(f"\ufeff{HEADER}\r\n{row()}\r\n{',' * 22}\r\n", id="as Excel saves CSV UTF-8"),
        pytest.param(
            f"{HEADER}\n{row(valid_to='2026-02-01')}\n{row(valid_from='2026-02-01', contract_id='b')}\n",
            id="one contract ends on the day the next begins",
        ),
        pytest.param(f"{HEADER}\n{row()}\n{row(contract_id='b', account='b')}\n", id="two accounts"),
    ],
)
def test_a_good_file_has_no_problems(problems_of, content):
    assert problems_of(content) == []


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"currency": "USX"}, "currency: 'USX': must be an ISO 4217 currency code in capitals"),
        ({"currency": "usd"}, "currency: 'usd': must be an ISO 4217"),
        ({"currency": ""}, "currency: '': must be an ISO 4217"),
        ({"contract_id": ""}, "contract_id: '': must not be empty"),
        ({"contract_id": "none"}, "contract_id: 'none': stands for no contract"),
        ({"account": "a\x00b"}, "account: 'a\\x00b': must be printable"),
        ({"valid_from": ""}, "valid_from: '': must be a day"),
        ({"valid_from": "01/31/2026"}, "valid_from: '01/31/2026': must be a day"),
        ({"valid_from": "20260131"}, "valid_from: '20260131': must be a day"),
        ({"valid_from": "2026-02-29"}, "valid_from: '2026-02-29': must be a day"),
        ({"valid_from": "0206-01-01"}, "valid_from: '0206-01-01': must be a day from 2000-01-01 on"),
        ({"valid_to": "2026-01-01"}, "valid_to: '2026-01-01': is the first day no longer valid"),
        ({"valid_to": "2025-01-01"}, "valid_to: '2025-01-01': is the first day no longer valid"),
        ({"anchor_day": "0"}, "anchor_day: '0': must be a whole number from 1 to 31"),
        ({"anchor_day": "32"}, "anchor_day: '32': must be a whole number from 1 to 31"),
        ({"anchor_day": "1.0"}, "anchor_day: '1.0': must be a whole number from 1 to 31"),
        ({"timezone": "Warsaw"}, "timezone: 'Warsaw': must be an IANA time zone"),
        ({"timezone": "../UTC"}, "timezone: '../UTC': must be an IANA time zone"),
        ({"worker_metric": "p95"}, "worker_metric: 'p95': must be one of percentile, max, none"),
        ({"worker_metric": ""}, "worker_metric: '': must be percentile, max or none"),
        ({"worker_percentile": ""}, "worker_percentile: '': must be given with worker_metric percentile"),
        ({"worker_percentile": "0"}, "worker_percentile: '0': must be above 0 and at most 100"),
        ({"worker_percentile": "100.01"}, "worker_percentile: '100.01': must be above 0 and at most 100"),
        ({"worker_percentile": "95.125"}, "worker_percentile: '95.125': must be above 0 and at most 100"),
        ({"worker_percentile": "P95"}, "worker_percentile: 'P95': must be a number"),
        (
            {"worker_unit_price": "250", "worker_overage_unit_price": "400"},
            "committed_workers: '': must be given with worker_unit_price and worker_overage_unit_price",
        ),
        (
            {"worker_metric": "max", "worker_overage_unit_price": "0"},
            "committed_workers: '': must be given with worker_overage_unit_price: write 0",
        ),
        ({"committed_workers": "12.5"}, "committed_workers: '12.5': must be a whole number from 0"),
        ({"committed_workers": "twelve"}, "committed_workers: 'twelve': must be a whole number"),
        ({"worker_unit_price": "-1"}, "worker_unit_price: '-1': must be 0 or more"),
        ({"worker_unit_price": "$10"}, "worker_unit_price: '$10': must be a number such as 12.50"),
        ({"worker_unit_price": "1e3"}, "worker_unit_price: '1e3': must be a number"),
        ({"worker_unit_price": "NaN"}, "worker_unit_price: 'NaN': must be a number"),
        ({"worker_unit_price": "٣"}, "worker_unit_price: '٣': must be a number"),
        ({"worker_unit_price": '"12,50"'}, "worker_unit_price: '12,50': must be a number"),
        (
            {"base_fee": "0.0000001"},
            "base_fee: '0.0000001': must have at most 12 digits before the point, 6 after",
        ),
        ({"base_fee": "1" * 13}, "base_fee: '1111111111111': must have at most 12 digits before the point"),
        ({"paid_via": "card"}, "paid_via: 'card': must be one of direct, marketplace"),
    ],
    ids=lambda value: (
        " ".join(f"{name}={cell}" for name, cell in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_a_wrong_cell_is_told_with_line_column_value_and_what_is_allowed(problems_of, cells, problem):
    told = problems_of(f"{HEADER}\n{row(contract_id='good', account='good')}\n{row(**cells)}\n")
    assert len(told) == 1, told
    assert told[0].startswith(f"contracts.csv, line 3, column {problem}")
    assert "\n" not in told[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("", "line 1: the file is empty", id="empty"),
        pytest.param(" \n\n", "line 1: the file is empty", id="blank lines"),
        pytest.param(
            HEADER.replace(",", ";"), "line 1: the columns are separated by semicolons", id="semicolons"
        ),
        pytest.param(HEADER.encode("utf-16"), "line 1: ", id="UTF-16"),
        pytest.param(
            f"{HEADER}\n".encode() + b"Caf\xe9,a\n",
            "line 2: 'Caf\\\\xe9,a': is not UTF-8: save the file as CSV UTF-8",
            id="Latin-1",
        ),
        pytest.param(HEADER + ",notes", "line 1: 'notes': is not a column of this file", id="unknown column"),
        pytest.param(
            HEADER.removesuffix(",paid_via"),
            "line 1, column paid_via: is missing in the header",
            id="missing column",
        ),
        pytest.param(
            HEADER.removesuffix(",base_fee,paid_via"),
            "line 1, column base_fee, paid_via: are missing in the header",
            id="missing columns",
        ),
        pytest.param(
            HEADER + ",currency", "line 1, column currency: stands 2 times in the header", id="column twice"
        ),
        pytest.param(
            f"{HEADER}\n{row()},\n", "line 2: has 24 cells, the header has 23", id="a cell too many"
        ),
        pytest.param(
            f"{HEADER}\n{row(account=chr(34) + 'a')}\n", "line 2: the quotes do not", id="open quote"
        ),
        pytest.param(
            f"{HEADER}\n{row()}\n{row(account='b')}\n",
            "line 3, column contract_id: 'acme-2026': line 2 has the same contract_id and valid_from",
            id="duplicate",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(problems_of, content, problem):
    told = problems_of(content)
    assert len(told) == 1, told
    assert told[0].startswith(f"contracts.csv, {problem}")


def test_overlapping_validity_names_both_lines(problems_of):
    told = problems_of(
        f"{HEADER}\n{row(contract_id='later', valid_from='2026-06-30')}\n"
        f"{row(contract_id='short', valid_from='2026-03-01', valid_to='2026-04-01')}\n"
        f"{row(valid_to='2026-07-01')}\n"
    )
    assert [problem.partition(": account")[0] for problem in told] == [
        "contracts.csv, line 2, column valid_from: '2026-06-30'",
        "contracts.csv, line 3, column valid_from: '2026-03-01'",
    ]
    for problem in told:
        assert problem.endswith("line 4, 2026-01-01 to 2026-07-01 (exclusive)")


def test_an_open_end_overlaps_everything_after_it(problems_of):
    [told] = problems_of(f"{HEADER}\n{row()}\n{row(contract_id='b', valid_from='2030-01-01')}\n")
    assert told.startswith("contracts.csv, line 3, column valid_from: '2030-01-01': account acme.app.")
    assert told.endswith("line 2, 2026-01-01 to no end (exclusive)")


def test_all_problems_of_a_file_are_told_in_the_order_of_its_lines(problems_of):
    told = problems_of(
        f"{HEADER}\n{row(currency='USX', anchor_day='40', contract_id='a')}\n{row()}\nx\n{row()}\n"
    )
    assert [problem.split(":")[0].removeprefix("contracts.csv, ") for problem in told] == [
        "line 2, column currency",
        "line 2, column anchor_day",
        "line 3, column valid_from",
        "line 4",
        "line 5, column contract_id",
    ]


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(ContractsError, match=r"none\.csv: cannot be read: No such file"):
        read_contracts(tmp_path / "none.csv")


INVOICES = "contract_id,period_start,metric,quantity,amount,currency,invoice_number\n"


def test_an_invoice_is_read_exactly(tmp_path):
    path = tmp_path / "invoices.csv"
    path.write_text(f"{INVOICES}acme,2026-08-01,credit,,-10.50,USD,\n")
    assert read_invoices(path) == [
        InvoicedMetric("acme", dt.date(2026, 8, 1), "credit", None, Decimal("-10.50"), "USD", None, 2)
    ]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        pytest.param("acme,2026-08-01,seats,,,,\n", "line 2: neither quantity nor amount", id="nothing"),
        pytest.param("acme,2026-08-01,seats,,5,,\n", "line 2, column currency: ''", id="no currency"),
        pytest.param("acme,August,seats,5,,,\n", "line 2, column period_start: 'August'", id="no day"),
        pytest.param(
            "acme,2026-08-01,seats,5,,,1\n" * 2, "line 3, column metric: 'seats': line 2 has", id="twice"
        ),
        pytest.param(
            "acme,2026-08-01,workers,5,,,\n",
            "line 2, column metric: 'workers': must be one of base_fee, committed_workers, worker_overage,",
            id="a metric that nothing is compared with",
        ),
    ],
)
def test_a_wrong_invoice_row_is_told(tmp_path, rows, problem):
    path = tmp_path / "invoices.csv"
    path.write_text(INVOICES + rows)
    with pytest.raises(ContractsError) as raised:
        read_invoices(path)
    assert len(raised.value.problems) == 1
    assert f"invoices.csv, {problem}" in raised.value.problems[0]
