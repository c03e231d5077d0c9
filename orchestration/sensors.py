"""What the daemon watches by itself: runs that failed or were killed, and that something lands every day.

All are on from the start: they change nothing but Dagster's own history. Not here: the messages' way
(webhook.py), what a killed run is (runs/forgotten.py), when a load is fresh (checks.py).
"""

import datetime as dt
import os

import dagster as dg

from orchestration.checks import FRESH, freshness_result
from orchestration.loads import coverage_of, expected_aspects
from orchestration.resources.postgres import PostgresResource
from orchestration.runs.failures import days_of, reasons_of
from orchestration.runs.forgotten import report_killed_commands, report_killed_launches
from orchestration.runs.launch import COMMAND_LINE_TAG
from orchestration.settings import Settings
from orchestration.webhook import failed_run, tell


@dg.run_failure_sensor(
    name="failed_runs_to_webhook",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells USAGE_WEBHOOK_URL of every failed run, if it is set: job, days, reason.",
)
def failed_runs_to_webhook(context: dg.RunFailureSensorContext) -> None:
    """One message a run; those of the command line have told by themselves."""
    run = context.dagster_run
    if COMMAND_LINE_TAG in run.tags:
        return
    steps = [event for event in context.get_step_failure_events() if event.is_step_failure]
    reason = reasons_of(steps, otherwise=context.failure_event.message or "no reason was recorded")
    _tell(context, failed_run(run.job_name, days=days_of(run.tags), reason=reason))


@dg.sensor(
    name="killed_runs",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process was killed, so that the next one does not wait for them.",
)
def killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Once a minute; the runs of the daemon are then told by failed_runs_to_webhook."""
    commands = report_killed_commands(context.instance)
    for run in commands:
        _tell(context, failed_run(run.job_name, days=days_of(run.tags), reason="its process was killed"))
    killed = [*commands, *report_killed_launches(context.instance)]
    return dg.SkipReason(
        f"Killed: {', '.join(run.run_id for run in killed)}" if killed else "No run was killed."
    )


@dg.sensor(
    name="something_landed",
    minimum_interval_seconds=900,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks whether both files landed in the last 26 hours, also while no run starts. Sets the "
    "check `fresh` of the raw tables and tells USAGE_WEBHOOK_URL, once, when it begins to fail.",
)
def something_landed(
    context: dg.SensorEvaluationContext, postgres: PostgresResource
) -> dg.SensorResult | dg.SkipReason:
    """The cursor is the verdict of the last look, so that only changes are told."""
    now = dt.datetime.now(tz=dt.UTC)
    with postgres.connection() as connection:
        coverages = {
            aspect: coverage_of(connection, aspect=aspect) for aspect in expected_aspects(connection)
        }
    if all(coverage.last_success_at is None for coverage in coverages.values()):
        return dg.SkipReason("Nothing has landed yet.")
    results = {aspect: freshness_result(coverage, now=now) for aspect, coverage in coverages.items()}
    stale = [aspect.name for aspect, result in results.items() if not result.passed]
    verdict = ",".join(stale) or "fresh"
    if verdict == (context.cursor or "fresh"):
        return dg.SkipReason(f"As before: {verdict}.")
    if stale:
        _tell(context, f"no load of {' and '.join(stale)} has succeeded for 26 hours")
    return dg.SensorResult(
        asset_events=[
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(["raw", aspect.table]),
                check_name=FRESH,
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
            )
            for aspect, result in results.items()
        ],
        cursor=verdict,
    )


def _tell(context: dg.SensorEvaluationContext | dg.RunFailureSensorContext, text: str) -> None:
    settings = Settings.from_environment(os.environ)
    problem = tell(settings.webhook_url, f"{text} (account {settings.account})")
    if problem:
        context.log.warning(problem)
