"""How the open period is put into words: of burst hours that are used up nothing is still expected."""

import datetime as dt
from decimal import Decimal

import pytest

from orchestration.billing_words import percentile_name
from orchestration.last_bill import bill_table
from orchestration.summary import burst_line
from tests.unit.test_dashboard_page import FRESHNESS, period, tiles_html

KNOWN_UNTIL = dt.datetime(2024, 2, 20, tzinfo=dt.UTC)
BEFORE, AFTER = KNOWN_UNTIL - dt.timedelta(hours=30), KNOWN_UNTIL + dt.timedelta(hours=30)
OPEN = {
    "is_closed": False,
    "worker_metric": "percentile",
    "worker_percentile": Decimal("90.00"),
    "committed_workers": 12,
    "burst_hours_budget": 36,
    "known_until_at": KNOWN_UNTIL,
    "burst_exhausted_at": None,
    "p95_forecast": 11,
    "p95_high": 14,
}


@pytest.mark.parametrize(
    ("used", "changes", "says", "tile_says"),
    [
        pytest.param(
            17,
            {},
            "19 of 36 hours with more than 12 workers are left before workers above 12 are billed; "
            "at the usual rhythm they last, and P90 ends at 11.",
            "they last</span>17 of 36 used; 20 expected by the end",
            id="they last",
        ),
        pytest.param(
            17,
            {"burst_exhausted_at": AFTER},
            "19 of 36 hours with more than 12 workers are left before workers above 12 are billed; "
            "at the usual rhythm the last is used by 21 Feb 2024 06:00 UTC.",
            "they run out</span>17 of 36 used; at the usual rhythm the last is used by 21 Feb 2024 06:00 UTC",
            id="they run out",
        ),
        pytest.param(
            17,
            {"p95_forecast": None, "burst_hours_forecast": None},
            "19 of 36 hours with more than 12 workers are left before workers above 12 are billed; "
            "how long they last is not known before 72 hours have landed.",
            "17 of 36 used; a forecast needs 72 loaded hours",
            id="too early",
        ),
        pytest.param(
            36,
            {"burst_exhausted_at": BEFORE},
            "all 36 free hours with more than 12 workers are used: one more, and workers above 12 are "
            "billed; the last was used by 18 Feb 2024 18:00 UTC.",
            "used up</span>36 of 36 used; the last was used by 18 Feb 2024 18:00 UTC",
            id="used up",
        ),
        pytest.param(
            39,
            {"burst_exhausted_at": BEFORE},
            "39 hours with more than 12 workers, 3 more than are free: workers above the commitment are "
            "billed; the last was used by 18 Feb 2024 18:00 UTC.",
            "above commitment</span>39 of 36 used; the last was used by 18 Feb 2024 18:00 UTC",
            id="overdrawn",
        ),
        pytest.param(
            0,
            {"burst_hours_budget": 0, "worker_metric": "max"},
            "no hour with more than 12 workers is free; there were 0 so far.",
            "within commitment</span>0 used; the contract allows none",
            id="a contract by the highest hour",
        ),
        pytest.param(
            2,
            {"burst_hours_budget": 0, "worker_metric": "max"},
            "no hour with more than 12 workers is free; there were 2 so far. "
            "Workers above the commitment are billed.",
            "above commitment</span>2 used; the contract allows none",
            id="a contract by the highest hour, exceeded",
        ),
    ],
)
def test_the_open_period(used: int, changes: dict[str, object], says: str, tile_says: str) -> None:
    bill = {"burst_hours_forecast": Decimal(20), **OPEN, **changes, "burst_hours_used": used}
    bill["burst_hours_left"] = bill["burst_hours_budget"] - used
    assert burst_line(bill, name="February 2024") == f"February 2024: {says}"
    assert tile_says in tiles_html([period(**bill)], freshness=FRESHNESS)


@pytest.mark.parametrize(
    ("used", "exhausted_at", "says"),
    [
        pytest.param(17, None, "they lasted</span>17 of 36 used</p>", id="left over"),
        pytest.param(
            36, BEFORE, "used up</span>36 of 36 used; the last was used by 18 Feb 2024", id="used up"
        ),
        pytest.param(
            30,
            BEFORE,
            "they may have run out</span>30 of 36 used; with the unknown hours at the usual rhythm the last "
            "was used by",
            id="hours are unknown",
        ),
    ],
)
def test_a_period_that_is_over_expects_nothing(
    used: int, exhausted_at: dt.datetime | None, says: str
) -> None:
    closed = {**OPEN, "is_closed": True, "burst_exhausted_at": exhausted_at}
    bill = {**closed, "burst_hours_used": used, "burst_hours_left": 36 - used}
    assert says in tiles_html([period(**bill)], freshness=FRESHNESS)
    assert burst_line(bill, name="February 2024") is None


def test_before_anything_landed_burst_hours_are_unknown_and_without_a_commitment_there_are_none() -> None:
    tiles = tiles_html([period(committed_workers=12, burst_hours_budget=36)], freshness=FRESHNESS)
    assert '<p class="figure">unknown</p><p class="note">No worker count of this period' in tiles
    assert "The contract commits no workers" in tiles_html([period()], freshness=FRESHNESS)


def test_a_percentile_is_named_as_the_contract_has_it() -> None:
    names = [
        percentile_name(worker_metric=metric, worker_percentile=Decimal(percentile))
        for metric, percentile in (("percentile", "99.50"), ("percentile", "90.00"), ("max", "100.00"))
    ]
    assert names == ["P99.5", "P90", "Maximum"]


def test_an_amount_that_is_not_known_says_so() -> None:
    line = dict.fromkeys(("quantity", "unit", "unit_price", "amount", "invoice_amount", "difference"))
    rows = [
        {**line, "line_code": "seats", "is_correction": False, "is_ours": True},
        {**line, "line_code": "tax", "is_correction": False, "is_ours": False},
    ]
    assert list(bill_table(rows).columns[3].cells) == ["unknown", ""]
