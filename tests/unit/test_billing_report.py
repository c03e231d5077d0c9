"""What the billing marts tell the UI is drawn in place, however large the figures are."""

import base64
from decimal import Decimal
from xml.etree import ElementTree

from orchestration.assets.billing_report import IN_PLACE_BELOW_CHARACTERS, bills_table, cost_picture

LARGE = {
    "starts": "2026-09-01",
    "currency": "USD",
    "status": "estimated",
    "amount_to_date": Decimal("123456789012.345678"),
    "amount_forecast": Decimal("123456789012.345678"),
    "committed_workers": 123456,
    "p95_to_date": 123456,
    "worker_metric": "percentile",
    "worker_percentile": Decimal("95.00"),
    "overage_workers": 123456,
}
UNKNOWN = {**LARGE, **dict.fromkeys(set(LARGE) - {"starts", "status"})}


def svg_of(markdown: str) -> ElementTree.Element:
    return ElementTree.fromstring(base64.b64decode(markdown.partition("base64,")[2].rstrip(")")))  # noqa: S314


def test_six_bills_are_shown_in_place_the_latest_first_and_what_is_unknown_stays_empty():
    table = bills_table([LARGE, *[UNKNOWN] * 5])
    assert len(table) < IN_PLACE_BELOW_CHARACTERS
    assert table.splitlines()[2:4] == [
        "| 2026-09-01 | P95 123456 | 123456 | 123456"
        " | 123,456,789,012.35 USD | 123,456,789,012.35 | estimated |",
        "| 2026-09-01 |  |  |  |  |  | estimated |",
    ]
    assert len(bills_table([LARGE] * 6).splitlines()) == 8
    assert len(bills_table([LARGE] * 60)) < IN_PLACE_BELOW_CHARACTERS


def test_the_picture_of_six_periods_is_drawn_in_place_and_in_scale():
    markdown = cost_picture([(Decimal(10), Decimal(0))] * 5 + [(Decimal(20), Decimal(5))])
    assert len(markdown) < IN_PLACE_BELOW_CHARACTERS
    within, above = (path.attrib["d"].split("z") for path in svg_of(markdown))
    assert within[0] == "M0 60V30h24V60"
    assert (within[5], above[5]) == ("M160 60V15h24V60", "M160 15V0h24V15")


def test_a_period_without_cost_or_with_a_credit_has_no_bar():
    within, above = svg_of(cost_picture([(Decimal(0), Decimal(0)), (Decimal(-3), Decimal(0))]))
    assert within.attrib["d"] == "M0 60V60h24V60zM32 60V60h24V60z"
    assert above.attrib["d"] == "M0 60V60h24V60zM32 60V60h24V60z"
