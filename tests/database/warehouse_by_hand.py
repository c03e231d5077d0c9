"""A warehouse of raw rows that a test writes itself, and dbt over them.

Here: rows as a landing would leave them, and `dbt build` without data tests. Not here: landing files
(test_ingest.py), whole runs (tests/pipeline).
"""

import datetime as dt
import os
from pathlib import Path

import pytest
from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.schemas.results import TestStatus
from dbt.cli.main import dbtRunner, dbtRunnerResult

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.resources.dbt import dbt_environment, failure_line
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import ensure_schema
from tests.conftest import target_of


class Warehouse:
    """Raw rows written as a landing would leave them, and dbt over them."""

    def __init__(self, url: str, *, dbt_target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self._target_path = target_of(url, dbt_target)
        with connect(url) as connection:
            # A clone of a database has its schemas, but not the rights to the database itself.
            ensure_schema(connection)
        for name, value in dbt_environment(url, inherited=os.environ).items():
            monkeypatch.setenv(name, value)

    def land(
        self,
        day: str,
        *,
        runs: tuple[tuple[int, str, str, str, str, str], ...] = (),
        workers: tuple[tuple[int, str, int], ...] = (),
        aspects: tuple[str, ...] = ("run-minutes", "worker-count"),
        minutes: str = "10.25",
    ) -> None:
        """Replace the day.

        runs: hour, run, stack, state, pool ULID, pool name, each for `minutes`. workers: hour, pool, count.
        """
        start = dt.datetime.fromisoformat(f"{day}T00:00:00+00:00")

        def at(hour: int) -> int:
            return int(start.timestamp()) + 3600 * hour

        with connect(self.url) as connection:
            for table in ("run_minutes", "worker_count"):
                connection.execute(
                    f"delete from raw.{table} where timestamp_unix between %s and %s".encode(),
                    (at(0), at(24) - 1),
                )
            for hour, run, stack, state, pool, pool_name in runs:
                connection.execute(
                    "insert into raw.run_minutes"
                    " values (%s, %s, %s, %s, 'TRACKED', %s, %s, %s, %s, true, %s, %s)",
                    (
                        *(at(hour), minutes, not pool, state, run),
                        *(f"name on {day}", stack[-3:], stack, pool_name, pool),
                    ),
                )
            for hour, pool_name, count in workers:
                connection.execute(
                    "insert into raw.worker_count values (1, %s, %s, %s)", (count, at(hour), pool_name)
                )
            for aspect in aspects:
                connection.execute(
                    "insert into raw.usage_loads (account, aspect, usage_date, requested_since,"
                    " requested_until, source, status, started_at, finished_at)"
                    " values ('test', %s, %s, %s, %s::date + 1, 'api', 'succeeded', now(), now())",
                    (aspect, day, day, day),
                )

    def list_pools(self, day: str, **names: str) -> None:
        """What Spacelift's own list said that day: names by ULID."""
        with connect(self.url) as connection:
            for ulid, name in names.items():
                connection.execute(
                    "insert into raw.vendor_worker_pools values (%s::date, %s, %s)", (day, ulid, name)
                )

    def failed_tests(self, *arguments: str) -> set[str]:
        """The names of the data tests that do not hold."""
        outcome = dbtRunner().invoke(
            [
                *QUIET_ARGUMENTS,
                "test",
                *project_arguments(PROJECT_DIR, target_path=self._target_path),
                "--exclude-resource-types",
                "unit_test",
                *arguments,
            ]
        )
        assert not outcome.exception, outcome.exception
        tests = [result for result in outcome.result if result.node.resource_type == NodeType.Test]
        assert tests, "no data test was run"
        return {result.node.name for result in tests if result.status != TestStatus.Pass}

    def build(self, *arguments: str) -> None:
        """Seeds and models; their data tests are run over the demo and over another Spacelift."""
        outcome = self.try_build(*arguments)
        assert outcome.success, failure_line(outcome, database_url=self.url)

    def try_build(self, *arguments: str) -> dbtRunnerResult:
        """The same; it may fail."""
        return dbtRunner().invoke(
            [
                *QUIET_ARGUMENTS,
                "build",
                "--no-write-json",
                *project_arguments(PROJECT_DIR, target_path=self._target_path),
                "--exclude-resource-types",
                "test",
                "unit_test",
                *arguments,
            ]
        )
