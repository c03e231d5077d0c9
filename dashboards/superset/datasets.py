"""What the charts read: queries over the marts, each with the billing period as the filter shows it.

Here: joins and labels. Not here: figures, which are the marts' own; the charts (charts.py).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dataset:
    """A query over the marts; its columns are those of `model`, described there, and `extra`."""

    name: str
    model: str
    sql: str
    # Columns that the query adds: type and description.
    extra: dict[str, tuple[str, str]] = field(default_factory=dict)
    time_column: str | None = None


_PERIOD = "to_char(periods.period_start_at at time zone periods.time_zone, 'YYYY-MM-DD') as billing_period"
_PERIOD_COLUMN = {"billing_period": ("text", "First day of the billing period, in the contract's time zone.")}
_COMMITTED_COLUMN = {"committed_workers": ("integer", "Workers paid for in any case.")}


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
    Dataset("Billing periods", "billing_periods", _of_periods("billing_periods"), _PERIOD_COLUMN),
    Dataset("Bill lines", "billing_lines", _of_periods("billing_lines"), _PERIOD_COLUMN),
    Dataset(
        "Workers against the commitment",
        "billing_worker_commitment",
        _of_periods("billing_worker_commitment"),
        _PERIOD_COLUMN,
    ),
    Dataset(
        "Worker percentiles",
        "billing_worker_percentiles",
        f"select facts.*, commitment.committed_workers, pools.worker_pool_name, {_PERIOD}\n"
        "from marts.billing_worker_percentiles as facts\n"
        "inner join marts.dim_billing_periods as periods using (contract_id, period_start_at)\n"
        "inner join marts.billing_worker_commitment as commitment using (contract_id, period_start_at)\n"
        "left join marts.dim_worker_pools as pools using (worker_pool_key)",
        {
            **_PERIOD_COLUMN,
            **_COMMITTED_COLUMN,
            "worker_pool_name": ("text", "Latest display name of the pool; null for the account."),
        },
    ),
    Dataset(
        "Burst hours",
        "billing_burst_hours",
        _of_periods("billing_burst_hours"),
        _PERIOD_COLUMN,
        time_column="hour_at",
    ),
    Dataset(
        "Cost by bearer",
        "billing_cost_allocation",
        _of_periods(
            "billing_cost_allocation",
            extra_sql=",\n    coalesce(stack_slug, worker_pool_name, 'fees and seats') as bearer,"
            "\n    coalesce(worker_pool_name, 'no pool') as pool",
        ),
        {
            **_PERIOD_COLUMN,
            "bearer": ("text", "The stack, the idle pool, or fees and seats."),
            "pool": ("text", "The pool; none for public workers and what is shared."),
        },
    ),
    Dataset(
        "Account by hour",
        "fct_account_hourly",
        f"select facts.*, commitment.committed_workers, commitment.p95_to_date, {_PERIOD}\n"
        f"from marts.fct_account_hourly as facts\n{_HOURS_IN_PERIODS}\n"
        "inner join marts.billing_worker_commitment as commitment using (contract_id, period_start_at)",
        {
            **_PERIOD_COLUMN,
            **_COMMITTED_COLUMN,
            "p95_to_date": (
                "integer",
                "The period's billed percentile over its known hours; null before 72 of them.",
            ),
        },
        time_column="hour_at",
    ),
    Dataset(
        "Run states by hour",
        "fct_run_state_hourly",
        f"select facts.*, states.state_class, {_PERIOD}\n"
        "from marts.fct_run_state_hourly as facts\n"
        f"inner join marts.dim_run_states as states using (run_state)\n{_HOURS_IN_PERIODS}",
        {
            **_PERIOD_COLUMN,
            "state_class": (
                "text",
                "active, waiting_worker, waiting_lock, waiting_human, terminal or unknown; only minutes of "
                "one class may be added up.",
            ),
        },
        time_column="hour_at",
    ),
    Dataset(
        "Queue by hour",
        "billing_queue_hourly",
        _of_periods(
            "billing_queue_hourly",
            extra_sql=",\n    to_char(hour_at at time zone 'UTC', 'ID Dy') as weekday,"
            "\n    to_char(hour_at at time zone 'UTC', 'HH24') as hour_of_day",
        ),
        {
            **_PERIOD_COLUMN,
            "weekday": ("text", "1 Mon to 7 Sun, UTC."),
            "hour_of_day": ("text", "00 to 23, UTC."),
        },
        time_column="hour_at",
    ),
    Dataset(
        "Days landed",
        "dim_dates",
        "select *, to_char(date_day, 'YYYY-MM') as calendar_month, to_char(date_day, 'DD') as day_of_month,\n"
        "    has_run_minutes::integer + has_worker_count::integer as files_landed\n"
        "from marts.dim_dates",
        {
            "calendar_month": ("text", "As in 2026-08."),
            "day_of_month": ("text", "01 to 31."),
            "files_landed": ("integer", "2 where both files of the day have landed; less is a gap."),
        },
        time_column="date_day",
    ),
    Dataset(
        "Freshness", "data_freshness", "select * from marts.data_freshness", time_column="loaded_through"
    ),
)
