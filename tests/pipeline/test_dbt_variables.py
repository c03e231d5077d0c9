"""The variables of dbt_project.yml say how costs are shared out; a misspelt one is no choice."""

from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments


@pytest.mark.parametrize(
    ("name", "value", "choices"),
    [
        ("idle_cost", "seperate", "separate or spread"),
        ("worker_allocation_by", "peak", "worker_hours or coincident_peak"),
    ],
)
def test_an_unknown_value_stops_the_build_and_names_the_choices(
    tmp_path: Path, name: str, value: str, choices: str
) -> None:
    arguments = project_arguments(PROJECT_DIR, target_path=tmp_path)
    outcome = dbtRunner().invoke([*QUIET_ARGUMENTS, "parse", *arguments, "--vars", f"{name}: {value}"])
    assert not outcome.success
    assert f"the variable {name} is '{value}': make it {choices} in dbt_project.yml" in str(outcome.exception)
