"""Tables that are brought up to date in place refuse what a table made anew would refuse."""

import shutil
from pathlib import Path

import pytest

from orchestration.dbt_manifest import PROJECT_DIR
from orchestration.resources.dbt import failure_line
from orchestration.warehouse.connection import connect
from tests.database import warehouse_by_hand
from tests.database.warehouse_by_hand import Warehouse


def test_two_rows_of_one_key_and_another_type_than_the_contract_s_stop_the_build_of_a_table_that_is_there(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_DIR, project, ignore=shutil.ignore_patterns("target"))
    monkeypatch.setattr(warehouse_by_hand, "PROJECT_DIR", project)
    warehouse = Warehouse(database_url, dbt_target=tmp_path, monkeypatch=monkeypatch)
    warehouse.land("2024-02-01", workers=((8, "pool", 3),))
    models = project / "models"
    select = ("--select", "+dim_dates", "+int_worker_pool_names", "+fct_account_hourly")
    warehouse.build(*select)

    # Joins that fan out.
    for model in ("marts/usage/dim_dates", "intermediate/int_worker_pool_names"):
        file = models / f"{model}.sql"
        text = file.read_text()
        file.write_text(f"{text}\nunion all\n{text.rstrip().splitlines()[-1]}\n")
    said = failure(warehouse, "--select", "dim_dates", "int_worker_pool_names")
    assert said.count("is duplicated") == 2

    # A contract that was changed without its model.
    contract = models / "marts/usage/_usage__models.yml"
    before, name, after = contract.read_text().partition("  - name: fct_account_hourly\n")
    declared = "{name: worker_count, data_type: integer,"
    assert declared in after
    contract.write_text(before + name + after.replace(declared, declared.replace("integer", "bigint"), 1))
    assert "enforced contract that failed" in failure(warehouse, "--select", "fct_account_hourly")


def failure(warehouse: Warehouse, *arguments: str) -> str:
    outcome = warehouse.try_build(*arguments)
    assert not outcome.success
    return failure_line(outcome, database_url=warehouse.url)


def test_comments_become_those_of_the_project_again(
    database_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)
    comments = """
        select
            obj_description('staging.stg_spacelift__usage_loads'::regclass, 'pg_class'),
            obj_description('marts.dim_run_states'::regclass, 'pg_class'),
            col_description('marts.dim_run_states'::regclass, 1)
    """
    with connect(database_url, autocommit=True) as connection:
        warehouse.build("--select", "stg_spacelift__usage_loads", "+dim_run_states")
        described = connection.execute(comments).fetchone()
        assert described is not None
        assert all(described)
        connection.execute("comment on view staging.stg_spacelift__usage_loads is 'it''s $described$ old'")
        connection.execute("comment on table marts.dim_run_states is null")
        connection.execute("comment on column marts.dim_run_states.run_state is 'old'")
        warehouse.build("--select", "stg_spacelift__usage_loads", "dim_run_states")
        assert connection.execute(comments).fetchone() == described


def test_a_table_made_anew_is_known_to_the_planner_before_others_read_it(
    database_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)
    warehouse.land("2024-02-01", workers=((8, "pool", 3),))
    warehouse.build("--select", "+fct_worker_pool_hourly")
    with connect(database_url) as connection:
        unknown = connection.execute(
            "select oid::regclass::text from pg_class where relkind = 'r' and reltuples < 0"
            " and relnamespace in ('marts'::regnamespace, 'intermediate'::regnamespace)"
        ).fetchall()
    # dbt's own: it is loaded by a seed, and has a dozen rows.
    assert unknown == [("intermediate.run_states",)]
