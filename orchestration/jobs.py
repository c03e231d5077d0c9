"""The jobs, whoever starts them: a schedule, a person in the UI or the command line.

An account has one of them: usage files come from spacelift.io, reports from a self-hosted instance.
"""

import dagster as dg

JOB_NAME = "spacelift_usage_daily"

REPORT_JOB_NAME = "spacelift_self_hosted_report"

_REPORT = dg.AssetSelection.assets(["raw", "selfhosted_rows"])
_USAGE_FILES = dg.AssetSelection.assets(["raw", "run_minutes"], ["raw", "worker_count"])

DAILY_JOB = dg.define_asset_job(
    JOB_NAME,
    selection=dg.AssetSelection.all() - _REPORT,
    # One process: starting one for each step costs ten times the work of a quiet day.
    executor_def=dg.in_process_executor,
    description="Downloads Spacelift usage for the run's days, replaces those days in the raw tables, brings "
    "the marts up to date and tests them. Any number of days is one run.",
)

REPORT_JOB = dg.define_asset_job(
    REPORT_JOB_NAME,
    selection=dg.AssetSelection.all() - _USAGE_FILES,
    executor_def=dg.in_process_executor,
    description="For a self-hosted Spacelift: asks it for the usage report of the run's days, counts workers "
    "and minutes from it, brings the marts up to date and tests them. Sends nothing unless its config says.",
)
