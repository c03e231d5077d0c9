"""Tables that are brought up to date in place refuse what a table made anew would refuse."""

import shutil
from pathlib import Path

import pytest

from orchestration.dbt_manifest import PROJECT_DIR
from orchestration.resources.dbt import failure_line
from tests.database import warehouse_by_hand
from tests.database.warehouse_by_hand import Warehouse


@pytest.mark.parametrize("model", ["marts/usage/dim_dates", "intermediate/int_worker_pool_names"])
def test_two_rows_of_one_key_stop_the_build_also_of_a_table_that_is_there(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_DIR, project, ignore=shutil.ignore_patterns("target"))
    monkeypatch.setattr(warehouse_by_hand, "PROJECT_DIR", project)
    warehouse = Warehouse(database_url, target_path=tmp_path / "target", monkeypatch=monkeypatch)
    warehouse.land("2024-02-01", workers=((8, "pool", 3),))
    select = ("--select", f"+{Path(model).name}")
    warehouse.build(*select)

    # A join that fans out.
    file = project / "models" / f"{model}.sql"
    file.write_text(f"{file.read_text()}\nunion all\n{file.read_text().rstrip().splitlines()[-1]}\n")
    outcome = warehouse.try_build(*select)
    assert not outcome.success
    assert "is duplicated" in failure_line(outcome, database_url=database_url)
