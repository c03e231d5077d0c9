"""The one job: whoever starts it, the schedule, a person in the UI or the command line."""

import dagster as dg

JOB_NAME = "spacelift_usage_daily"

DAILY_JOB = dg.define_asset_job(
    JOB_NAME,
    selection=dg.AssetSelection.all(),
    # One process: starting one for each step costs ten times the work of a quiet day.
    executor_def=dg.in_process_executor,
    description="Downloads Spacelift usage for the run's days, replaces those days in the raw tables, brings "
    "the marts up to date and tests them. Any number of days is one run.",
)
