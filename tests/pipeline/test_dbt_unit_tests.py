"""The unit tests of the dbt project: worked examples of its SQL, run over the types of a built warehouse."""

import os
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.resources.dbt import dbt_environment, failure_line
from tests.conftest import target_of


def test_every_unit_test_of_dbt_passes(
    demo_warehouse_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dbt_environment(demo_warehouse_url, inherited=os.environ).items():
        monkeypatch.setenv(name, value)
    arguments = project_arguments(PROJECT_DIR, target_path=target_of(demo_warehouse_url, dbt_target))
    outcome = dbtRunner().invoke([*QUIET_ARGUMENTS, "test", *arguments, "--select=test_type:unit"])
    assert outcome.success, failure_line(outcome, database_url=demo_warehouse_url)
    assert len(list(outcome.result)) > 15
