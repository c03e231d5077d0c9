"""The rules of the dbt project's rooms, read from its manifest."""

from typing import Any

import pytest

from orchestration.contracts.invoices_file import BILL_LINES
from orchestration.dbt_manifest import load_manifest


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
        and node["attached_node"] == "model.spacelift_usage.billing_lines"
        and node["column_name"] == "line_code"
    ]
    assert tuple(values) == BILL_LINES
