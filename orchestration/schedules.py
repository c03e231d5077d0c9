"""When jobs run by themselves; all are off until a person starts them."""

import datetime as dt

import dagster as dg

from orchestration.jobs import JOB_NAME, REPORT_JOB_NAME
from orchestration.partitions import DayRange, days_of_daily_run
from orchestration.settings import REPORTING, Reporting

SCHEDULE_NAME = "spacelift_usage_daily_schedule"
# The day before is over for two and a half hours: time for the vendor to count it.
CRON = "30 2 * * *"
REPORT_SCHEDULE_NAME = "spacelift_self_hosted_report_schedule"
SENDING_SCHEDULE_NAME = "spacelift_self_hosted_sending_schedule"
# On Mondays the week before: no day is in two of the files that are sent.
SENDING_CRON = "0 4 * * 1"


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


def report_schedule(
    *, lookback_days: int, start_date: dt.date, end_date: dt.date | None = None
) -> dg.ScheduleDefinition:
    """A self-hosted instance's report of yesterday and the look-back days; nothing is sent."""

    @dg.schedule(
        name=REPORT_SCHEDULE_NAME,
        job_name=REPORT_JOB_NAME,
        cron_schedule=CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="For a self-hosted Spacelift, every night at 02:30 UTC: the usage report of yesterday, "
        f"and of the {lookback_days} days before it again. One run. Sends nothing.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.astimezone(dt.UTC).date()
        last = min(today, end_date) if end_date else today
        days = days_of_daily_run(today=last, lookback_days=lookback_days, start_date=start_date)
        return dg.RunRequest(run_key=today.isoformat(), tags=days.tags)

    return schedule


def sending_schedule(*, reporting: Reporting) -> dg.ScheduleDefinition:
    """A self-hosted instance's report of last week to Spacelift, each once."""

    @dg.schedule(
        name=SENDING_SCHEDULE_NAME,
        job_name=REPORT_JOB_NAME,
        cron_schedule=SENDING_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="For a self-hosted Spacelift that does not report by itself, every Monday at 04:00 UTC: "
        f"the usage report of the week before, landed and sent to Spacelift. Only with {REPORTING}=script.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if reporting != "script":
            return dg.SkipReason(f"{REPORTING} is {reporting}: nothing is sent unless it is script.")
        monday = context.scheduled_execution_time.astimezone(dt.UTC).date()
        week = DayRange(first=monday - dt.timedelta(days=7), last=monday - dt.timedelta(days=1))
        return dg.RunRequest(
            run_key=monday.isoformat(),
            tags=week.tags,
            run_config={"ops": {"raw__selfhosted_rows": {"config": {"send_to_spacelift": True}}}},
        )

    return schedule
