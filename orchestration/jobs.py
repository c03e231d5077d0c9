"""The one job: whoever starts it, the schedule, a person in the UI or the command line."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

JOB_NAME = "spacelift_usage_daily"


def daily_job(days: dg.PartitionsDefinition[str]) -> UnresolvedAssetJobDefinition:
    """Everything from the download to the marts, for any range of days, as one run."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.all(),
        partitions_def=days,
        # One process: starting one for each step costs ten times the work of a quiet day.
        executor_def=dg.in_process_executor,
        description="Downloads Spacelift usage for the run's days, replaces those days in the raw tables, "
        "brings the marts up to date and tests them. Any number of days is one run.",
    )
