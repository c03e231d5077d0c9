"""The asset `raw/run_minutes`."""

import dagster as dg

from orchestration.assets.land_days import LandingConfig, land_days
from orchestration.assets.landing_report import landing_check_specs
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.spacelift.aspects import RUN_MINUTES


def raw_run_minutes(days: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset, partitioned by the given UTC days."""

    @dg.asset(
        key=["raw", RUN_MINUTES.table],
        group_name="raw",
        kinds={"csv", "postgres"},
        owners=["team:platform"],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=landing_check_specs(["raw", RUN_MINUTES.table]),
    )
    def run_minutes(
        context: dg.AssetExecutionContext,
        config: LandingConfig,
        spacelift: SpaceliftResource,
        postgres: PostgresResource,
    ) -> dg.MaterializeResult:
        """Minutes that every run spent in every state, hour by hour, as Spacelift exports them.

        Source: the usage CSV, aspect run-minutes. Grain: run, state and UTC hour; waiting and terminal states
        are in it, so do not sum the minutes here. A day is complete once it is over; the vendor may
        restate the last days, so the daily run reads them again. A rerun replaces whole days.
        """
        return land_days(context, config, aspect=RUN_MINUTES, spacelift=spacelift, postgres=postgres)

    return run_minutes
