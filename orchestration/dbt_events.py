"""What dbt reports while it works, as Dagster events. The only file that uses private parts of dagster-dbt.

Here: choosing the dbt nodes for the selected assets; one dbt event to materializations and check results.
Not here: running dbt (resources/dbt.py).

dagster-dbt offers this translation only for dbt in a subprocess, which costs five seconds of a daily run that
has nothing to load. tests/pipeline/test_dbt_events.py fails when an upgrade moves what is used here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.asset_utils import (
    DAGSTER_DBT_EXCLUDE_METADATA_KEY,
    DAGSTER_DBT_SELECT_METADATA_KEY,
    DAGSTER_DBT_SELECTOR_METADATA_KEY,
    get_manifest_and_translator_from_dbt_assets,
    get_subset_selection_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dbt_common.events.base_types import EventMsg
from dbt_common.events.functions import msg_to_dict

DagsterEvent = (
    dg.Output[Any]
    | dg.AssetMaterialization
    | dg.AssetObservation
    | dg.AssetCheckResult
    | dg.AssetCheckEvaluation
)

# Of about 80 events for a model and its tests, those that tell an outcome.
OUTCOME_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})


class BuildTranslation:
    """Arguments for `dbt build` of what a step selected, and its events in Dagster's terms."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self.manifest: Mapping[str, Any]
        self._translator: DagsterDbtTranslator
        self.manifest, self._translator, _ = get_manifest_and_translator_from_dbt_assets([context.assets_def])

    def selection_arguments(self) -> list[str]:
        """`--select` and `--exclude` for exactly the selected assets and checks."""
        tags = self._context.op_execution_context.op.tags
        arguments, indirect_selection = get_subset_selection_for_context(
            context=self._context,
            manifest=self.manifest,
            select=tags.get(DAGSTER_DBT_SELECT_METADATA_KEY),
            exclude=tags.get(DAGSTER_DBT_EXCLUDE_METADATA_KEY),
            selector=tags.get(DAGSTER_DBT_SELECTOR_METADATA_KEY),
            dagster_dbt_translator=self._translator,
            current_dbt_indirect_selection_env=None,
        )
        if indirect_selection:
            arguments = [*arguments, f"--indirect-selection={indirect_selection}"]
        return arguments

    def dagster_events(self, message: EventMsg) -> Iterator[DagsterEvent]:
        """Nothing for most events; an output or a check result for an outcome."""
        if message.info.name not in OUTCOME_EVENTS:
            return
        event = DbtCoreCliEventMessage(raw_event=msg_to_dict(message), event_history_metadata={})
        for outcome in event.to_default_asset_events(
            manifest=self.manifest,
            dagster_dbt_translator=self._translator,
            context=self._context,
        ):
            # A relationship's other end may be no asset of this step.
            if getattr(outcome, "asset_key", None) in {None, *self._context.assets_def.keys}:
                yield outcome

    def table_of(self, event: DagsterEvent) -> str | None:
        """The quoted name of the table an output is about; None for views and for other events."""
        if not isinstance(event, dg.Output):
            return None
        node = self.manifest["nodes"][event.metadata["unique_id"].value]
        # Without the database: the manifest may have been parsed for another one than this run's.
        name = f'"{node["schema"]}"."{node["alias"]}"'
        return None if node["config"]["materialized"] == "view" else name
