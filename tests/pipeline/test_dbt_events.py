"""What this project uses of dagster-dbt's insides: red after an upgrade that moves it."""

import importlib.metadata
import inspect
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dbt.adapters.events.types import SQLQuery
from dbt.artifacts.schemas.results import NodeStatus
from dbt.events.types import LogModelResult, LogTestResult
from dbt_common.events.base_types import EventLevel, msg_from_base_event

from orchestration.dbt_events import OUTCOME_EVENTS, BuildTranslation
from orchestration.definitions import build_defs

MODEL = "model.spacelift_usage.fct_runs"


@pytest.fixture(scope="module")
def translation() -> BuildTranslation:
    """A translation as a step that builds all models has it."""
    assets = build_defs({}).get_assets_def(dg.AssetKey(["marts", "fct_runs"]))

    context = SimpleNamespace(
        assets_def=assets,
        has_assets_def=True,
        selected_asset_keys=assets.keys,
        selected_asset_check_keys={spec.key for spec in assets.check_specs},
    )
    return BuildTranslation(context)  # type: ignore[arg-type]


def message(event, *, unique_id, resource_type, status, **more):
    node_info = {
        "node_name": unique_id.split(".")[2],
        "unique_id": unique_id,
        "resource_type": resource_type,
        "materialized": "test" if resource_type == "test" else "table",
        "node_status": status,
        "node_started_at": "2026-05-20T02:30:00",
        "node_finished_at": "2026-05-20T02:30:01.500000",
    }
    return msg_from_base_event(
        event(node_info=node_info, status=status, index=1, execution_time=1.5, **more),
        level=EventLevel.INFO,
    )


def test_the_installed_dagster_dbt_is_the_series_that_was_read():
    assert importlib.metadata.version("dagster-dbt").startswith("0.29."), (
        "read dagster_dbt/core/dbt_cli_event.py and asset_utils.py of this version, then raise this line"
    )
    assert {"context", "manifest", "select", "exclude", "selector", "dagster_dbt_translator"} <= set(
        inspect.signature(get_subset_selection_for_context).parameters
    )
    assert "LogModelResult" in inspect.getsource(DbtCoreCliEventMessage.is_result_event.fget)


def test_a_built_model_is_an_output_that_names_its_table(translation):
    (output,) = translation.dagster_events(
        message(
            LogModelResult, unique_id=MODEL, resource_type="model", status="success", description="x", total=1
        )
    )
    assert output.output_name == "marts__fct_runs"
    assert output.metadata["Execution Duration"].value == 1.5
    assert str(translation.table_of(output)).endswith('"marts"."fct_runs"')


def test_a_failed_model_is_no_output(translation):
    failed = message(
        LogModelResult, unique_id=MODEL, resource_type="model", status="error", description="x", total=1
    )
    assert list(translation.dagster_events(failed)) == []


@pytest.mark.parametrize(
    ("status", "passed", "severity"),
    [
        pytest.param(NodeStatus.Pass, True, dg.AssetCheckSeverity.ERROR, id="pass"),
        pytest.param(NodeStatus.Warn, False, dg.AssetCheckSeverity.WARN, id="warn"),
        pytest.param(NodeStatus.Fail, False, dg.AssetCheckSeverity.ERROR, id="fail"),
    ],
)
def test_a_dbt_test_is_a_check_result_of_its_model(translation, status, passed, severity):
    unique_id = next(
        node["unique_id"]
        for node in translation.manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node") == MODEL
    )
    (result,) = translation.dagster_events(
        message(
            LogTestResult,
            unique_id=unique_id,
            resource_type="test",
            status=str(status),
            num_failures=2,
            name="x",
            num_models=1,
        )
    )
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (passed, severity)
    assert result.asset_key == dg.AssetKey(["marts", "fct_runs"])


def test_every_dbt_test_is_a_check(translation, caplog):
    for unique_id, node in translation.manifest["nodes"].items():
        if node["resource_type"] != "test":
            continue
        passed = message(
            LogTestResult,
            unique_id=unique_id,
            resource_type="test",
            status="pass",
            num_failures=0,
            name="x",
            num_models=1,
        )
        kinds = [type(outcome) for outcome in translation.dagster_events(passed)]
        assert kinds == [dg.AssetCheckResult], unique_id
    # dagster-dbt warns of a test that it knows no asset for.
    assert caplog.records == []


def test_dbt_s_other_events_are_nothing_to_dagster(translation):
    chatter = msg_from_base_event(SQLQuery(conn_name="x", sql="select 1"), level=EventLevel.DEBUG)
    assert chatter.info.name not in OUTCOME_EVENTS
    assert list(translation.dagster_events(chatter)) == []
