"""The asset `reports/dashboard`: the last step of the daily job writes the dashboard's file."""

from collections.abc import Iterator

import dagster as dg

from orchestration.dashboard.dashboard_file import DashboardError, NothingToShowError, write_dashboard
from orchestration.resources.postgres import PostgresResource
from orchestration.warehouse.errors import WarehouseError

REPORTS = "reports"

# What the dashboard reads. data_freshness is built after every other mart and its tests.
MARTS_READ = (
    "billing_burst_hours",
    "billing_cost_allocation",
    "billing_lines",
    "billing_periods",
    "billing_queue_hourly",
    "billing_worker_commitment",
    "billing_worker_percentiles",
    "data_freshness",
    "dim_billing_periods",
    "dim_dates",
    "dim_hours",
    "dim_run_states",
    "dim_worker_pools",
    "fct_account_hourly",
    "fct_run_state_hourly",
    "fct_worker_pool_hourly",
)


@dg.asset(
    key_prefix=REPORTS,
    name="dashboard",
    deps=[["marts", mart] for mart in MARTS_READ],
    group_name=REPORTS,
    kinds={"html"},
    owners=["team:platform"],
    output_required=False,
    description="One HTML file for people, dashboard.html in USAGE_HOME: burst hours, cost and forecast, "
    "workers, minutes, waiting, coverage. It needs no server, and asks no other host for anything.",
)
def dashboard(
    context: dg.AssetExecutionContext, postgres: PostgresResource
) -> Iterator[dg.MaterializeResult]:
    """Write the file anew; without a landed day there is nothing to show, and that is no failure."""
    try:
        with postgres.reading() as connection:
            written = write_dashboard(connection, home=postgres.home)
    except NothingToShowError as error:
        context.log.info(str(error))
        return
    except (DashboardError, WarehouseError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    yield dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(written.path),
            "size_bytes": written.size_bytes,
            "billing_periods": written.periods,
        }
    )
