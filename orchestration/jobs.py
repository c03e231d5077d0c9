"""The jobs, whoever starts them: a schedule, a person in the UI or the command line.

An account has one of them: usage files come from spacelift.io, reports from a self-hosted instance.
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

JOB_NAME = "spacelift_usage_daily"
REPORT_JOB_NAME = "spacelift_self_hosted_report"
ELASTIC_KEY = dg.AssetKey(["exports", "elasticsearch"])

_REPORT = dg.AssetSelection.assets(["raw", "selfhosted_rows"])
_USAGE_FILES = dg.AssetSelection.assets(["raw", "run_minutes"], ["raw", "worker_count"])


def daily_job(*, with_elastic: bool) -> UnresolvedAssetJobDefinition:
    """Usage files to marts; the export to Elasticsearch only where one is configured."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=_all_assets(with_elastic=with_elastic) - _REPORT,
        # One process: starting one for each step costs ten times the work of a quiet day.
        executor_def=dg.in_process_executor,
        description="Downloads Spacelift usage for the run's days, replaces those days in the raw tables, "
        "brings the marts up to date and tests them. Any number of days is one run.",
    )


def report_job(*, with_elastic: bool) -> UnresolvedAssetJobDefinition:
    """Reports of a self-hosted instance to marts; the export as in the daily job."""
    return dg.define_asset_job(
        REPORT_JOB_NAME,
        selection=_all_assets(with_elastic=with_elastic) - _USAGE_FILES,
        executor_def=dg.in_process_executor,
        description="For a self-hosted Spacelift: asks it for the usage report of the run's days, counts "
        "workers and minutes from it, brings the marts up to date and tests them. Sends nothing unless its "
        "config says so.",
    )


def _all_assets(*, with_elastic: bool) -> dg.AssetSelection:
    everything = dg.AssetSelection.all()
    return everything if with_elastic else everything - dg.AssetSelection.assets(ELASTIC_KEY)
