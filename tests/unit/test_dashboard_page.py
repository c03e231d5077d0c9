"""What the dashboard's page makes of names that people chose, and of figures that are not known."""

import datetime as dt
import re
from decimal import Decimal

from orchestration.dashboard.frames import Frame, compact_json
from orchestration.dashboard.page import page_html
from orchestration.dashboard.periods import Period, Pool
from orchestration.dashboard.tiles import Freshness, tiles_html

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"

FRESHNESS = Freshness(
    account=EVIL,
    first_day=dt.date(2024, 2, 1),
    loaded_through=dt.date(2024, 2, 29),
    days_covered=28,
    days_missing=1,
    days_suspicious=0,
    built_at=dt.datetime(2024, 3, 1, tzinfo=dt.UTC),
)


def period(**changes: object) -> Period:
    of_nothing_known = dict.fromkeys(Period.__dataclass_fields__)
    known = {
        "number": 0,
        "contract_id": "acme",
        "start_at": dt.datetime(2024, 2, 1, tzinfo=dt.UTC),
        "end_at": dt.datetime(2024, 3, 1, tzinfo=dt.UTC),
        "known_until_at": dt.datetime(2024, 2, 29, tzinfo=dt.UTC),
        "first_day": dt.date(2024, 2, 1),
        "last_day": dt.date(2024, 2, 29),
        "is_closed": False,
        "hours_missing": 24,
        "status": "estimated",
        "currency": "USD",
        "worker_metric": "percentile",
        "worker_percentile": Decimal("95.00"),
    }
    return Period(**{**of_nothing_known, **known, **changes})


def figures(html: str) -> dict[str, str]:
    return dict(re.findall(r'data-figure="(\w+)".*?<p class="figure">(.*?)</p>', html))


def test_names_that_people_chose_stay_text():
    html = page_html(
        freshness=FRESHNESS,
        periods=[period(currency=EVIL)],
        pools=[Pool(number=1, key="k", name=EVIL)],
        frames={"minutes": Frame(("state_class", "run_state"), [("active", EVIL)])},
        vega="/* draws */",
    )
    assert "alert(1)" in html
    assert "<img" not in html
    assert html.count("<script") == html.count("</script>") == 3


def test_json_for_the_page_keeps_null_and_exact_whole_numbers():
    assert compact_json([None, Decimal("0.000000"), Decimal("0.25"), dt.date(1970, 1, 2)]) == (
        "[null,0,0.25,86400000]"
    )


def test_what_is_not_known_is_unknown_and_without_a_contract_there_is_no_amount():
    assert figures(tiles_html([period()], freshness=FRESHNESS)) == {
        "p95_workers": "unknown",
        "burst_hours_left": "none",
        "amount_to_date": "unknown",
        "amount_forecast": "unknown",
        "loaded_through": "29 Feb 2024",
    }
    without = figures(tiles_html([period(contract_id="none", currency=None)], freshness=FRESHNESS))
    assert [without[name] for name in ("burst_hours_left", "amount_to_date", "amount_forecast")] == [
        "no contract"
    ] * 3


def test_a_percentile_above_the_commitment_says_so_also_without_colour():
    html = tiles_html(
        [period(committed_workers=12, p95_to_date=14, p95_floor=13, p95_forecast=14, p95_high=16)],
        freshness=FRESHNESS,
    )
    assert "above commitment" in html
    assert 'data-value="14"' in html


def test_a_period_is_named_for_its_month_or_its_days():
    cut = period(first_day=dt.date(2024, 1, 17), last_day=dt.date(2024, 2, 16))
    assert (period().label, cut.label) == ("February 2024", "17 Jan 2024 to 16 Feb 2024")
