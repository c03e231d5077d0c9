"""When the daily job runs by itself."""

import datetime as dt

import dagster as dg

from orchestration.jobs import JOB_NAME
from orchestration.partitions import days_of_daily_run

SCHEDULE_NAME = "spacelift_usage_daily_schedule"
# The day before is over for two and a half hours: time for the vendor to count it.
CRON = "30 2 * * *"


def daily_schedule(
    *, lookback_days: int, start_date: dt.date, end_date: dt.date | None = None
) -> dg.ScheduleDefinition:
    """Yesterday and the look-back days, as one run; off until a person starts it."""

    @dg.schedule(
        name=SCHEDULE_NAME,
        job_name=JOB_NAME,
        cron_schedule=CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Every night at 02:30 UTC: yesterday, and the {lookback_days} days before it again, "
        "because the vendor may restate them. One run.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.astimezone(dt.UTC).date()
        # An account that ended has its last days read again, as long as somebody lets the schedule run.
        last = min(today, end_date) if end_date else today
        days = days_of_daily_run(today=last, lookback_days=lookback_days, start_date=start_date)
        return dg.RunRequest(run_key=today.isoformat(), tags=days.tags)

    return schedule
