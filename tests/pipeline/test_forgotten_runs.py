"""Runs whose process was killed are found and called failed; those that are at work are left alone."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG

from orchestration.runs.forgotten import alive, report_killed_commands, report_killed_launches


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


ENDED_SERVER = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": "/nowhere/ended.sock"})}
STARTING, STARTED, CANCELING = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def test_a_launch_that_nobody_works_on_does_not_hold_the_queue(instance):
    @dg.job
    def nothing() -> None: ...

    statuses = {
        instance.create_run_for_job(nothing, tags=tags, status=status).run_id: (status, bool(tags))
        for status in (STARTING, STARTED, CANCELING, dg.DagsterRunStatus.NOT_STARTED)
        for tags in (ENDED_SERVER, {})
    }

    def reported(*, minutes_later: int) -> set[tuple[dg.DagsterRunStatus, bool]]:
        later = dt.datetime.now(tz=dt.UTC) + dt.timedelta(minutes=minutes_later)
        return {statuses[run.run_id] for run in report_killed_launches(instance, now=later)}

    assert reported(minutes_later=1) == {(STARTED, True)}
    # Starting and without a server: who launched it was killed first. Started and without one: no launch.
    between = {(STARTING, True), (STARTING, False), (CANCELING, True), (CANCELING, False)}
    assert reported(minutes_later=10) == between
    assert reported(minutes_later=10) == set()


def test_a_command_that_somebody_wants_cancelled_in_the_ui_is_no_launch(instance):
    run_id = started_run(instance)
    later = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=1)
    with alive(instance, run_id=run_id):
        assert report_killed_launches(instance, now=later) == []
