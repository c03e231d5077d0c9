"""The asset `raw/usage_loads`."""

import datetime as dt

import dagster as dg

from orchestration.assets.only_writer import only_writer
from orchestration.landing.copied_rows import take_in_copied_rows
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.spacelift.aspects import ASPECTS
from orchestration.warehouse.schema import claim_account


def raw_usage_loads(start_date: dt.date) -> dg.AssetsDefinition:
    """The asset; days before the start date are not looked at."""

    @dg.asset(
        key=["raw", "usage_loads"],
        deps=[["raw", aspect.table] for aspect in ASPECTS.values()],
        group_name="raw",
        kinds={"postgres"},
        owners=["team:platform"],
    )
    def usage_loads(
        context: dg.AssetExecutionContext, spacelift: SpaceliftResource, postgres: PostgresResource
    ) -> dg.MaterializeResult[None]:
        """One row per attempt to land one aspect of one UTC day: what came, was set aside, or failed.

        Written by the landing of both files; models know from it which days are covered. This step adds days
        whose rows a person copied into the raw tables with psql, as Spacelift documents it: source `copy`.
        """
        today = dt.datetime.now(tz=dt.UTC).date()
        metadata: dict[str, int] = {}
        with only_writer(context, postgres) as connection:
            claim_account(connection, spacelift.account)
            for aspect in ASPECTS.values():
                copied = take_in_copied_rows(
                    connection, aspect=aspect, account=spacelift.account, since=start_date, until=today
                )
                metadata[f"{aspect.table}_days_copied_by_hand"] = len(copied)
                for day, rows in copied.items():
                    context.log_event(
                        dg.AssetMaterialization(
                            ["raw", aspect.table],
                            partition=day.isoformat(),
                            metadata={"dagster/row_count": rows, "source": "copy"},
                        )
                    )
        return dg.MaterializeResult(metadata=metadata)

    return usage_loads
