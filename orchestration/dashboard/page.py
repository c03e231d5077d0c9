"""The page: texts, charts and rows put together into one HTML file.

Here: which chart stands where and what is said about it. Not here: the figures (…_data.py, tiles.py), what
the page looks like and does (page.html, page.css, page.js).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from orchestration.dashboard.billing_charts import bills_chart, pool_costs_chart, stack_costs_chart
from orchestration.dashboard.billing_data import bills_shown
from orchestration.dashboard.frames import Frame, compact_json
from orchestration.dashboard.periods import ALL_POOLS, Period, Pool
from orchestration.dashboard.tiles import Freshness, bills_table_html, tiles_html
from orchestration.dashboard.usage_charts import (
    coverage_chart,
    minutes_chart,
    queue_chart,
    workers_chart,
)

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Card:
    """A chart's place on the page. In texts {period}, its {currency} and {pool} become what was chosen."""

    chart: str
    title: str
    text: str
    is_wide: bool = False
    # Without rows in this frame there is nothing to draw: the page says so in these words.
    needs: str = ""
    otherwise: str = ""


CARDS = (
    Card(
        "workers",
        "Workers per hour, {pool}",
        "Workers connected in each UTC hour of {period}. Orange: above the commitment, which is for all "
        "pools. Striped: not known, which is not zero.",
        is_wide=True,
    ),
    Card(
        "active_minutes",
        "Minutes on a worker per UTC day, by run state",
        "Private workers of all pools, {period}. A day without runs is a measured 0.",
    ),
    Card(
        "waiting_minutes",
        "Minutes waiting per UTC day, by run state",
        "Runs that wait for a worker (READY, CONFIRMED), a lock (QUEUED) or a person: no worker is busy "
        "with them. Private workers, {period}.",
    ),
    Card(
        "bills",
        "The last 12 bills, by line, {currencies}",
        "Dashed: still expected of the open period. Line: between the low and the high end of its forecast.",
        is_wide=True,
        needs="bills",
        otherwise="No contract, so there are no bills: prices go into contracts.csv.",
    ),
    Card(
        "pool_costs",
        "Cost by worker pool, used and idle, {currency}",
        "What {period} costs to date; together it is the bill, to the cent. Idle: workers that were "
        "connected without a run.",
        needs="pool_costs",
        otherwise="No contract covers {period}, so there are no amounts.",
    ),
    Card(
        "stack_costs",
        "Cost by stack, {pool}, {currency}",
        "The 15 stacks that cost most in {period}, idle workers left out, and all others.",
        needs="stack_costs",
        otherwise="No amounts: no contract covers {period}, or no stack ran on {pool}.",
    ),
    Card(
        "queue",
        "Runs waiting for a worker, by hour of the week, {pool}",
        "Mean number of runs in READY or CONFIRMED over the hours of {period}. "
        "Striped: no such hour is known.",
    ),
    Card(
        "coverage",
        "Data coverage by UTC day",
        "Which of the two daily files has landed. A day that is missing is unknown in every figure, "
        "never zero.",
    ),
)


def _charts(minutes: Frame) -> dict[str, dict[str, Any]]:
    classes = [(row[0], row[1]) for row in minutes.rows]
    return {
        "workers": workers_chart(),
        "active_minutes": minutes_chart([state for state_class, state in classes if state_class == "active"]),
        "waiting_minutes": minutes_chart(
            [state for state_class, state in classes if state_class != "active"]
        ),
        "bills": bills_chart(),
        "pool_costs": pool_costs_chart(),
        "stack_costs": stack_costs_chart(),
        "queue": queue_chart(),
        "coverage": coverage_chart(),
    }


def page_html(
    *,
    freshness: Freshness,
    periods: Sequence[Period],
    pools: Sequence[Pool],
    frames: Mapping[str, Frame],
    vega: str,
) -> str:
    """The whole file. `vega` is the JavaScript that draws; there is at least one period."""
    content = {
        "periods": [
            {
                "number": period.number,
                "label": period.label,
                "currency": period.currency,
                "start": period.start_at,
                "end": period.end_at,
            }
            for period in periods
        ],
        "currencies": _currencies(periods),
        "charts": _charts(frames["minutes"]),
        "needs": {card.chart: card.needs for card in CARDS if card.needs},
        "frames": {name: frame.as_json_object() for name, frame in frames.items()},
    }
    return Template(_read("page.html")).substitute(
        account=escape(freshness.account),
        first_day=freshness.first_day.isoformat(),
        loaded_through=freshness.loaded_through.isoformat(),
        built_at=f"{freshness.built_at:%Y-%m-%d %H:%M}",
        css=_read("page.css"),
        period_options=_options(reversed([(period.number, period.label) for period in periods])),
        pool_options=_options([(ALL_POOLS, "All pools"), *((pool.number, pool.name) for pool in pools)]),
        tiles=tiles_html(periods, freshness=freshness),
        cards="\n".join(_card_html(card, periods=periods) for card in CARDS),
        content=compact_json(content),
        # The file ends the element where its text does, so no script may hold the closing tag.
        vega=vega.replace("</script", "<\\/script"),
        js=_read("page.js"),
    )


def _card_html(card: Card, *, periods: Sequence[Period]) -> str:
    wide = " wide" if card.is_wide else ""
    otherwise = f'<p class="otherwise" hidden data-text="{escape(card.otherwise)}"></p>' if card.needs else ""
    table = bills_table_html(periods) if card.chart == "bills" else ""
    title, text = escape(card.title), escape(card.text)
    return (
        f'<figure class="card{wide}" id="{card.chart}">'
        f'<figcaption><h2 data-text="{title}"></h2><p data-text="{text}"></p></figcaption>'
        f'<div class="chart"></div>{otherwise}{f"<div class=scroll>{table}</div>" if table else ""}</figure>'
    )


def _currencies(periods: Sequence[Period]) -> str:
    currencies = sorted({period.currency for period in bills_shown(periods) if period.currency})
    return " and ".join(currencies) or "no contract"


def _options(choices: Any) -> str:
    return "".join(f'<option value="{number}">{escape(label)}</option>' for number, label in choices)


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
