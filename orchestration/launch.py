"""A run of the daily job in this process, recorded as if the UI had launched it.

Here: the run, its events, what to tell a person when it failed. Not here: which days (partitions.py).
"""

import sys
from collections.abc import Mapping
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

from orchestration.assets.dbt_models import STEP_NAME as DBT_STEP_NAME
from orchestration.jobs import JOB_NAME
from orchestration.landing.usage_file import UsageFile
from orchestration.partitions import DayRange
from orchestration.spacelift.aspects import ASPECTS

DEFINITIONS_MODULE = "orchestration.definitions"
PROJECT_ROOT = Path(__file__).resolve().parents[1]
WORKSPACE = PROJECT_ROOT / "workspace.yaml"

RAW_SCHEMA = "raw"

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
    *,
    from_archive: bool = False,
    accept_shrinkage: bool = False,
    full_refresh: bool = False,
    file: UsageFile | None = None,
    on_model: ModelListener,
) -> RunOutcome:
    """Run the job for these days and wait for its end; DAGSTER_HOME says where it is recorded.

    With `file` its aspect is landed from there, and what only the vendor could tell is left out of the run.

    Raises:
        KeyboardInterrupt: a person ended it; the step has given back what it held.
    """
    repository = ReconstructableRepository.for_module(
        DEFINITIONS_MODULE, "defs", working_directory=str(PROJECT_ROOT)
    )
    job = repository.get_reconstructable_job(JOB_NAME)
    if file is not None:
        job = job.get_subset(asset_selection=_without_the_vendor(job.get_definition(), file=file))
    failures: list[str] = []
    with dg.DagsterInstance.get() as instance:
        definition = job.get_definition()
        models = {key for key in definition.asset_layer.selected_asset_keys if key.path[0] != RAW_SCHEMA}
        built: set[dg.AssetKey] = set()
        run = instance.create_run_for_job(
            job_def=definition,
            run_config=_run_config(
                from_archive=from_archive,
                accept_shrinkage=accept_shrinkage,
                full_refresh=full_refresh,
                file=file,
            ),
            tags=days.tags,
            asset_selection=job.asset_selection,
            # This is what ties the run to the job in the UI.
            remote_job_origin=_job_in_workspace(),
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
                failures.append(_reason(event))
        finished = instance.get_run_by_id(run.run_id)
    return RunOutcome(
        run_id=run.run_id, succeeded=finished is not None and finished.is_success, failures=failures
    )


def _run_config(
    *, from_archive: bool, accept_shrinkage: bool, full_refresh: bool, file: UsageFile | None
) -> Mapping[str, Any]:
    models = {DBT_STEP_NAME: {"config": {"full_refresh": full_refresh}}}
    if file is not None:
        from_file = {"config": {"file": str(file.path.absolute()), "accept_shrinkage": accept_shrinkage}}
        return {**_QUIET, "ops": {f"{RAW_SCHEMA}__{file.aspect.table}": from_file, **models}}
    landing = {"config": {"from_archive": from_archive, "accept_shrinkage": accept_shrinkage}}
    return {
        **_QUIET,
        "ops": {
            "raw__run_minutes": landing,
            "raw__worker_count": landing,
            "raw__vendor_usage": {"config": {"from_archive": from_archive}},
            **models,
        },
    }


def _without_the_vendor(job: dg.JobDefinition, *, file: UsageFile) -> frozenset[dg.AssetKey]:
    """The job's assets but those that would ask the vendor."""
    asked = {aspect.table for aspect in ASPECTS.values() if aspect != file.aspect}
    asked |= {"vendor_usage", "vendor_worker_pools"}
    keys = job.asset_layer.selected_asset_keys
    return frozenset(key for key in keys if not (key.path[0] == RAW_SCHEMA and key.path[-1] in asked))


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    error = event.step_failure_data.error
    return error is not None and error.cls_name == DagsterExecutionInterruptedError.__name__


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error and error.cause:
        error = error.cause
    message = " ".join(error.message.split()) if error else "failed without saying why"
    return f"{event.step_key}: {message}"


def _job_in_workspace() -> RemoteJobOrigin:
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
        repository_origin=RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job_name=JOB_NAME
    )
