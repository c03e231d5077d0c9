"""All dbt models as assets, their tests as checks: one step, one `dbt build`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.assets.billing_report import billing_reports
from orchestration.assets.only_writer import say_waiting
from orchestration.dbt_events import DagsterEvent
from orchestration.resources.dbt import DbtFailedError, DbtResource
from orchestration.resources.postgres import PostgresResource
from orchestration.warehouse.errors import WarehouseError


class LayerTranslator(DagsterDbtTranslator):
    """Groups by the project's layers (staging, intermediate, marts), owners by what the figures are about."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The first folder below models/; seeds stand with what reads them."""
        return (
            "intermediate" if dbt_resource_props["resource_type"] == "seed" else dbt_resource_props["fqn"][1]
        )

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Without the SQL that dagster-dbt appends: a reader of the UI has it one click away."""
        description: str = dbt_resource_props["description"]
        return description

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """With a sentence: dbt's own name of a test is cut in the UI."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        test = manifest["nodes"][unique_id]
        arguments = test.get("test_metadata", {}).get("kwargs", {})
        text = CHECK_TEXTS.get(test.get("test_metadata", {}).get("name", ""))
        if spec is None or text is None:
            return spec
        listed = {
            name: ", ".join(value)
            if isinstance(value, list | dict)
            else re.sub(r"ref\('(\w+)'\)", r"\1", str(value))
            for name, value in arguments.items()
        }
        return spec._replace(description=text.format(**listed))

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """Finance answers for what becomes of money, the platform team for the rest."""
        return ["team:finops" if "billing" in dbt_resource_props["fqn"] else "team:platform"]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """`about: billing` or `about: usage`, to search the graph by, beside dbt's own tags."""
        about = "billing" if "billing" in dbt_resource_props["fqn"] else "usage"
        return {**super().get_tags(dbt_resource_props), "about": about}


# Sorts behind the raw assets' names on purpose. Dagster takes the partitions of a run's last step, by name,
# for those of the whole run: were that a raw asset, 120 days would plan each model 120 times (90 s).
STEP_NAME = "warehouse_models"


# What a data test says, where it does not say it by its name; the arguments are those of the yml.
CHECK_TEXTS = {
    "accepted_values": "{column_name} is one of {values}.",
    "has_one_row": "There is exactly one row.",
    "is_true": "In every row: {expression}",
    "is_ulid": "{column_name} is a ULID.",
    "no_nulls": "Never null: {columns}.",
    "not_null": "{column_name} is never null.",
    "relationships": "Every {column_name} is a {field} of {to}.",
    "rules_hold": "In every row: {rules}",
    "unique": "No two rows have the same {column_name}.",
    "unique_combination": "No two rows have the same {columns}.",
}


class DbtModelsConfig(dg.Config):
    """What a person may ask of the models in the launchpad."""

    full_refresh: bool = False


def dbt_models(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The assets of all models in the manifest, with the raw tables upstream of their sources."""

    @dbt_assets(manifest=manifest, name=STEP_NAME, dagster_dbt_translator=LayerTranslator())
    def dbt_models(
        context: dg.AssetExecutionContext,
        config: DbtModelsConfig,
        dbt: DbtResource,
        postgres: PostgresResource,
    ) -> Iterator[DagsterEvent]:
        """Bring the marts up to date with the raw tables: only days that landed again are rewritten."""
        _excuse_what_this_account_does_not_have(context)
        try:
            with (
                postgres.writer_lock(on_wait=lambda: say_waiting(context)),
                billing_reports(postgres.url, home=postgres.home) as report,
            ):
                for event in dbt.build(
                    context,
                    database_url=postgres.url,
                    target_path=postgres.home / "dbt",
                    full_refresh=config.full_refresh,
                ):
                    if isinstance(event, dg.Output):
                        key = context.assets_def.keys_by_output_name[event.output_name]
                        event = event.with_metadata({**event.metadata, **report(key.path[-1])})
                    yield event
        except (DbtFailedError, WarehouseError) as error:
            raise dg.Failure(str(error)) from error

    return dbt_models


def _excuse_what_this_account_does_not_have(context: dg.AssetExecutionContext) -> None:
    """Usage files or reports, an account has one of them; Dagster's page warns of the other at every launch.

    It asks nobody any more once what is upstream has one materialization, whatever it says.
    """
    own = context.assets_def
    upstream = {dep.asset_key for spec in own.specs for dep in spec.deps} - set(own.keys)
    for key in sorted(upstream - context.job_def.asset_layer.selected_asset_keys):
        if context.instance.get_latest_materialization_event(key) is None:
            context.log_event(
                dg.AssetMaterialization(key, description="Not part of this run: the marts do without it.")
            )
