"""The headline figures of each period and the table of bills, as HTML.

Here: exact figures, written out; `data-value` holds each for programs. Not here: what is drawn (…_charts.py).
Null is said in words, unknown or no contract, and never shown as 0.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from orchestration.billing_words import burst_end, said
from orchestration.dashboard.billing_data import bills_shown
from orchestration.dashboard.periods import Period

NO_CONTRACT = "no contract"
UNKNOWN = "unknown"
# The marts say nothing about a percentile before it (billing_worker_commitment).
TOO_EARLY = "a forecast needs 72 loaded hours"


@dataclass(frozen=True)
class Freshness:
    """What data_freshness says: through which day the marts are right."""

    account: str
    first_day: dt.date
    loaded_through: dt.date
    days_covered: int
    days_missing: int
    days_suspicious: int
    built_at: dt.datetime


@dataclass(frozen=True)
class Tile:
    """One headline figure. `mood` is ok, warning or bad, and is also said in `verdict`."""

    name: str
    title: str
    text: str
    note: str
    value: str | int | Decimal | None = None
    mood: str = ""
    verdict: str = ""
    used_share: Decimal | None = None
    unit: str = ""

    def as_html(self) -> str:
        """The tile, with its exact value for programs; none without one."""
        value = "" if self.value is None else f' data-value="{escape(_plain(self.value))}"'
        verdict = f'<span class="verdict">{escape(self.verdict)}</span>' if self.verdict else ""
        unit = f"<small>{escape(self.unit)}</small> " if self.unit else ""
        meter = ""
        if self.used_share is not None:
            percent = min(max(self.used_share * 100, Decimal(0)), Decimal(100))
            meter = f'<span class="meter"><span style="width:{percent:.1f}%"></span></span>'
        return (
            f'<div class="tile {self.mood}" data-figure="{self.name}"{value}>'
            f'<h3>{escape(self.title)}</h3><p class="figure">{unit}{escape(self.text)}</p>{meter}'
            f'<p class="note">{verdict}{escape(self.note)}</p></div>'
        )


def tiles_html(periods: Sequence[Period], *, freshness: Freshness) -> str:
    """The tiles of every period; the page shows those of the chosen one, at first of the last."""
    sections = []
    for period in periods:
        tiles = [_workers(period), _burst_hours(period), _cost(period), _forecast(period), _loaded(freshness)]
        hidden = "" if period is periods[-1] else " hidden"
        inner = "".join(tile.as_html() for tile in tiles)
        sections.append(f'<section class="tiles" data-period="{period.number}"{hidden}>{inner}</section>')
    return "\n".join(sections)


def _workers(period: Period) -> Tile:
    title = f"{period.percentile} of all workers" + ("" if period.is_closed else ", to date")
    text = UNKNOWN if period.p95_to_date is None else f"{period.p95_to_date:,}"
    committed, forecast, floor = period.committed_workers, period.p95_forecast, period.p95_floor
    if committed is None:
        note = NO_CONTRACT if not period.has_contract else "no commitment in the contract"
        return Tile("p95_workers", title, text, note, value=period.p95_to_date)
    parts = [f"commitment {committed:,}"]
    if not period.is_closed:
        at_most = TOO_EARLY if forecast is None else f"forecast {forecast:,}, at most {period.p95_high:,}"
        parts.append(at_most)
    mood, verdict = ("", "") if period.p95_to_date is None else ("ok", "within commitment")
    if floor is not None and floor > committed:
        mood, verdict = "bad", "above commitment"
    elif forecast is not None and forecast > committed:
        mood, verdict = "warning", "forecast above commitment"
    return Tile("p95_workers", title, text, ", ".join(parts), period.p95_to_date, mood, verdict)


def _burst_hours(period: Period) -> Tile:
    title = "Burst hours left"
    left, used, budget = period.burst_hours_left, period.burst_hours_used, period.burst_hours_budget
    if not period.has_contract:
        return Tile("burst_hours_left", title, NO_CONTRACT, "Commitments go into contracts.csv")
    if period.committed_workers is None:
        return Tile("burst_hours_left", title, "none", "The contract commits no workers")
    if left is None or used is None or budget is None:
        return Tile("burst_hours_left", title, UNKNOWN, "No worker count of this period has landed")
    share = Decimal(used) / budget if budget else None
    note = f"{used:,} of {budget:,} used" if budget else f"{used:,} used; the contract allows none"
    end = burst_end(left=left, exhausted_at=period.burst_exhausted_at, known_until_at=period.known_until_at)
    if end is not None:
        note += f"; {end}"
    if left < 0:
        mood, verdict = "bad", "above commitment"
    elif not budget:
        mood, verdict = "ok", "within commitment"
    elif left == 0:
        mood, verdict = "warning", "used up"
    elif end is not None:
        mood, verdict = "warning", "they may have run out" if period.is_closed else "they run out"
    elif period.is_closed:
        mood, verdict = "ok", "they lasted"
    elif period.burst_hours_forecast is None:
        mood, verdict, note = "", "", f"{note}; {TOO_EARLY}"
    else:
        mood, verdict = "ok", "they last"
        note += f"; {period.burst_hours_forecast:,.0f} expected by the end"
    return Tile("burst_hours_left", title, f"{_number(left)} h", note, left, mood, verdict, share)


def _cost(period: Period) -> Tile:
    title = f"Cost, {period.status}" if period.is_closed else "Cost to date"
    if not period.has_contract:
        return Tile("amount_to_date", "Cost", NO_CONTRACT, "Prices go into contracts.csv")
    note = f"{_money(period, period.commitment_amount)} of it for committed workers"
    if not period.is_closed:
        note += f", {_money(period, period.overage_amount_to_date)} overage"
    elif period.hours_missing:
        note += f"; {period.hours_missing:,} hours are unknown"
    return _amount_tile("amount_to_date", title, period, period.amount_to_date, note=note)


def _forecast(period: Period) -> Tile:
    if not period.has_contract:
        return Tile("amount_forecast", "Forecast", NO_CONTRACT, "Without prices there is nothing to forecast")
    if period.is_closed:
        overage, note = period.overage_amount_to_date, "above commitment and allowances; the period is over"
        return _amount_tile("overage_amount", "Of it overage", period, overage, note=note)
    amount = period.amount_forecast
    if amount is None:
        note = TOO_EARLY if period.p95_forecast is None else "A line of the bill has no price"
    else:
        note = (
            f"between {_money(period, period.amount_forecast_low)} and "
            f"{_money(period, period.amount_forecast_high)} by {said(period.last_day)}"
        )
    return _amount_tile("amount_forecast", "Forecast", period, amount, note=note)


def _amount_tile(name: str, title: str, period: Period, amount: Decimal | None, *, note: str) -> Tile:
    if amount is None:
        return Tile(name, title, UNKNOWN, note)
    return Tile(name, title, _number(amount, decimals=2), note, value=amount, unit=period.currency or "")


def _loaded(freshness: Freshness) -> Tile:
    missing, suspicious = freshness.days_missing, freshness.days_suspicious
    note = f"{'' if missing else 'all '}{freshness.days_covered:,} days covered"
    if missing:
        note += f", {missing:,} missing: unknown, not zero"
    if suspicious:
        note += f", {suspicious:,} suspicious"
    return Tile(
        "loaded_through",
        "Loaded through, UTC",
        said(freshness.loaded_through),
        note,
        value=freshness.loaded_through.isoformat(),
        mood="warning" if missing or suspicious else "ok",
        verdict="incomplete" if missing or suspicious else "complete",
    )


def bills_table_html(periods: Sequence[Period]) -> str:
    """The last bills, newest first; empty without a contract."""
    rows = "".join(_bill_row(period) for period in reversed(bills_shown(periods)))
    if not rows:
        return ""
    percentiles = {period.percentile for period in bills_shown(periods)}
    workers = percentiles.pop() if len(percentiles) == 1 else "Workers"
    heads = f"Period|Status|{workers}|Committed|Burst hours left|To date|Forecast|Low|High".split("|")
    head = "".join(f"<th>{title}</th>" for title in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _bill_row(period: Period) -> str:
    counts = (period.p95_to_date, period.committed_workers, period.burst_hours_left)
    amounts = (
        period.amount_to_date,
        period.amount_forecast,
        period.amount_forecast_low,
        period.amount_forecast_high,
    )
    cells = [
        f"<td>{escape(period.label)}</td><td>{escape(period.status)}</td>",
        *(f"<td>{UNKNOWN if count is None else _number(count)}</td>" for count in counts),
        *(f"<td>{_money(period, amount)}</td>" for amount in amounts),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _money(period: Period, amount: Decimal | None) -> str:
    """To the cent, as a bill has it."""
    return UNKNOWN if amount is None else f"{period.currency or ''} {_number(amount, decimals=2)}".strip()


def _number(number: int | Decimal, *, decimals: int = 0) -> str:
    return f"{number:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _plain(value: str | int | Decimal) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
