"""What Dagster finds when it loads workspace.yaml: a rename shows here first."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.reconstruct import ReconstructableRepository

from orchestration.definitions import build_defs

ROOT = Path(__file__).resolve().parents[2]

RAW_ASSETS = {"raw/run_minutes", "raw/worker_count"}
UNPARTITIONED_RAW_ASSETS = {
    "raw/contracts",
    "raw/invoices",
    "raw/vendor_usage",
    "raw/vendor_worker_pools",
}
CONTRACT_MARTS = {
    "marts/dim_dates",
    "marts/dim_hours",
    "marts/dim_run_states",
    "marts/dim_stacks",
    "marts/dim_worker_pools",
    "marts/fct_runs",
    "marts/fct_worker_pool_hourly",
    "marts/fct_account_hourly",
    "marts/fct_run_state_hourly",
    "marts/fct_stack_daily",
    "marts/dim_billing_periods",
    "marts/billing_worker_percentiles",
}
LAYERS = ("raw", "staging", "intermediate", "marts", "exports")
ENVIRONMENT = {"USAGE_START_DATE": "2024-02-01", "USAGE_LOOKBACK_DAYS": "3"}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs(ENVIRONMENT)


@pytest.fixture(scope="module")
def job(defs: dg.Definitions) -> dg.JobDefinition:
    return defs.resolve_job_def("spacelift_usage_daily")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_workspace_yaml_loads_the_job_and_its_schedule_under_their_names():
    (location,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    repository = ReconstructableRepository.for_module(location["python_module"], "defs").get_definition()
    assert "spacelift_usage_daily" in repository.job_names
    assert "spacelift_self_hosted_report" in repository.job_names
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "spacelift_usage_daily_schedule",
        "spacelift_self_hosted_report_schedule",
        "spacelift_self_hosted_sending_schedule",
    }


def test_the_job_goes_from_the_raw_files_to_every_mart_of_the_contract(job):
    keys = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    assert keys >= RAW_ASSETS | UNPARTITIONED_RAW_ASSETS | CONTRACT_MARTS


def test_raw_assets_are_utc_days_from_the_start_date_and_a_backfill_is_one_run(defs):
    for key in sorted(RAW_ASSETS):
        asset = defs.get_assets_def(dg.AssetKey.from_user_string(key))
        assert asset.partitions_def == dg.DailyPartitionsDefinition("2024-02-01", timezone="UTC")
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_asset_has_a_layer_a_description_and_an_owner(defs):
    for spec in defs.resolve_all_asset_specs():
        assert spec.group_name == spec.key.path[0], spec.key
        assert spec.group_name in LAYERS, spec.key
        assert spec.description, f"{spec.key.to_user_string()} has no description"
        assert spec.owners, f"{spec.key.to_user_string()} is nobody's"


def test_dbt_models_stand_downstream_of_the_raw_assets(defs):
    upstream = defs.resolve_asset_graph().get_ancestor_asset_keys(
        dg.AssetKey(["marts", "fct_account_hourly"])
    )
    assert {key.to_user_string() for key in upstream} >= RAW_ASSETS


def test_amounts_wait_for_the_contracts(defs):
    upstream = defs.resolve_asset_graph().get_ancestor_asset_keys(
        dg.AssetKey(["marts", "dim_billing_periods"])
    )
    assert dg.AssetKey(["raw", "contracts"]) in upstream


def test_each_raw_asset_is_checked_for_days_gaps_freshness_columns_and_rows(job):
    checks = {(key.asset_key.path[-1], key.name) for key in job.asset_layer.asset_graph.asset_check_keys}
    for table in ("run_minutes", "worker_count"):
        assert checks >= {
            (table, "every_requested_day_landed"),
            (table, "no_gap_between_days"),
            (table, "no_day_shrank"),
            (table, "every_line_accounted_for"),
            (table, "fresh"),
            (table, "no_unknown_columns"),
            (table, "no_quarantined_rows"),
        }


def test_elasticsearch_is_in_the_daily_job_only_where_one_is_configured(job):
    elastic = dg.AssetKey(["exports", "elasticsearch"])
    assert elastic not in job.asset_layer.selected_asset_keys
    configured = build_defs({**ENVIRONMENT, "ELASTICSEARCH_URL": "https://elastic.example"})
    assert elastic in configured.resolve_job_def("spacelift_usage_daily").asset_layer.selected_asset_keys


def test_an_account_is_asked_for_files_or_for_reports_never_for_both(defs, job):
    files = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    report_job = defs.resolve_job_def("spacelift_self_hosted_report")
    reports = {key.to_user_string() for key in report_job.asset_layer.selected_asset_keys}
    assert files - reports == RAW_ASSETS
    assert reports - files == {"raw/selfhosted_rows"}


def test_the_schedules_are_off_until_somebody_starts_them(defs):
    for schedule in defs.get_repository_def().schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "UTC"


def test_last_week_is_sent_on_mondays_and_only_where_this_project_reports(defs, instance):
    def tick(definitions: dg.Definitions) -> Any:
        schedule = definitions.get_schedule_def("spacelift_self_hosted_sending_schedule")
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=dt.datetime(2024, 3, 4, 4, tzinfo=dt.UTC),
            repository_def=definitions.get_repository_def(),
        )
        return schedule.evaluate_tick(context)

    assert "USAGE_REPORTING is manual" in str(tick(defs).skip_message)
    (request,) = tick(build_defs(ENVIRONMENT | {"USAGE_REPORTING": "script"})).run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == "2024-02-26"
    assert request.tags["dagster/asset_partition_range_end"] == "2024-03-03"
    assert request.run_config["ops"]["raw__selfhosted_rows"]["config"] == {"send_to_spacelift": True}


@pytest.mark.parametrize(
    ("at", "first", "last"),
    [
        pytest.param("2024-03-02T02:30", "2024-02-27", "2024-03-01", id="leap day"),
        pytest.param("2026-01-01T02:30", "2025-12-28", "2025-12-31", id="new year"),
        pytest.param("2026-05-20T00:00:30", "2026-05-16", "2026-05-19", id="half a minute into the day"),
    ],
)
def test_one_run_a_night_is_about_yesterday_and_the_look_back(defs, instance, at, first, last):
    schedule = defs.get_schedule_def("spacelift_usage_daily_schedule")
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC),
        repository_def=defs.get_repository_def(),
    )
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == first
    assert request.tags["dagster/asset_partition_range_end"] == last
    assert "dagster/partition" not in request.tags


def test_the_calendar_of_an_account_that_ended_ends_and_its_last_days_are_read_again(instance):
    defs = build_defs({**ENVIRONMENT, "USAGE_END_DATE": "2024-03-01"})
    asset = defs.get_assets_def(dg.AssetKey(["raw", "run_minutes"]))
    assert asset.partitions_def.get_last_partition_key() == "2024-02-29"
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=dt.datetime(2026, 1, 1, 2, 30, tzinfo=dt.UTC),
        repository_def=defs.get_repository_def(),
    )
    for name in ("spacelift_usage_daily_schedule", "spacelift_self_hosted_report_schedule"):
        (request,) = defs.get_schedule_def(name).evaluate_tick(context).run_requests or []
        assert request.tags["dagster/asset_partition_range_start"] == "2024-02-26"
        assert request.tags["dagster/asset_partition_range_end"] == "2024-02-29"


def test_every_check_of_a_model_says_what_it_checks(job):
    graph = job.asset_layer.asset_graph
    silent = [
        key.name
        for key in graph.asset_check_keys
        # A singular test is a sentence by its name.
        if not graph.get_check_spec(key).description and not key.name.startswith("assert_")
    ]
    assert silent == []


def test_a_backfill_plans_each_model_once_however_many_days_it_has(job, instance):
    tags = {
        "dagster/asset_partition_range_start": "2024-02-01",
        "dagster/asset_partition_range_end": "2024-02-10",
    }
    run = instance.create_run_for_job(job_def=job, tags=tags)
    planned = Counter(
        entry.dagster_event.asset_key.to_user_string()
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    )
    assert planned["raw/run_minutes"] == planned["raw/worker_count"] == 10
    assert planned["marts/fct_runs"] == planned["marts/data_freshness"] == 1


def test_every_singular_test_of_dbt_is_a_check_of_one_model():
    from orchestration.dbt_manifest import load_manifest

    tests = [
        node
        for node in load_manifest()["nodes"].values()
        if node["resource_type"] == "test" and "test_metadata" not in node
    ]
    lost = [
        node["name"]
        for node in tests
        if len(node["depends_on"]["nodes"]) > 1 and "ref" not in node["config"]["meta"].get("dagster", {})
    ]
    assert not lost, f"give them meta.dagster.ref: {lost}"
