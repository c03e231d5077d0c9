"""Metrics asked for by name give what SQL gives; the documentation of both is one file without secrets."""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

from orchestration.commands.docs import write_static_docs
from orchestration.commands.metrics import metricflow_environment
from orchestration.resources.dbt import dbt_environment
from orchestration.warehouse.connection import connect
from tests.conftest import target_of

METRICS_AND_SQL = [
    pytest.param(
        ["private_minutes", "public_minutes", "worker_hours", "workers_max", "workers_p95"],
        "metric_time__month",
        """
        select date_trunc('month', hour_at) at time zone 'UTC', sum(private_active_minutes),
            sum(public_active_minutes), sum(worker_count), max(worker_count),
            percentile_disc(0.95) within group (order by worker_count)
        from fct_account_hourly group by 1
        """,
        id="minutes and workers of the account by month",
    ),
    pytest.param(
        ["cost", "cost_allocated", "workers_billed", "burst_hours_left"],
        "metric_time__day",
        """
        select period_start_at at time zone 'UTC', amount_to_date, amount_to_date,
            billing_worker_commitment.billable_workers, billing_worker_commitment.burst_hours_left
        from billing_periods inner join billing_worker_commitment using (contract_id, period_start_at)
        """,
        id="bills by period, shared out to the cent",
    ),
    pytest.param(
        ["minutes_in_state"],
        "run_state__state_class",
        """
        select state_class, sum(state_minutes)
        from fct_run_state_hourly inner join dim_run_states using (run_state) group by 1
        """,
        id="minutes by class of run state",
    ),
    pytest.param(
        ["pool_workers_p95"],
        "worker_pool__worker_pool_name",
        """
        select dim_worker_pools.worker_pool_name, percentile_disc(0.95) within group (order by worker_count)
        from fct_worker_pool_hourly inner join dim_worker_pools using (worker_pool_key) group by 1
        """,
        id="P95 of each pool",
    ),
]


@pytest.fixture(scope="module")
def metricflow(
    demo_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CLIConfiguration]:
    """What `mf query` works with, in this process: its command spends five seconds on starting."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        variables = metricflow_environment(demo_warehouse_url, log_folder=str(tmp_path_factory.mktemp("mf")))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        configuration = CLIConfiguration()
        configuration.setup(configure_file_logging=False)
        yield configuration


@pytest.mark.parametrize(("metrics", "group_by", "sql"), METRICS_AND_SQL)
def test_a_metric_is_what_sql_says(
    metrics: list[str], group_by: str, sql: str, metricflow: CLIConfiguration, demo_warehouse_url: str
) -> None:
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=[group_by])
    table = metricflow.mf.query(mf_request=request).result_df
    assert table is not None
    assert table.column_names == (group_by, *metrics)
    with connect(demo_warehouse_url) as connection:
        connection.execute("set search_path to marts")
        expected = connection.execute(sql.encode()).fetchall()
    assert expected
    assert by_key(table.rows) == by_key(expected)


def test_the_documentation_tells_types_and_metrics_and_no_password(
    demo_warehouse_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dbt_environment(demo_warehouse_url, inherited=os.environ).items():
        monkeypatch.setenv(name, value)
    folder = target_of(demo_warehouse_url, dbt_target)
    page = write_static_docs(demo_warehouse_url, folder=folder).read_text()
    assert "numeric(18,6)" in page  # dbt has read the tables themselves
    assert "It is taken anew for every range and never added up" in page
    password = urlsplit(demo_warehouse_url).password
    assert password
    assert [
        path for path in folder.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
    ] == []


def by_key(rows: Any) -> dict[Any, tuple[Any, ...]]:
    """MetricFlow hands on floats; the marts have six digits, so nothing is lost by printing them again."""
    keyed = {
        row[0]: tuple(value if value is None else round(Decimal(str(value)), 6) for value in row[1:])
        for row in rows
    }
    assert len(keyed) == len(rows)
    return keyed
