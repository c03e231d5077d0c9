"""The event log with kept connections writes what Dagster's own reads; red when an upgrade moves it."""

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


def test_a_dagster_yaml_that_somebody_changed_is_kept(history):
    (history / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_history({}, home=history.parent)
    assert (history / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
