"""The charts of use, without their rows: workers, minutes by run state, waiting, coverage."""

from typing import Any

import altair as alt

from orchestration.dashboard import theme
from orchestration.dashboard.frames import DAY_MILLISECONDS, HOUR_MILLISECONDS

# Where along the chart a level is named: apart, so that equal levels can be read.
_LEVELS = (
    ("commitment", "Commitment", theme.VERMILLION, [6, 4], "left"),
    ("p95", "P95, zeros counted", theme.INK, [1, 0], "center"),
    ("without_zeros", "P95 of the file as it comes, zeros left out", theme.PURPLE, [2, 3], "right"),
)
_ACTIVE_STATES = {
    "PREPARING": theme.YELLOW,
    "INITIALIZING": theme.SKY,
    "PLANNING": theme.BLUE,
    "PREPARING_APPLY": theme.GREY,
    "PREPARING_REPLAN": theme.INK,
    "APPLYING": theme.GREEN,
    "PERFORMING": theme.PURPLE,
    "DESTROYING": theme.VERMILLION,
}
_WAITING_STATES = {
    "READY": theme.BLUE,
    "CONFIRMED": theme.SKY,
    "REPLAN_REQUESTED": theme.GREEN,
    "QUEUED": theme.ORANGE,
    "PENDING": theme.YELLOW,
    "UNCONFIRMED": theme.PURPLE,
    "PENDING_REVIEW": theme.VERMILLION,
    "UNKNOWN": theme.GREY,
}
# Runs waiting on average; none at all has a colour of its own, and so has unknown.
_WAITING_STEPS = [0.0001, 0.25, 0.5, 1, 2, 4]


def workers_chart() -> dict[str, Any]:
    """Workers of every hour, the hours above the commitment, and the levels."""
    hours = (
        alt.Chart(theme.rows("workers"))
        .transform_calculate(until=f"datum.at + {HOUR_MILLISECONDS}", hour=theme.TOOLTIP_HOUR)
        .encode(x=_time("at"))
    )
    workers = alt.Y("workers:Q", title="workers", axis=alt.Axis(tickMinStep=1))
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
        .transform_calculate(until=f"datum.at + {HOUR_MILLISECONDS}", hour=theme.TOOLTIP_HOUR)
        .mark_bar(color=theme.ORANGE)
        .encode(
            x=_time("at"),
            x2="until",
            y=workers,
            tooltip=[
                _tip("hour", "burst hour"),
                alt.Tooltip("workers:Q", title="workers"),
                alt.Tooltip("above:Q", title="above the commitment"),
                _tip("pools", "pools"),
                _tip("stacks", "busiest stacks"),
            ],
        )
    )
    return theme.spec_of(alt.layer(_gaps("worker-count"), area, hover, burst, *_levels()), height=300)


def _levels() -> list[alt.LayerChart]:
    layers = []
    for level, title, colour, dash, align in _LEVELS:
        base = alt.Chart(theme.rows("levels")).transform_filter(alt.datum.level == level)
        rule = base.mark_rule(color=colour, strokeDash=dash, strokeWidth=1.6).encode(
            y="workers:Q", tooltip=[alt.Tooltip("workers:Q", title=title)]
        )
        label = base.transform_calculate(label=f"'{title}: ' + datum.workers").encode(
            x=alt.value({"left": 4, "center": alt.ExprRef("width / 2"), "right": alt.ExprRef("width - 4")}[align]),
            y="workers:Q",
            text="label:N",
        )
        style = {"align": align, "baseline": "bottom", "dy": -3, "fontWeight": 600}
        # Twice: the first is the paper around the letters.
        halo = label.mark_text(**style, stroke=theme.PAPER, strokeWidth=4, strokeJoin="round", color=theme.PAPER)
        layers.append(rule + halo + label.mark_text(**style, color=colour))
    return layers


