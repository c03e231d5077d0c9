"""The assets `raw/vendor_usage` and `raw/vendor_worker_pools`: one step, two questions."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from orchestration.assets.land_days import LandingConfig
from orchestration.assets.only_writer import only_writer
from orchestration.landing.raw_vendor_usage import land_vendor_figures
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.settings import SettingsError
from orchestration.spacelift.errors import SpaceliftError
from orchestration.spacelift.vendor_usage import VendorFigures, fetch_vendor_figures
from orchestration.warehouse.schema import claim_account

VENDOR_USAGE = dg.AssetKey(["raw", "vendor_usage"])
VENDOR_WORKER_POOLS = dg.AssetKey(["raw", "vendor_worker_pools"])


@dg.multi_asset(
    name="raw__vendor_usage",
    specs=[
        dg.AssetSpec(
            VENDOR_USAGE,
            group_name="raw",
            kinds={"postgres"},
            owners=["team:platform"],
            description="What Spacelift itself says about its billing period: minutes, workers, seats, "
            "prices. One row per day, the latest answer. Optional: the metadata says when it is refused.",
        ),
        dg.AssetSpec(
            VENDOR_WORKER_POOLS,
            group_name="raw",
            kinds={"postgres"},
            owners=["team:platform"],
            description="Names and ids of the private worker pools as Spacelift lists them, with their "
            "workers of that moment. One row per pool and day, the latest answer. Optional as well.",
        ),
    ],
)
def raw_vendor_usage(
    context: dg.AssetExecutionContext,
    config: LandingConfig,
    spacelift: SpaceliftResource,
    postgres: PostgresResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Ask Spacelift for its own figures and keep the day's snapshot; a refusal is told and stops nothing."""
    figures = _figures(spacelift, from_archive=config.from_archive)
    for remark in figures.remarks:
        context.log.warning(remark)
    with only_writer(context, postgres) as connection:
        if figures.usage is not None or figures.worker_pools is not None:
            claim_account(connection, spacelift.account)
            land_vendor_figures(
                connection, figures, account=spacelift.account, fetched_at=dt.datetime.now(dt.UTC)
            )
    remarks = dg.MetadataValue.md("\n".join(f"- {remark}" for remark in figures.remarks) or "none")
    yield dg.MaterializeResult(
        asset_key=VENDOR_USAGE, metadata={"is_told": figures.usage is not None, "remarks": remarks}
    )
    yield dg.MaterializeResult(
        asset_key=VENDOR_WORKER_POOLS,
        metadata={
            "is_told": figures.worker_pools is not None,
            "pools": len(figures.worker_pools or []),
            "remarks": remarks,
        },
    )


def _figures(spacelift: SpaceliftResource, *, from_archive: bool) -> VendorFigures:
    if from_archive:
        return _nothing("not asked: this run is from the archive")
    try:
        with spacelift.client() as client:
            return fetch_vendor_figures(client)
    except (SettingsError, SpaceliftError) as error:
        return _nothing(f"not asked: {error}")


def _nothing(remark: str) -> VendorFigures:
    return VendorFigures(usage=None, worker_pools=None, remarks=[remark])
