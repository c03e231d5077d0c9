"""The rules of the dbt project's rooms, read from its manifest."""

import re
from typing import Any

import pytest

from orchestration.assets import dashboard
from orchestration.contracts.invoices_file import BILL_LINES
from orchestration.dbt_manifest import PROJECT_DIR, load_manifest


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return load_manifest()


def models_of(manifest: dict[str, Any], layer: str) -> dict[str, dict[str, Any]]:
    return {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["fqn"][1] == layer
    }


def parents_of(node: dict[str, Any], kind: str) -> set[str]:
    return {parent for parent in node["depends_on"]["nodes"] if parent.startswith(f"{kind}.")}


def test_only_staging_reads_sources_and_reads_nothing_else(manifest: dict[str, Any]) -> None:
    staging = models_of(manifest, "staging")
    assert all(parents_of(node, "source") and not parents_of(node, "model") for node in staging.values())
    others = {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and unique_id not in staging
    }
    assert [unique_id for unique_id, node in others.items() if parents_of(node, "source")] == []


def test_every_model_and_every_column_of_a_mart_is_described(manifest: dict[str, Any]) -> None:
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert [node["name"] for node in models if not node["description"].strip()] == []
    undescribed = [
        f"{node['name']}.{column['name']}"
        for node in models_of(manifest, "marts").values()
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert undescribed == []


def test_every_number_in_a_mart_says_whether_it_may_be_added_up(manifest: dict[str, Any]) -> None:
    # Numbers that only name or order something.
    of_the_calendar = {"dim_dates", "dim_hours"}
    ordinals = {"load_id", "previous_load_id", "line_order", "burst_hour_number", "lifecycle_order"}
    silent = [
        f"{node['name']}.{column['name']}"
        for node in models_of(manifest, "marts").values()
        for column in node["columns"].values()
        if column["data_type"].startswith(("integer", "bigint", "numeric"))
        and not re.search(r"\badd(ed)?( it)? up\b", column["description"])
        and node["name"] not in of_the_calendar
        and column["name"] not in ordinals
    ]
    assert silent == []


def test_every_table_about_a_period_a_stack_or_a_pool_has_a_foreign_key_for_it(
    manifest: dict[str, Any],
) -> None:
    keys = {
        "period_start_at": "dim_billing_periods",
        "stack_ulid": "dim_stacks",
        "worker_pool_key": "dim_worker_pools",
        "hour_at": "dim_hours",
    }
    missing = [
        (node["name"], dimension)
        for node in models_of(manifest, "marts").values()
        for column, dimension in keys.items()
        if column in node["columns"]
        and node["name"] != dimension
        and node["config"]["materialized"] != "view"
        and not any(dimension in (constraint.get("to") or "") for constraint in node["constraints"])
    ]
    assert missing == []


def test_every_exposure_has_an_owner_and_reads_marts_alone(manifest: dict[str, Any]) -> None:
    exposures = manifest["exposures"].values()
    assert [
        exposure["name"]
        for exposure in exposures
        if not (exposure["owner"].get("name") and exposure["owner"].get("email") and exposure["description"])
    ] == []
    marts = set(models_of(manifest, "marts"))
    read = {(exposure["name"], parent) for exposure in exposures for parent in parents_of(exposure, "model")}
    assert {(name, parent) for name, parent in read if parent not in marts} == set()


def test_every_step_can_be_queried(manifest: dict[str, Any]) -> None:
    # A test of an ephemeral model is a check of no asset; whoever takes one in is read through by dbt.
    ephemeral = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "ephemeral"
    ]
    assert ephemeral == []


def test_every_model_behind_staging_has_a_key_test(manifest: dict[str, Any]) -> None:
    with_key_test = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata", {}).get("name") in {"unique", "unique_combination"}
    }
    one_row = {"model.spacelift_usage.data_freshness"}
    behind_staging = models_of(manifest, "intermediate") | models_of(manifest, "marts")
    assert sorted(set(behind_staging) - with_key_test - one_row) == []


def test_every_mart_has_an_enforced_contract(manifest: dict[str, Any]) -> None:
    marts = models_of(manifest, "marts")
    assert [
        unique_id for unique_id, node in marts.items() if not node["config"]["contract"]["enforced"]
    ] == []


def test_every_column_named_ulid_in_staging_and_marts_is_tested_as_one(manifest: dict[str, Any]) -> None:
    tested = {
        (node["attached_node"], node["column_name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("test_metadata", {}).get("name") == "is_ulid"
    }
    models = models_of(manifest, "staging") | models_of(manifest, "marts")
    columns = {
        (unique_id, column)
        for unique_id, node in models.items()
        for column in node["columns"]
        if column.endswith("_ulid")
    }
    assert columns
    assert columns - tested == set()


def test_incremental_models_replace_days_and_take_new_columns(manifest: dict[str, Any]) -> None:
    incremental = [
        node for node in manifest["nodes"].values() if node["config"].get("materialized") == "incremental"
    ]
    assert {node["config"]["incremental_strategy"] for node in incremental} == {"replace"}
    marts = [node for node in incremental if node["fqn"][1] == "marts"]
    assert {node["config"]["on_schema_change"] for node in marts} == {"append_new_columns"}


def test_an_invoice_may_have_every_line_that_a_bill_has(manifest: dict[str, Any]) -> None:
    (values,) = [
        node["test_metadata"]["kwargs"]["values"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("attached_node") == "model.spacelift_usage.billing_lines"
        and node["column_name"] == "line_code"
    ]
    assert tuple(values) == BILL_LINES


def test_an_exposure_names_the_marts_that_are_read_where_it_says(manifest: dict[str, Any]) -> None:
    readers = {
        "billing_summary": ("orchestration/summary.py", "orchestration/last_bill.py"),
        "usage_dashboard": ("orchestration/dashboard/*.py",),
        "kibana_dashboard": ("orchestration/exports/elastic.py", "orchestration/exports/elastic_*.sql"),
    }
    for name, patterns in readers.items():
        sources = [path.read_text() for pattern in patterns for path in PROJECT_DIR.parent.glob(pattern)]
        # Of data_freshness the export only asks whether it is there.
        read = {
            mart for text in sources for mart in re.findall(r"(?:from|join|regclass\(') ?marts\.(\w+)", text)
        }
        exposure = manifest["exposures"][f"exposure.spacelift_usage.{name}"]
        assert read == {node.rpartition(".")[2] for node in exposure["depends_on"]["nodes"]}, name


def test_the_dashboard_s_asset_names_the_marts_of_its_exposure(manifest: dict[str, Any]) -> None:
    exposure = manifest["exposures"]["exposure.spacelift_usage.usage_dashboard"]
    named = {node.rpartition(".")[2] for node in exposure["depends_on"]["nodes"]}
    assert set(dashboard.MARTS_READ) == named
