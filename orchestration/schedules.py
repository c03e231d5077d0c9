"""When the daily job runs by itself."""

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.partitions import days_of_daily_run

SCHEDULE_NAME = "spacelift_usage_daily_schedule"
# The day before is over for two and a half hours: time for the vendor to count it.
CRON = "30 2 * * *"


def daily_schedule(
    job: UnresolvedAssetJobDefinition, *, lookback_days: int, start_date: dt.date
) -> dg.ScheduleDefinition:
    """Yesterday and the look-back days, as one run; off until a person starts it."""

    @dg.schedule(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule=CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Every night at 02:30 UTC: yesterday, and the {lookback_days} days before it again, "
        "because the vendor may restate them. One run.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.astimezone(dt.UTC).date()
        days = days_of_daily_run(today=today, lookback_days=lookback_days, start_date=start_date)
        return dg.RunRequest(run_key=today.isoformat(), tags=days.tags)

    return schedule
