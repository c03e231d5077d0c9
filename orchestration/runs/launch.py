"""A run of the daily job in this process, recorded as if the UI had launched it.

Here: the run, its events, what to tell a person when it failed. Not here: which days (partitions.py).
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_run_id

from orchestration.assets.dbt_models import STEP_NAME as DBT_STEP_NAME
from orchestration.jobs import JOB_NAME, REPORT_JOB_NAME
from orchestration.landing.usage_file import UsageFile
from orchestration.partitions import DayRange
from orchestration.runs.failures import reason_of
from orchestration.runs.forgotten import alive, report_killed_commands
from orchestration.runs.options import RunOptions
from orchestration.spacelift.aspects import ASPECTS

DEFINITIONS_MODULE = "orchestration.definitions"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = PROJECT_ROOT / "workspace.yaml"

RAW_SCHEMA = "raw"

# On the runs of this module: who started them hears by itself how they ended.
COMMAND_LINE_TAG = "usage/command_line"

# Everything stands in the history; what a person sees is our own progress and summary.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class ModelListener(Protocol):
    """Called for every model that dbt has built."""

    def __call__(self, *, done: int, total: int, name: str) -> None:
        """`done` of `total` are built, the last one is `name`."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended, with one line for each step that failed."""

    run_id: str
    succeeded: bool
    failures: list[str]


def run_daily_job(
    days: DayRange,
    options: RunOptions,
    *,
    on_model: ModelListener,
    on_killed: Callable[[dg.DagsterRun], None],
) -> RunOutcome:
    """Run the job for these days and wait for its end; DAGSTER_HOME says where it is recorded.

    `on_killed` hears of every earlier run of the command line that turns out to have been killed.

    Raises:
        KeyboardInterrupt: a person ended it; the step has given back what it held.
    """
    repository = ReconstructableRepository.for_module(
        DEFINITIONS_MODULE, "defs", working_directory=str(PROJECT_ROOT)
    )
    file, report = options.file, options.report
    job_name = JOB_NAME if report is None else REPORT_JOB_NAME
    job = repository.get_reconstructable_job(job_name)
    is_report_file = report is not None and report.file is not None
    if not options.build_models and file is not None:
        job = job.get_subset(asset_selection=frozenset({dg.AssetKey([RAW_SCHEMA, file.aspect.table])}))
    elif file is not None or is_report_file or not options.download:
        job = job.get_subset(asset_selection=without_the_vendor(job.get_definition(), file=file))
    failures: list[str] = []
    run_id = make_new_run_id()
    with dg.DagsterInstance.get() as instance, alive(instance, run_id=run_id):
        for killed in report_killed_commands(instance):
            on_killed(killed)
        definition = job.get_definition()
        selected = definition.asset_layer.selected_asset_keys
        models = {key for key in selected if key.path[0] not in (RAW_SCHEMA, "exports")}
        built: set[dg.AssetKey] = set()
        run = instance.create_run_for_job(
            job_def=definition,
            run_id=run_id,
            run_config=_run_config(options),
            tags={**days.tags, COMMAND_LINE_TAG: "true"},
            asset_selection=job.asset_selection,
            # This is what ties the run to the job in the UI.
            remote_job_origin=_job_in_workspace(job_name),
            job_code_origin=job.get_python_origin(),
        )
        for event in execute_run_iterator(job, run, instance):
            key = event.asset_key if event.is_step_materialization else None
            if key in models:
                built.add(key)
                on_model(done=len(built), total=len(models), name=key.path[-1])
            if event.is_step_failure:
                if _was_interrupted(event):
                    raise KeyboardInterrupt
                failures.append(reason_of(event))
        finished = instance.get_run_by_id(run_id)
    return RunOutcome(
        run_id=run_id, succeeded=finished is not None and finished.is_success, failures=failures
    )


def _run_config(options: RunOptions) -> Mapping[str, Any]:
    build = {DBT_STEP_NAME: {"config": {"full_refresh": options.full_refresh}}}
    models = build if options.build_models else {}
    if options.report is not None:
        return {**_QUIET, "ops": {"raw__selfhosted_rows": {"config": options.report.model_dump()}, **models}}
    if options.file is not None:
        landing = config_of_file(options.file, accept_shrinkage=options.accept_shrinkage)
        return {**_QUIET, "ops": {**landing, **models}}
    if not options.download:
        return {**_QUIET, "ops": models}
    landing = {"config": {"from_archive": options.from_archive, "accept_shrinkage": options.accept_shrinkage}}
    return {
        **_QUIET,
        "ops": {
            "raw__run_minutes": landing,
            "raw__worker_count": landing,
            "raw__vendor_usage": {"config": {"from_archive": options.from_archive}},
            **models,
        },
    }


def config_of_file(file: UsageFile, *, accept_shrinkage: bool = False) -> dict[str, Any]:
    """The part of a run's config that lands a hand-made file."""
    config = {"file": str(file.path.absolute()), "accept_shrinkage": accept_shrinkage}
    return {f"{RAW_SCHEMA}__{file.aspect.table}": {"config": config}}


def without_the_vendor(job: dg.JobDefinition, *, file: UsageFile | None) -> frozenset[dg.AssetKey]:
    """The job's assets but those that would ask the vendor."""
    asked = {aspect.table for aspect in ASPECTS.values() if file is None or aspect != file.aspect}
    asked |= {"vendor_usage", "vendor_worker_pools"}
    keys = job.asset_layer.selected_asset_keys
    return frozenset(key for key in keys if not (key.path[0] == RAW_SCHEMA and key.path[-1] in asked))


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    error = event.step_failure_data.error
    return error is not None and error.cls_name == DagsterExecutionInterruptedError.__name__


def _job_in_workspace(job_name: str) -> RemoteJobOrigin:
    location = ManagedGrpcPythonEnvCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(
            executable_path=sys.executable,
            module_name=DEFINITIONS_MODULE,
            working_directory=str(PROJECT_ROOT),
        ),
        # As workspace.yaml names it.
        location_name=DEFINITIONS_MODULE,
    )
    return RemoteJobOrigin(
        repository_origin=RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job_name=job_name
    )
