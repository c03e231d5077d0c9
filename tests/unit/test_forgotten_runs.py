"""Runs whose process was killed are found and called failed; those that are at work are left alone."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import dagster as dg
import pytest

from orchestration.runs.forgotten import alive, report_killed_commands


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def killed() -> AbstractContextManager[None]:
    """What a process leaves behind that ends in the middle."""
    return suppress(KeyboardInterrupt)


def started_run(instance: dg.DagsterInstance) -> str:
    @dg.job
    def nothing() -> None: ...

    run = instance.create_run_for_job(nothing)
    instance.report_run_canceling(run)
    return run.run_id


def test_a_run_at_work_is_left_alone_and_one_whose_process_ended_is_failed(instance):
    run_id = started_run(instance)
    with killed(), alive(instance, run_id=run_id):
        assert report_killed_commands(instance) == []
        raise KeyboardInterrupt
    assert [run.run_id for run in report_killed_commands(instance)] == [run_id]
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.FAILURE
    # It is reported once.
    assert report_killed_commands(instance) == []


def test_a_run_that_finished_before_its_process_ended_stays_as_it_is(instance):
    run_id = started_run(instance)
    with killed(), alive(instance, run_id=run_id):
        run = instance.get_run_by_id(run_id)
        assert run is not None
        instance.report_run_canceled(run)
        raise KeyboardInterrupt
    assert report_killed_commands(instance) == []
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.CANCELED
