"""The one job: whoever starts it, the schedule, a person in the UI or the command line."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

JOB_NAME = "spacelift_usage_daily"
ELASTIC_KEY = dg.AssetKey(["exports", "elasticsearch"])


def daily_job(*, with_elastic: bool) -> UnresolvedAssetJobDefinition:
    """All assets; the export to Elasticsearch only where one is configured."""
    everything = dg.AssetSelection.all()
    elastic = dg.AssetSelection.assets(ELASTIC_KEY)
    return dg.define_asset_job(
        JOB_NAME,
        selection=everything if with_elastic else everything - elastic,
        # One process: starting one for each step costs ten times the work of a quiet day.
        executor_def=dg.in_process_executor,
        description="Downloads Spacelift usage for the run's days, replaces those days in the raw tables, "
        "brings the marts up to date and tests them. Any number of days is one run.",
    )
