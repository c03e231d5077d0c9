"""The dashboard's charts, in the order in which they stand, twelve columns to a row.

Here: what a person would want to change. Not here: what they read (datasets.py), Superset's file format
(bundle.py). Their figures are compared with SQL in test_superset.py.
"""

from dataclasses import dataclass
from typing import Any

TITLE = "Spacelift usage and bills"
SLUG = "spacelift-usage"
NOTE = (
    "All times are UTC. Null is unknown, a day that never landed; 0 is measured. P95 is taken over all "
    "hours, those without workers included. What a column means stands in its dataset."
)


# Apart from each other for eyes that see no red or no green, too.
COLORS = {
    "workers": "#56B4E9",
    "committed": "#444444",
    "P95": "#0072B2",
    "billed percentile": "#D55E00",
    "P95 without zeros": "#E69F00",
    "stack": "#0072B2",
    "idle": "#BBBBBB",
    "shared": "#CC79A7",
    "base_fee": "#999999",
    "committed_workers": "#0072B2",
    "worker_overage": "#D55E00",
    "private_minutes": "#9AD0C2",
    "private_minutes_overage": "#009E73",
    "public_minutes": "#F7E7A1",
    "public_minutes_overage": "#E69F00",
    "seats": "#CC79A7",
    "PLANNING": "#0072B2",
    "APPLYING": "#009E73",
    "INITIALIZING": "#56B4E9",
    "PREPARING": "#9AD0C2",
    "PREPARING_APPLY": "#5B7F77",
    "PREPARING_REPLAN": "#7F9F5B",
    "PERFORMING": "#CC79A7",
    "DESTROYING": "#7A3E65",
    "READY": "#E69F00",
    "CONFIRMED": "#F0E442",
    "REPLAN_REQUESTED": "#B8A200",
    "QUEUED": "#D55E00",
    "UNCONFIRMED": "#999999",
    "PENDING_REVIEW": "#444444",
}


@dataclass(frozen=True)
class Chart:
    """One chart; `follows_period` is false where it shows all billing periods side by side."""

    key: str
    title: str
    dataset: str
    kind: str
    params: dict[str, Any]
    width: int
    height: int
    follows_period: bool = True
    description: str = ""


def _metric(label: str, sql: str) -> dict[str, Any]:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label, "hasCustomLabel": True}


def _where(sql: str) -> list[dict[str, Any]]:
    return [{"expressionType": "SQL", "clause": "WHERE", "sqlExpression": sql}]


_MONEY, _WHOLE, _TWO_DIGITS = ",.2f", ",d", ",.2f"
_WORKERS = {"y_axis_title": "workers", "y_axis_title_margin": 30, "y_axis_format": _WHOLE}
_LEGEND = {"show_legend": True, "legendOrientation": "top", "legendType": "scroll", "rich_tooltip": True}


def _big_number(metric: dict[str, Any], subtitle: str, number_format: str) -> dict[str, Any]:
    return {
        "metric": metric,
        "subtitle": subtitle,
        "y_axis_format": number_format,
        "header_font_size": 0.3,
        "subtitle_font_size": 0.125,
    }


