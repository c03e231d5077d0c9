"""The event log with kept connections writes what Dagster's own reads; red when an upgrade moves it."""

import multiprocessing
import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.history import prepare_history
from orchestration.history_storage import ENGINES_KEPT, KeptSqliteEventLogStorage


@dg.asset
def something() -> None:
    """An asset with an event or two."""


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")
    return prepare_history({}, home=tmp_path)


def test_runs_are_recorded_where_and_as_dagster_s_own_class_reads_them(history):
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, KeptSqliteEventLogStorage)
        runs = [dg.materialize([something], instance=instance).run_id for _ in range(ENGINES_KEPT + 1)]
        assert not instance.telemetry_enabled
        assert not instance.run_retries_enabled
    plain = SqliteEventLogStorage(str(history / "history" / "runs"))
    for run_id in runs:
        events = [entry.dagster_event_type for entry in plain.get_logs_for_run(run_id)]
        assert dg.DagsterEventType.ASSET_MATERIALIZATION in events
        assert dg.DagsterEventType.RUN_SUCCESS in events
    assert plain.get_latest_materialization_events([dg.AssetKey("something")])


def test_another_process_sees_an_event_as_soon_as_it_is_written(history):
    with dg.DagsterInstance.get() as instance:
        dg.materialize([something], instance=instance)
        with sqlite3.connect(history / "history" / "runs" / "index.db") as other:
            (count,) = other.execute("select count(*) from event_logs").fetchone()
    assert count > 0


def _prepare_and_open(barrier, home: Path) -> None:
    barrier.wait()
    prepare_history({}, home=home)
    dg.DagsterInstance.get().dispose()


def test_processes_that_race_for_the_first_start_make_one_history(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    racers = [context.Process(target=_prepare_and_open, args=(barrier, tmp_path)) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=60)
    assert [racer.exitcode for racer in racers] == [0] * 4
    files = sorted((tmp_path / "dagster").rglob("*.db"), key=lambda file: file.name)
    assert [file.name for file in files] == ["index.db", "runs.db", "schedules.db"]
    for file in files:
        with sqlite3.connect(file) as connection:
            assert connection.execute("select count(*) from alembic_version").fetchone() == (1,), file


def test_a_dagster_yaml_that_somebody_changed_is_kept(history):
    (history / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_history({}, home=history.parent)
    assert (history / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
