"""The asset `raw/worker_count`."""

import dagster as dg

from orchestration.assets.land_days import LandingConfig, land_days
from orchestration.assets.landing_report import landing_check_specs
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.spacelift.aspects import WORKER_COUNT


def raw_worker_count(days: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset, partitioned by the given UTC days."""

    @dg.asset(
        key=["raw", WORKER_COUNT.table],
        group_name="raw",
        kinds={"csv", "postgres"},
        owners=["team:platform"],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=landing_check_specs(["raw", WORKER_COUNT.table]),
    )
    def worker_count(
        context: dg.AssetExecutionContext,
        config: LandingConfig,
        spacelift: SpaceliftResource,
        postgres: PostgresResource,
    ) -> dg.MaterializeResult:
        """Workers connected to every private pool, hour by hour, as Spacelift exports them.

        Source: the usage CSV, aspect worker-count. Grain: pool name and UTC hour; hours without workers are
        left out, so percentiles taken here are wrong: the marts fill the zeros in. A day is complete once it
        is over; the vendor may restate the last days, so the daily run reads them again. A rerun replaces
        whole days.
        """
        return land_days(context, config, aspect=WORKER_COUNT, spacelift=spacelift, postgres=postgres)

    return worker_count
