"""The charts of use, without their rows: workers, minutes by run state, waiting, coverage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from orchestration.dashboard import theme
from orchestration.dashboard.frames import DAY_MILLISECONDS, HOUR_MILLISECONDS


@dataclass(frozen=True)
class Level:
    """A number of workers to compare the hours with; the titles are Vega expressions."""

    name: str
    title: str
    short_title: str
    colour: str
    dash: Sequence[float]
    # Where along the chart it is named: apart, so that equal levels can be read.
    align: Literal["left", "center", "right"]
    label_at: str


_LEVELS = (
    Level("commitment", "'Commitment'", "'committed'", theme.VERMILLION, [6, 4], "left", "4"),
    Level(
        "percentile",
        # A maximum is the same with and without them.
        "datum.percentile + (datum.percentile == 'Maximum' ? '' : ', zeros counted')",
        "datum.percentile",
        theme.INK,
        [1, 0],
        "center",
        "width / 2",
    ),
    Level(
        "without_zeros",
        "datum.percentile + ' if zeros are left out'",
        "'without zeros'",
        theme.PURPLE,
        [2, 3],
        "right",
        "width - 4",
    ),
)
# Colours repeat: states on a worker and states of waiting stand in charts of their own.
_STATES = {
    "PREPARING": theme.YELLOW,
    "INITIALIZING": theme.SKY,
    "PLANNING": theme.BLUE,
    "PREPARING_APPLY": theme.GREY,
    "PREPARING_REPLAN": theme.INK,
    "APPLYING": theme.GREEN,
    "PERFORMING": theme.PURPLE,
    "DESTROYING": theme.VERMILLION,
    "READY": theme.BLUE,
    "CONFIRMED": theme.SKY,
    "REPLAN_REQUESTED": theme.GREEN,
    "QUEUED": theme.ORANGE,
    "PENDING": theme.YELLOW,
    "UNCONFIRMED": theme.PURPLE,
    "PENDING_REVIEW": theme.VERMILLION,
}
# Runs waiting on average, up to and with; none at all has a colour of its own, and so has unknown.
_WAITING_STEPS = (0, 0.25, 0.5, 1, 2, 4)


def workers_chart() -> dict[str, Any]:
    """Workers of every hour, the hours above the commitment, and the levels."""
    hours = (
        alt.Chart(theme.rows("workers"))
        .transform_calculate(until=f"datum.at + {HOUR_MILLISECONDS}", hour=theme.TOOLTIP_HOUR)
        .encode(x=_time("at"))
    )
    workers = alt.Y("workers:Q", title=None, scale=alt.Scale(domainMin=0), axis=alt.Axis(tickMinStep=1))
    area = hours.mark_area(
        interpolate="step-after",
        color=theme.SKY,
        fillOpacity=0.3,
        line={"color": theme.BLUE, "strokeWidth": 1.2},
        invalid="break-paths-filter-domains",
    ).encode(y=workers)
    hover = (
        hours.transform_filter("isValid(datum.workers)")
        .mark_rect(fill="transparent")
        .encode(x2="until", tooltip=[_tip("hour", "hour"), alt.Tooltip("workers:Q", title="workers")])
    )
    burst = (
        alt.Chart(theme.rows("burst_hours"))
        .transform_calculate(
            until=f"datum.at + {HOUR_MILLISECONDS}",
            hour=theme.TOOLTIP_HOUR,
            commitment="datum.workers - datum.above",
        )
        .mark_rect(color=theme.ORANGE)
        .encode(
            x=_time("at"),
            x2="until",
            y=workers,
            y2="commitment",
            tooltip=[
                _tip("hour", "burst hour"),
                alt.Tooltip("workers:Q", title="workers"),
                alt.Tooltip("above:Q", title="above the commitment"),
                _tip("pools", "pools"),
                _tip("stacks", "busiest stacks"),
            ],
        )
    )
    return theme.spec_of(
        alt.layer(_gaps("worker-count"), area, hover, burst, *map(_level, _LEVELS)), height=300
    )


def _level(level: Level) -> alt.LayerChart:
    base = (
        alt.Chart(theme.rows("levels"))
        .transform_filter(alt.datum.level == level.name)
        .transform_calculate(
            title=level.title,
            label=f"(width < 520 ? {level.short_title} + ' ' : {level.title} + ': ') + datum.workers",
        )
    )
    rule = base.mark_rule(color=level.colour, strokeDash=level.dash, strokeWidth=1.6).encode(
        y="workers:Q", tooltip=[_tip("title", "level"), alt.Tooltip("workers:Q", title="workers")]
    )
    label = base.encode(x=alt.value(alt.ExprRef(level.label_at)), y="workers:Q", text="label:N")
    return rule + theme.text_on_paper(
        label, color=level.colour, align=level.align, baseline="bottom", dy=-3, fontWeight=600
    )


def minutes_chart(states: Sequence[str]) -> dict[str, Any]:
    """Minutes per day of these run states, stacked; every day has every state."""
    bars = (
        alt.Chart(theme.rows("minutes"))
        .transform_filter(alt.FieldOneOfPredicate(field="run_state", oneOf=states))
        .transform_calculate(
            from_at=f"datum.at + {DAY_MILLISECONDS} * 0.08",
            until=f"datum.at + {DAY_MILLISECONDS} * 0.92",
            day="utcFormat(datum.at, '%a %-d %b %Y, UTC')",
        )
        .mark_bar()
        .encode(
            x=_time("from_at"),
            x2="until",
            y=alt.Y(
                "sum(minutes):Q",
                title=None,
                axis=alt.Axis(labelExpr="format(datum.value, '~s')", tickCount=5),
            ),
            order="lifecycle_order:Q",
            color=alt.Color(
                "run_state:N",
                scale=alt.Scale(domain=states, range=[_STATES.get(state, theme.GREY) for state in states]),
            ),
            tooltip=[
                _tip("day", "day"),
                _tip("run_state", "run state"),
                alt.Tooltip("sum(minutes):Q", title="minutes", format=",.1f"),
            ],
        )
    )
    return theme.spec_of(alt.layer(_gaps("run-minutes"), bars), height=230)


def queue_chart() -> dict[str, Any]:
    """Runs that waited for a worker on average, by hour of the week."""
    steps = ["0", *(f"up to {step}" for step in _WAITING_STEPS[1:]), f"above {_WAITING_STEPS[-1]}", "unknown"]
    colours = [*(f"var(--heat-{place})" for place in range(len(steps) - 1)), theme.UNKNOWN]
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    heat = (
        alt.Chart(theme.rows("waiting"))
        .transform_calculate(
            day=f"{days}[floor(datum.hour_of_week / 24)]",
            hour="datum.hour_of_week % 24",
            when="datum.day + ' ' + pad(datum.hour, 2, '0', 'left') + ':00 UTC'",
            known="isValid(datum.waiting_runs) ? format(datum.waiting_runs, '.2f') : 'unknown'",
            step=" : ".join(
                [
                    "!isValid(datum.waiting_runs) ? 'unknown'",
                    *(f"datum.waiting_runs <= {step} ? 'up to {step}'" for step in _WAITING_STEPS),
                    f"'{steps[-2]}'",
                ]
            ).replace("up to 0'", "0'"),
        )
        .mark_rect(stroke=theme.PAPER, strokeWidth=1.5)
        .encode(
            x=alt.X(
                "hour:O",
                title="hour of the day, UTC",
                axis=alt.Axis(labelAngle=0, values=list(range(0, 24, 3))),
            ),
            y=alt.Y("day:O", sort=days, title=None),
            color=alt.Color(
                "step:N",
                scale=alt.Scale(domain=steps, range=colours),
                legend=alt.Legend(symbolStrokeColor=theme.GRID),
            ),
            tooltip=[_tip("when", "hour"), _tip("known", "runs waiting on average")],
        )
    )
    return theme.spec_of(heat, height=230)


def coverage_chart() -> dict[str, Any]:
    """Every day of the calendar, by what has landed of it."""
    states = {
        "both files": theme.BLUE,
        "run-minutes only": theme.ORANGE,
        "worker-count only": theme.YELLOW,
        "missing": theme.UNKNOWN,
    }
    days = (
        alt.Chart(theme.rows("days"))
        .transform_calculate(
            landed="datum.has_run_minutes ? (datum.has_worker_count ? 'both files' : 'run-minutes only')"
            " : (datum.has_worker_count ? 'worker-count only' : 'missing')",
            day_of_month="utcdate(datum.day)",
            month="utcFormat(datum.day, '%Y-%m')",
            date="utcFormat(datum.day, '%a %-d %b %Y, UTC')",
        )
        .mark_rect(stroke=theme.PAPER, strokeWidth=1.5, cornerRadius=2)
        .encode(
            x=alt.X(
                "day_of_month:O",
                title="day of the month, UTC",
                scale=alt.Scale(domain=list(range(1, 32))),
                axis=alt.Axis(labelAngle=0, values=[1, 5, 10, 15, 20, 25, 31]),
            ),
            y=alt.Y("month:O", title=None),
            color=alt.Color("landed:N", scale=alt.Scale(domain=list(states), range=list(states.values()))),
            tooltip=[_tip("date", "day"), _tip("landed", "landed")],
        )
    )
    return theme.spec_of(days, row_height=20)


def _gaps(file: str) -> alt.Chart:
    """Stretches of the period for which this file is not known."""
    return (
        alt.Chart(theme.rows("gaps"))
        .transform_filter(alt.datum.file == file)
        .transform_calculate(
            span=" + ' to ' + ".join(f"utcFormat(datum.{end}, '%-d %b %H:%M')" for end in ("since", "until"))
            + " + ' UTC'"
        )
        .mark_rect(fill=theme.UNKNOWN)
        .encode(
            x=_time("since"), x2="until", tooltip=[_tip("why", "unknown, not zero"), _tip("span", "stretch")]
        )
    )


def _time(field: str) -> alt.X:
    return alt.X(
        f"{field}:T",
        title=None,
        scale=theme.UTC_AXIS,
        # Every other label goes until they fit, so that those left are equally far apart.
        axis=alt.Axis(format="%-d %b", labelFlush=False, labelOverlap="parity", labelSeparation=8),
    )


def _tip(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)