CHARTS = (
    Chart(
        "burst_hours_left",
        "Burst hours left",
        "Workers against the commitment",
        "big_number_total",
        _big_number(
            _metric("Burst hours left", "max(burst_hours_left)"), "hours above the commitment", _WHOLE
        ),
        width=3,
        height=22,
    ),
    Chart(
        "p95",
        "Billed percentile to date",
        "Workers against the commitment",
        "big_number_total",
        _big_number(
            _metric("Billed percentile", "max(p95_to_date)"), "workers: P95, or as the contract says", _WHOLE
        ),
        width=2,
        height=22,
    ),
    Chart(
        "cost_to_date",
        "Cost to date",
        "Billing periods",
        "big_number_total",
        _big_number(_metric("Cost to date", "sum(amount_to_date)"), "owed if nothing more came", _MONEY),
        width=3,
        height=22,
    ),
    Chart(
        "cost_forecast",
        "Cost forecast",
        "Billing periods",
        "big_number_total",
        _big_number(_metric("Cost forecast", "sum(amount_forecast)"), "at the end of the period", _MONEY),
        width=2,
        height=22,
    ),
    Chart(
        "loaded_through",
        "Loaded through",
        "Freshness",
        "big_number_total",
        {
            **_big_number(
                _metric("Loaded through", "max(loaded_through)"), "last day with both files", "SMART_NUMBER"
            ),
            "time_format": "%Y-%m-%d",
            "force_timestamp_formatting": True,
        },
        width=2,
        height=22,
        follows_period=False,
    ),
    Chart(
        "workers_hourly",
        "Workers by hour, against the commitment",
        "Account by hour",
        "echarts_timeseries_line",
        {
            "x_axis": "hour_at",
            "time_grain_sqla": "PT1H",
            "metrics": [
                _metric("workers", "max(worker_count)"),
                _metric("committed", "max(committed_workers)"),
                _metric("billed percentile", "max(p95_to_date)"),
            ],
            "seriesType": "end",
            **_WORKERS,
            **_LEGEND,
            "x_axis_time_format": "%d %b",
            "tooltipTimeFormat": "%Y-%m-%d %H:%M",
        },
        width=12,
        height=56,
    ),
    Chart(
        "minutes_by_state",
        "Minutes by run state, private workers",
        "Run states by hour",
        "echarts_timeseries_bar",
        {
            "x_axis": "hour_at",
            "time_grain_sqla": "P1D",
            "metrics": [_metric("minutes", "sum(state_minutes)")],
            "groupby": ["run_state"],
            "adhoc_filters": _where("not is_public"),
            "stack": "Stack",
            "y_axis_format": _WHOLE,
            "y_axis_title": "minutes a day",
            "y_axis_title_margin": 50,
            **_LEGEND,
            "x_axis_time_format": "%d %b",
            "tooltipTimeFormat": "%Y-%m-%d",
        },
        width=12,
        height=60,
        description="Choose waiting_human in the filter to see runs that wait for a person.",
    ),
    Chart(
        "p95_by_period",
        "P95 of workers, with and without zeros",
        "Worker percentiles",
        "echarts_timeseries_bar",
        {
            "x_axis": "billing_period",
            "metrics": [
                _metric("P95", "max(p95_workers)"),
                _metric("P95 without zeros", "max(p95_workers_without_zeros)"),
                _metric("committed", "max(committed_workers)"),
            ],
            "adhoc_filters": _where("scope = 'account'"),
            "x_axis_sort_asc": True,
            "xAxisLabelInterval": "0",
            "show_value": True,
            **_WORKERS,
            **_LEGEND,
        },
        width=6,
        height=50,
        follows_period=False,
        description="Without zeros is the wrong figure that the export gives as it comes.",
    ),
    Chart(
        "p95_by_pool",
        "P95 by pool, with and without zeros",
        "Worker percentiles",
        "echarts_timeseries_bar",
        {
            "x_axis": "worker_pool_name",
            "metrics": [
                _metric("P95", "max(p95_workers)"),
                _metric("P95 without zeros", "max(p95_workers_without_zeros)"),
            ],
            "adhoc_filters": _where("scope = 'pool'"),
            "x_axis_sort_asc": True,
            "xAxisLabelInterval": "0",
            "show_value": True,
            **_WORKERS,
            **_LEGEND,
        },
        width=6,
        height=50,
        description="Percentiles of pools do not add up to the account's.",
    ),
    Chart(
        "bills",
        "Bills by line",
        "Bill lines",
        "echarts_timeseries_bar",
        {
            "x_axis": "billing_period",
            "metrics": [_metric("amount", "sum(amount)")],
            "groupby": ["line_code"],
            "adhoc_filters": _where("amount <> 0"),
            "stack": "Stack",
            "show_value": True,
            "only_total": True,
            "x_axis_sort_asc": True,
            "xAxisLabelInterval": "0",
            "y_axis_format": _MONEY,
            **_LEGEND,
        },
        width=5,
        height=56,
        follows_period=False,
        description="In the contract's currency; corrections included.",
    ),
    Chart(
        "bill_lines",
        "Lines of the bill",
        "Bill lines",
        "table",
        {
            "query_mode": "raw",
            "all_columns": [
                "billing_period",
                "line_code",
                "quantity",
                "unit",
                "unit_price",
                "amount",
                "currency",
                "status",
                "is_correction",
            ],
            "order_by_cols": ['["line_order", true]', '["is_correction", true]'],
            "row_limit": 1000,
            "show_cell_bars": False,
            "column_config": {
                "quantity": {"d3NumberFormat": _TWO_DIGITS},
                "unit_price": {"d3NumberFormat": _MONEY},
                "amount": {"d3NumberFormat": _MONEY},
            },
        },
        width=7,
        height=56,
    ),
    Chart(
        "cost_by_pool",
        "Cost by pool: stacks, idle, shared",
        "Cost by bearer",
        "echarts_timeseries_bar",
        {
            "x_axis": "pool",
            "metrics": [_metric("amount", "sum(amount)")],
            "groupby": ["allocation"],
            "stack": "Stack",
            "x_axis_sort": "amount",
            "x_axis_sort_asc": True,
            "orientation": "horizontal",
            "y_axis_format": _MONEY,
            **_LEGEND,
        },
        width=5,
        height=70,
        description="Public workers and what is shared have no pool.",
    ),
    Chart(
        "cost_by_bearer",
        "Cost by stack, idle pool, and what is shared",
        "Cost by bearer",
        "table",
        {
            "query_mode": "aggregate",
            "groupby": ["allocation", "bearer"],
            "metrics": [
                _metric("active minutes", "sum(active_minutes)"),
                _metric("idle minutes", "sum(idle_minutes)"),
                _metric("amount", "sum(amount)"),
            ],
            "timeseries_limit_metric": _metric("amount", "sum(amount)"),
            "order_desc": True,
            "row_limit": 1000,
            "show_totals": True,
            "include_search": True,
            "show_cell_bars": True,
            "column_config": {
                "active minutes": {"d3NumberFormat": _WHOLE, "showCellBars": False},
                "idle minutes": {"d3NumberFormat": _WHOLE, "showCellBars": False},
                "amount": {"d3NumberFormat": _MONEY},
            },
        },
        width=7,
        height=70,
    ),
    Chart(
        "burst_hours",
        "Hours above the commitment",
        "Burst hours",
        "table",
        {
            "query_mode": "raw",
            "all_columns": [
                "burst_hour_number",
                "hour_at",
                "worker_count",
                "workers_above",
                "worker_pools",
                "top_stacks",
            ],
            "order_by_cols": ['["hour_at", true]'],
            "row_limit": 1000,
            "include_search": True,
            "show_cell_bars": False,
            "table_timestamp_format": "%Y-%m-%d %H:%M",
        },
        width=12,
        height=60,
    ),
    Chart(
        "queue",
        "Hours that runs waited for a worker, by hour of the week",
        "Queue by hour",
        "heatmap_v2",
        {
            "x_axis": "hour_of_day",
            "groupby": "weekday",
            "metric": _metric("hours waited", "sum(waiting_worker_minutes) / 60"),
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_desc",
            "normalize_across": "heatmap",
            "linear_color_scheme": "schemeBlues",
            "legend_type": "continuous",
            "show_legend": True,
            "y_axis_format": ",.1f",
            "value_bounds": [0, None],
        },
        width=7,
        height=56,
    ),
    Chart(
        "coverage",
        "Files landed by day: 2 is complete",
        "Days landed",
        "heatmap_v2",
        {
            "x_axis": "day_of_month",
            "groupby": "calendar_month",
            "metric": _metric("files", "sum(files_landed)"),
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_desc",
            "normalize_across": "heatmap",
            "linear_color_scheme": "schemeRdBu",
            "legend_type": "continuous",
            "show_legend": True,
            "y_axis_format": _WHOLE,
            "value_bounds": [0, 2],
        },
        width=5,
        height=56,
        follows_period=False,
    ),
)
