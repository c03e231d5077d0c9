"""Dagster's own state: the folder of its history, and what its dagster.yaml says."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

DAGSTER_YAML = """\
# Made by spacelift-usage when this file was missing; yours to change.
telemetry:
  enabled: false
# No window that asks newcomers for their address before they see the page.
nux:
  enabled: false
# Waits and repeated requests are the assets' business: a repeated run would ask for everything again.
run_retries:
  enabled: false
# One writer at a time; a run that starts meanwhile stands in the queue instead of waiting with a process.
concurrency:
  runs:
    max_concurrent_runs: 1
# Dagster's own SQLite files, written with half the effort.
event_log_storage:
  module: orchestration.history_storage
  class: KeptSqliteEventLogStorage
# The steps print nothing: what they say stands in the event log.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


def prepare_history(environ: Mapping[str, str], *, home: Path) -> Path:
    """DAGSTER_HOME when set, else the folder below `home`, with a dagster.yaml; also set for this process."""
    configured = environ.get("DAGSTER_HOME")
    folder = Path(configured) if configured else home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(folder)
    with (folder / "made.lock").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        if not (folder / "dagster.yaml").exists() and not configured:
            (folder / "dagster.yaml").write_text(DAGSTER_YAML)
        # Two processes that make Dagster's SQLite files at once leave them with their version written twice,
        # and nothing opens them any more.
        if made.tell() == 0:
            import dagster as dg

            dg.DagsterInstance.get().dispose()
            made.write("made\n")
    return folder
