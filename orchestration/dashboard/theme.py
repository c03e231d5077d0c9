"""How all charts look: colours by role, and what they have in common.

Here: names of colours; their values for light, dark and paper are in page.css, so that a chart follows the
reader's choice by itself. Colours of data are the eight of Okabe and Ito, which colour-blind people tell
apart (jfly.uni-koeln.de/color, 2008), a little lighter where the page is dark.
"""

from typing import Any

import altair as alt

INK = "var(--ink)"
MUTED = "var(--muted)"
GRID = "var(--grid)"
PAPER = "var(--card)"
# A pattern of page.html: stripes, so that unknown looks like no value at all.
UNKNOWN = "url(#unknown)"

BLUE = "var(--blue)"
SKY = "var(--sky)"
GREEN = "var(--green)"
YELLOW = "var(--yellow)"
ORANGE = "var(--orange)"
VERMILLION = "var(--vermillion)"
PURPLE = "var(--purple)"
GREY = "var(--grey)"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
TOOLTIP_HOUR = "utcFormat(datum.at, '%a %-d %b %Y, %H:00 UTC')"
UTC_AXIS = alt.Scale(type="utc")

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domainColor": GRID,
        "gridColor": GRID,
        "tickColor": GRID,
        "labelColor": MUTED,
        "labelFontSize": 11,
        "titleColor": MUTED,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelPadding": 6,
    },
    "axisX": {"grid": False},
    "axisY": {"domain": False, "ticks": False},
    "legend": {
        "labelColor": INK,
        "labelFontSize": 11,
        "orient": "bottom",
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "symbolType": "square",
        "title": None,
    },
    "text": {"color": INK, "fontSize": 11},
}


def rows(frame: str) -> alt.NamedData:
    """The rows of a frame, which the page fills in."""
    return alt.NamedData(frame)


def text_on_paper(chart: alt.Chart, *, color: str, **style: Any) -> alt.LayerChart:
    """Its texts, with paper around the letters, so that they can be read over lines."""
    paper = chart.mark_text(color=PAPER, stroke=PAPER, strokeWidth=4, strokeJoin="round", **style)
    return paper + chart.mark_text(color=color, **style)


def spec_of(
    chart: alt.TopLevelMixin, *, height: int | None = None, row_height: int | None = None
) -> dict[str, Any]:
    """The chart as Vega-Lite, as wide as its place on the page, its height in pixels in all or per row."""
    spec: dict[str, Any] = chart.properties(
        width="container", height=alt.Step(row_height) if row_height else height
    ).to_dict()
    # Altair's own default would come back with every chart.
    spec["config"] = CONFIG
    spec["autosize"] = {"type": "fit-x" if row_height else "fit", "contains": "padding"}
    spec.pop("$schema", None)
    return spec
