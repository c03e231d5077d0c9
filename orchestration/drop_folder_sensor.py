"""The sensor that watches USAGE_DROP_FOLDER: one file after the other becomes a run of the job that lands it.

Where a file stands (waiting, working, done, failed) is all that is remembered, so a daemon that was killed
goes on where it was. Not here: the folder (drop_folder.py), what a file is (hand_made.py).
"""

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.assets.raw_selfhosted_rows import SELFHOSTED_ROWS, ReportConfig
from orchestration.drop_folder import DropFolder, Look, settled
from orchestration.hand_made import (
    HandMadeFile,
    HandMadeReport,
    known_already,
    recognise,
    refuse_partial_days,
    what_it_is,
)
from orchestration.jobs import JOB_NAME, REPORT_JOB_NAME
from orchestration.landing.errors import FileRefusedError
from orchestration.partitions import ONE_DAY, DayRange
from orchestration.resources.postgres import PostgresResource
from orchestration.runs.failures import reasons_of
from orchestration.runs.launch import config_of_file, without_the_vendor
from orchestration.settings import ACCOUNT, DROP_FOLDER, Settings
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.schema import claim_account
from orchestration.webhook import tell

# On the run of a file: its name in `working`.
FILE_TAG = "usage/dropped_file"
# A file must look the same twice on end, so this is also how long it must have been left alone.
SECONDS_BETWEEN_LOOKS = 30


def dropped_files(jobs: Sequence[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor; the jobs are the one of usage files and the one of reports."""

    @dg.sensor(
        name="dropped_files",
        jobs=jobs,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Lands usage files, and reports of a self-hosted instance, that people put into "
        "USAGE_DROP_FOLDER, one run each, and moves them to done/ or failed/ with the reason beside them.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, postgres: PostgresResource
    ) -> dg.SensorResult | dg.SkipReason:
        return _look(context, postgres)

    return sensor


def _look(context: dg.SensorEvaluationContext, postgres: PostgresResource) -> dg.SensorResult | dg.SkipReason:
    """The cursor is the last look at the waiting files."""
    settings = Settings.from_environment(os.environ)
    if settings.drop_folder is None:
        return dg.SkipReason(f"{DROP_FOLDER} is not set.")
    if settings.account is None:
        return dg.SkipReason(f"Whose files are they? Set {ACCOUNT}.")
    folder = DropFolder(settings.drop_folder)
    looks = folder.waiting()
    requests: list[dg.RunRequest] = []
    with postgres.connection(role=None) as connection:
        try:
            claim_account(connection, settings.account)
        except WarehouseError as error:
            return dg.SkipReason(str(error))
        unlaunched = _finish_working(context, folder, settings)
        if unlaunched is None:
            return dg.SensorResult(skip_reason="A file is being landed.", cursor=_written(looks))
        names = iter(settled(looks, before=_read(context.cursor)))
        while not requests:
            # One at a time: what this file lands decides about the next.
            if unlaunched:
                path = unlaunched.pop()
            elif (name := next(names, None)) is not None:
                path = folder.take(name, now=dt.datetime.now(tz=dt.UTC))
            else:
                break
            requests += _run_of(context, path, folder=folder, settings=settings, connection=connection)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else f"{len(looks)} files wait to be left alone.",
        cursor=_written(looks),
    )


def _finish_working(
    context: dg.SensorEvaluationContext, folder: DropFolder, settings: Settings
) -> list[Path] | None:
    """Move the files whose run has ended; those without a run, or None while one is not over."""
    unlaunched = []
    for path in folder.working():
        runs = context.instance.get_runs(dg.RunsFilter(tags={FILE_TAG: path.name}), limit=1)
        if not runs:
            unlaunched.append(path)
        elif not runs[0].is_finished:
            return None
        elif runs[0].is_success:
            folder.finish(path, succeeded=True, reason=f"landed by run {runs[0].run_id}")
        else:
            # The webhook hears of it by the sensor of failed runs.
            entries = context.instance.all_logs(runs[0].run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            events = [entry.dagster_event for entry in entries if entry.dagster_event]
            reason = reasons_of(events, otherwise="the run ended without saying why")
            folder.finish(path, succeeded=False, reason=f"{reason} (run {runs[0].run_id})")
    return unlaunched


def _run_of(
    context: dg.SensorEvaluationContext,
    path: Path,
    *,
    folder: DropFolder,
    settings: Settings,
    connection: psycopg.Connection,
) -> list[dg.RunRequest]:
    """The run that lands a file; none when it has just been moved because no run is needed, or can be."""
    today = dt.datetime.now(tz=dt.UTC).date()
    try:
        file = recognise(path, aspect=None, today=today, start_date=settings.start_date)
        if line := known_already(connection, file):
            folder.finish(path, succeeded=True, reason=line)
            return []
        if isinstance(file, HandMadeFile):
            refuse_partial_days(connection, file.usage)
    except FileRefusedError as error:
        moved = folder.finish(path, succeeded=False, reason=str(error))
        problem = tell(
            settings.webhook_url, f"{moved.name} was not landed: {error} (account {settings.account})"
        )
        if problem:
            context.log.warning(problem)
        return []
    context.log.info(f"{path.name}: {what_it_is(file)}")
    for remark in () if isinstance(file, HandMadeReport) else file.remarks:
        context.log.info(remark)
    assert context.repository_def is not None  # noqa: S101 - Dagster gives it to every sensor
    return [_request(file, repository=context.repository_def, name=path.name)]


def _request(
    file: HandMadeFile | HandMadeReport, *, repository: dg.RepositoryDefinition, name: str
) -> dg.RunRequest:
    """The run of the job that such a file needs; nobody is asked, nothing is sent."""
    if isinstance(file, HandMadeReport):
        job_name, usage, days = REPORT_JOB_NAME, None, DayRange(file.since, file.until - ONE_DAY)
        report = ReportConfig(file=str(file.path.absolute())).model_dump()
        config: dict[str, Any] = {SELFHOSTED_ROWS.to_python_identifier(): {"config": report}}
    else:
        job_name, usage = JOB_NAME, file.usage
        days = DayRange(file.usage.since, file.usage.until - ONE_DAY)
        config = config_of_file(file.usage)
    return dg.RunRequest(
        job_name=job_name,
        run_config={"ops": config},
        asset_selection=sorted(without_the_vendor(repository.get_job(job_name), file=usage)),
        tags={**days.tags, FILE_TAG: name},
    )


def _written(looks: Mapping[str, Look]) -> str:
    return json.dumps({name: asdict(look) for name, look in looks.items()})


def _read(cursor: str | None) -> dict[str, Look]:
    return {name: Look(**look) for name, look in json.loads(cursor or "{}").items()}