def minutes_chart(state_classes: list[str], *, colours: dict[str, str]) -> dict[str, Any]:
    """Minutes per day and run state of these classes, stacked; every day has every state."""
    bars = (
        alt.Chart(theme.rows("minutes"))
        .transform_filter(alt.FieldOneOfPredicate(field="state_class", oneOf=state_classes))
        .transform_calculate(
            from_at=f"datum.at + {DAY_MILLISECONDS} * 0.08",
            until=f"datum.at + {DAY_MILLISECONDS} * 0.92",
            day="utcFormat(datum.at, '%a %-d %b %Y, UTC')",
        )
        .mark_bar()
        .encode(
            x=_time("from_at"),
            x2="until",
            y=alt.Y("sum(minutes):Q", title="minutes", axis=alt.Axis(format="~s", tickCount=5)),
            order="lifecycle_order:Q",
            color=alt.Color(
                "run_state:N",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                legend=alt.Legend(columns=4),
            ),
            tooltip=[
                _tip("day", "day"),
                _tip("run_state", "run state"),
                alt.Tooltip("sum(minutes):Q", title="minutes", format=",.1f"),
            ],
        )
    )
    return theme.spec_of(alt.layer(_gaps("run-minutes"), bars), height=230)


def active_minutes_chart() -> dict[str, Any]:
    """States in which a worker is busy with the run."""
    return minutes_chart(["active"], colours=_ACTIVE_STATES)


def waiting_minutes_chart() -> dict[str, Any]:
    """States in which the run waits, and no worker is busy with it."""
    return minutes_chart(["waiting_worker", "waiting_lock", "waiting_human", "unknown"], colours=_WAITING_STATES)


def queue_chart() -> dict[str, Any]:
    """Runs that waited for a worker on average, by hour of the week."""
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    heat = (
        alt.Chart(theme.rows("waiting"))
        .transform_calculate(
            day=f"{days}[floor(datum.hour_of_week / 24)]",
            hour="datum.hour_of_week % 24",
            when="datum.day + ' ' + pad(datum.hour, 2, '0', 'left') + ':00 UTC'",
            known="isValid(datum.waiting_runs) ? format(datum.waiting_runs, '.2f') : 'unknown'",
        )
        .mark_rect(stroke=theme.PAPER, strokeWidth=1.5)
        .encode(
            x=alt.X("hour:O", title="hour of the day, UTC", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("day:O", sort=days, title=None),
            color=alt.condition(
                "isValid(datum.waiting_runs)",
                alt.Color(
                    "waiting_runs:Q",
                    scale=alt.Scale(
                        type="threshold", domain=_WAITING_STEPS, range=[f"var(--heat-{step})" for step in range(7)]
                    ),
                    legend=alt.Legend(type="symbol", title="runs waiting on average", titleColor=theme.MUTED),
                ),
                alt.value(theme.UNKNOWN),
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
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y("month:O", title=None),
            color=alt.Color("landed:N", scale=alt.Scale(domain=list(states), range=list(states.values()))),
            tooltip=[_tip("date", "day"), _tip("landed", "landed")],
        )
    )
    spec = theme.spec_of(days, height=0)
    spec["height"] = {"step": 20}
    return spec


def _gaps(file: str) -> alt.Chart:
    """Stretches of the period for which this file is not known."""
    return (
        alt.Chart(theme.rows("gaps"))
        .transform_filter(alt.datum.file == file)
        .transform_calculate(
            span="utcFormat(datum.since, '%-d %b %H:%M') + ' to ' + utcFormat(datum.until, '%-d %b %H:%M') + ' UTC'"
        )
        .mark_rect(fill=theme.UNKNOWN)
        .encode(
            x=_time("since"), x2="until", tooltip=[_tip("why", "unknown, not zero"), _tip("span", "stretch")]
        )
    )


def _time(field: str) -> alt.X:
    return alt.X(f"{field}:T", title=None, scale=theme.UTC_AXIS, axis=alt.Axis(format="%-d %b", labelFlush=False))


def _tip(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)
