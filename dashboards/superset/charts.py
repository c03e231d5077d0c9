"""The Superset dashboard: which marts it reads, its charts, where they stand.

Here: what a person would want to change. Not here: Superset's file format (bundle.py). Charts read virtual
datasets, because Superset's filter wants a billing period that it can show and that every dataset has.
"""

from dataclasses import dataclass, field
from typing import Any

TITLE = "Spacelift usage and bills"
SLUG = "spacelift-usage"
NOTE = """All times are UTC. Null is unknown, a day that never landed; 0 is measured. P95 is taken over all hours, those
without workers included. What each column means stands in its dataset."""


@dataclass(frozen=True)
class Dataset:
    """A query over the marts; its columns are those of `models`, described there, and `extra`."""

    name: str
    models: tuple[str, ...]
    sql: str
    extra: dict[str, str] = field(default_factory=dict)
    time_column: str | None = None


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


_PERIOD = "to_char(periods.period_start_at at time zone periods.time_zone, 'YYYY-MM-DD') as billing_period"
_PERIOD_COLUMN = {"billing_period": "First day of the billing period, in the contract's time zone."}


def _of_periods(model: str, *, extra_sql: str = "") -> str:
    """A mart that has the key of dim_billing_periods."""
    return (
        f"select facts.*, {_PERIOD}{extra_sql}\n"
        f"from marts.{model} as facts\n"
        "inner join marts.dim_billing_periods as periods using (contract_id, period_start_at)"
    )


_HOURS_IN_PERIODS = """inner join marts.dim_billing_periods as periods
    on facts.hour_at >= periods.period_start_at and facts.hour_at < periods.period_end_at"""

DATASETS = (
    Dataset("Billing periods", ("billing_periods",), _of_periods("billing_periods"), _PERIOD_COLUMN),
    Dataset("Bill lines", ("billing_lines",), _of_periods("billing_lines"), _PERIOD_COLUMN),
    Dataset(
        "Workers against the commitment",
        ("billing_worker_commitment",),
        _of_periods("billing_worker_commitment"),
        _PERIOD_COLUMN,
    ),
    Dataset(
        "Worker percentiles",
        ("billing_worker_percentiles", "dim_worker_pools"),
        f"select facts.*, commitment.committed_workers, pools.worker_pool_name, {_PERIOD}\n"
        "from marts.billing_worker_percentiles as facts\n"
        "inner join marts.dim_billing_periods as periods using (contract_id, period_start_at)\n"
        "inner join marts.billing_worker_commitment as commitment using (contract_id, period_start_at)\n"
        "left join marts.dim_worker_pools as pools using (worker_pool_key)",
        {**_PERIOD_COLUMN, "committed_workers": "Workers paid for in any case."},
    ),
    Dataset(
        "Burst hours",
        ("billing_burst_hours",),
        _of_periods("billing_burst_hours"),
        _PERIOD_COLUMN,
        time_column="hour_at",
    ),
    Dataset(
        "Cost by bearer",
        ("billing_cost_allocation",),
        _of_periods(
            "billing_cost_allocation",
            extra_sql=",\n    coalesce(stack_slug, worker_pool_name, 'fees and seats') as bearer,"
            "\n    coalesce(worker_pool_name, 'no pool') as pool",
        ),
        {
            **_PERIOD_COLUMN,
            "bearer": "The stack, the idle pool, or fees and seats.",
            "pool": "The pool; none for public workers and what is shared.",
        },
    ),
    Dataset(
        "Account by hour",
        ("fct_account_hourly",),
        f"select facts.*, commitment.committed_workers, commitment.p95_floor, {_PERIOD}\n"
        f"from marts.fct_account_hourly as facts\n{_HOURS_IN_PERIODS}\n"
        "inner join marts.billing_worker_commitment as commitment using (contract_id, period_start_at)",
        {
            **_PERIOD_COLUMN,
            "committed_workers": "Workers paid for in any case.",
            "p95_floor": "The period's billed percentile to date, unknown hours as 0.",
        },
        time_column="hour_at",
    ),
    Dataset(
        "Run states by hour",
        ("fct_run_state_hourly", "dim_run_states"),
        f"select facts.*, states.state_class, {_PERIOD}\n"
        "from marts.fct_run_state_hourly as facts\n"
        f"inner join marts.dim_run_states as states using (run_state)\n{_HOURS_IN_PERIODS}",
        _PERIOD_COLUMN,
        time_column="hour_at",
    ),
    Dataset(
        "Queue by hour",
        ("billing_queue_hourly",),
        _of_periods(
            "billing_queue_hourly",
            extra_sql=",\n    to_char(hour_at at time zone 'UTC', 'ID Dy') as weekday,"
            "\n    to_char(hour_at at time zone 'UTC', 'HH24') as hour_of_day",
        ),
        {**_PERIOD_COLUMN, "weekday": "1 Mon to 7 Sun, UTC.", "hour_of_day": "00 to 23, UTC."},
        time_column="hour_at",
    ),
    Dataset(
        "Days landed",
        ("dim_dates",),
        "select *, to_char(date_day, 'YYYY-MM') as calendar_month, to_char(date_day, 'DD') as day_of_month,\n"
        "    has_run_minutes::integer + has_worker_count::integer as files_landed\n"
        "from marts.dim_dates",
        {
            "calendar_month": "As in 2026-08.",
            "day_of_month": "01 to 31.",
            "files_landed": "2 where both files of the day have landed; less is a gap.",
        },
        time_column="date_day",
    ),
    Dataset("Freshness", ("data_freshness",), "select * from marts.data_freshness", time_column="loaded_through"),
)


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
        _big_number(_metric("Burst hours left", "max(burst_hours_left)"), "hours above the commitment", _WHOLE),
        width=2,
        height=24,
    ),
    Chart(
        "p95",
        "P95 of workers to date",
        "Workers against the commitment",
        "big_number_total",
        _big_number(_metric("P95", "max(p95_floor)"), "can only rise", _WHOLE),
        width=2,
        height=24,
    ),
    Chart(
        "cost_to_date",
        "Cost to date",
        "Billing periods",
        "big_number_total",
        _big_number(_metric("Cost to date", "sum(amount_to_date)"), "owed if nothing more came", _MONEY),
        width=3,
        height=24,
    ),
    Chart(
        "cost_forecast",
        "Cost forecast",
        "Billing periods",
        "big_number_total",
        _big_number(_metric("Cost forecast", "sum(amount_forecast)"), "expected at the end of the period", _MONEY),
        width=3,
        height=24,
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
        height=24,
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
                _metric("P95 to date", "max(p95_floor)"),
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
        description="By class of state: choose waiting_human in the filter to see runs that wait for a person.",
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
                "billing_period", "line_code", "quantity", "unit", "unit_price", "amount", "currency", "status",
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
                "burst_hour_number", "hour_at", "worker_count", "workers_above", "worker_pools", "top_stacks",
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
            "linear_color_scheme": "blue_white_yellow",
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
            "linear_color_scheme": "schemeRdYlGn",
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
