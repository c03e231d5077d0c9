"""The charts of cost, without their rows: the last bills, and who caused the cost."""

from typing import Any

import altair as alt

from orchestration.dashboard import theme
from orchestration.dashboard.billing_data import STACKS_SHOWN

_LINES = {
    "base_fee": ("base fee", theme.GREY),
    "committed_workers": ("committed workers", theme.BLUE),
    "worker_overage": ("worker overage", theme.VERMILLION),
    "private_minutes": ("private minutes", theme.GREEN),
    "private_minutes_overage": ("private minutes overage", theme.YELLOW),
    "public_minutes": ("public minutes", theme.SKY),
    "public_minutes_overage": ("public minutes overage", theme.ORANGE),
    "seats": ("seats", theme.PURPLE),
}
_PARTS = {
    "stack": ("used by stacks", theme.BLUE),
    "idle": ("idle workers", theme.ORANGE),
    "shared": ("fees and seats", theme.GREY),
}
# `Sep 2026` where there is no room for `September 2026`: the last bill is the one that must not go unnamed.
_SHORT_MONTH = "replace(datum.label, regexp('^([A-Z][a-z]{2})[a-z]* ([0-9]{4})$'), '$1 $2')"
_BILL_AXIS = alt.Axis(
    labelAngle=0,
    labelOverlap="greedy",
    labelSeparation=8,
    labelExpr=f"width < 520 ? {_SHORT_MONTH} : datum.label",
)
_MONEY = ",.2f"
# Slim where there are few bills, apart where the page is narrow.
_BAR = alt.ExprRef("min(56, bandwidth('x') * 0.7)")


def bills_chart() -> dict[str, Any]:
    """The last bills by line, what is still expected of an open one, and how sure that is."""
    bill = alt.X("bill:N", title=None, sort=None, axis=_BILL_AXIS)
    lines = (
        alt.Chart(theme.rows("bill_lines"))
        .transform_calculate(name=f"{_names(_LINES)}[datum.line]")
        .mark_bar(size=_BAR)
        .encode(
            x=bill,
            y=alt.Y("amount:Q", title=None, axis=alt.Axis(format=",.0f")),
            order="line_order:Q",
            color=_colours("name", _LINES),
            tooltip=[
                _tip("bill", "bill"),
                _tip("name", "line"),
                alt.Tooltip("amount:Q", title="amount", format=_MONEY),
            ],
        )
    )
    totals = alt.Chart(theme.rows("bills")).encode(
        x=bill,
        tooltip=[
            _tip("bill", "bill"),
            _tip("status", "status"),
            _tip("currency", "currency"),
            *(
                alt.Tooltip(f"{field}:Q", title=title, format=_MONEY)
                for field, title in (
                    ("to_date", "to date"),
                    ("forecast", "forecast"),
                    ("low", "forecast, low end"),
                    ("high", "forecast, high end"),
                )
            ),
        ],
    )
    still = totals.transform_filter("datum.status == 'estimated' && datum.forecast > datum.to_date")
    expected = still.mark_bar(
        size=_BAR, fill="transparent", stroke=theme.INK, strokeDash=[3, 3], strokeWidth=1.2
    ).encode(y="to_date:Q", y2="forecast")
    between = totals.transform_filter("datum.high > datum.low")
    span = between.mark_rule(color=theme.INK, strokeWidth=1.4).encode(y="low:Q", y2="high")
    end = between.mark_tick(color=theme.INK, size=14, thickness=1.4).encode(y="high:Q")
    # Beside the line between low and high, where there is one.
    places = {"datum.high > datum.low": {"align": "left", "dx": 5}, "!(datum.high > datum.low)": {}}
    labels = [
        theme.text_on_paper(
            totals.transform_filter(f"isValid(datum.forecast) && {condition}").encode(
                y="forecast:Q", text=alt.Text("forecast:Q", format=",.0f")
            ),
            color=theme.INK,
            dy=-8,
            fontWeight=600,
            **place,
        )
        for condition, place in places.items()
    ]
    return theme.spec_of(alt.layer(lines, expected, span, end, *labels), height=300)


def pool_costs_chart() -> dict[str, Any]:
    """What each pool cost in the period, used and idle, and what belongs to no pool."""
    bars = (
        alt.Chart(theme.rows("pool_costs"))
        .transform_calculate(
            name=f"{_names(_PARTS)}[datum.part]", rank=f"indexof({list(_PARTS)}, datum.part)"
        )
        .transform_joinaggregate(of_all="sum(amount)", groupby=["bearer"])
        .mark_bar(height={"band": 0.7})
        .encode(
            y=_bearer("bearer", "of_all", descending=True),
            x=_amount(),
            order="rank:Q",
            color=_colours("name", _PARTS),
            tooltip=[
                _tip("bearer", "bearer"),
                _tip("name", "part"),
                alt.Tooltip("amount:Q", title="amount", format=_MONEY),
                alt.Tooltip("of_all:Q", title="of all", format=_MONEY),
            ],
        )
    )
    return theme.spec_of(bars, row_height=28)


def stack_costs_chart() -> dict[str, Any]:
    """The stacks that cost most in the period and pool, and all others."""
    stacks = alt.Chart(theme.rows("stack_costs"))
    bearer = _bearer("stack", "place", descending=False)
    # All others together would be a bar beside which the rest cannot be seen: they are a number.
    bars = (
        stacks.transform_filter(f"datum.place <= {STACKS_SHOWN}")
        .mark_bar(height={"band": 0.7}, color=theme.BLUE)
        .encode(
            y=bearer,
            x=_amount(),
            tooltip=[
                _tip("stack", "stack"),
                alt.Tooltip("amount:Q", title="amount", format=_MONEY),
                alt.Tooltip("active_minutes:Q", title="minutes on workers", format=",.1f"),
            ],
        )
    )
    amounts = (
        stacks.transform_calculate(
            text=f"format(datum.amount, '{_MONEY}') + (datum.place > {STACKS_SHOWN} ? ' together' : '')",
            at=f"datum.place > {STACKS_SHOWN} ? 0 : datum.amount",
        )
        .mark_text(align="left", dx=4, color=theme.MUTED)
        .encode(y=bearer, x="at:Q", text="text:N")
    )
    # Nothing is seen of it; it keeps room for the amount beside the longest bar.
    room = (
        stacks.transform_filter(f"datum.place <= {STACKS_SHOWN}")
        .transform_calculate(room="datum.amount * 1.2")
        .mark_tick(opacity=0)
        .encode(y=bearer, x="room:Q")
    )
    return theme.spec_of(bars + amounts + room, row_height=22)


def _bearer(field: str, order: str, *, descending: bool) -> alt.Y:
    sort = alt.EncodingSortField(field=order, op="max", order="descending" if descending else "ascending")
    return alt.Y(f"{field}:N", sort=sort, title=None, axis=alt.Axis(labelLimit=150, labelColor=theme.INK))


def _amount() -> alt.X:
    return alt.X("amount:Q", title=None, axis=alt.Axis(format=",.0f", grid=True, tickCount=5))


def _colours(field: str, meaning: dict[str, tuple[str, str]]) -> alt.Color:
    names, colours = zip(*meaning.values(), strict=True)
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=names, range=colours),
    )


def _names(meaning: dict[str, tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{code}: '{name}'" for code, (name, _) in meaning.items()) + "}"


def _tip(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)
