"""Runs that the history calls unfinished, but whose process was killed, or its machine stopped.

Dagster runs one at a time (history.py), so such a run would keep all others in the queue for ever. A run of
the command line holds a lock on a file of its own, which the kernel takes back when the process ends, however
it ends. A run that the daemon launched belongs to a server on this machine, which can be asked.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

MESSAGE = "The process of this run ended without a word: it was killed, or the machine stopped. Run it again."

_ASK_SECONDS = 10


@contextlib.contextmanager
def alive(instance: dg.DagsterInstance, *, run_id: str) -> Iterator[None]:
    """Let others see that this process works on the run, from before it is created until it has ended."""
    folder = _alive_folder(instance)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / run_id
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        # Not after an error: then whoever looks next may have a run to report.
        path.unlink()


def report_killed_commands(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Mark as failed the runs of the command line whose process has ended; those runs."""
    killed = []
    folder = _alive_folder(instance)
    for path in folder.iterdir() if folder.is_dir() else ():
        # Locked by its process, or somebody else has just reported it.
        with contextlib.suppress(OSError), path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            killed += _report_unless_finished(instance, run_id=path.name)
            path.unlink()
    return killed


def report_killed_launches(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Mark as failed the runs of this machine's daemon whose server knows them no more; those runs."""
    killed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if GRPC_INFO_TAG in run.tags and not _server_knows(run):
            killed += _report_unless_finished(instance, run_id=run.run_id)
    return killed


def _report_unless_finished(instance: dg.DagsterInstance, *, run_id: str) -> list[dg.DagsterRun]:
    # Asked only now: it may have finished while we looked for its process.
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return []
    instance.report_run_failed(run, MESSAGE)
    return [run]


def _server_knows(run: dg.DagsterRun) -> bool:
    server = json.loads(run.tags[GRPC_INFO_TAG])
    client = DagsterGrpcClient(port=server.get("port"), socket=server.get("socket"), host=server["host"])
    try:
        answer = client.can_cancel_execution(
            CanCancelExecutionRequest(run_id=run.run_id), timeout=_ASK_SECONDS
        )
    except DagsterUserCodeUnreachableError:
        return False
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def _alive_folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "alive"
