"""The dashboard of charts.py and datasets.py in the files that Superset imports and exports, as one zip.

Usage: bundle.py OUT.zip, with the project's own Python. Ids are made from names, so that an import replaces
what an earlier one made. The bundle holds no address and no password: its database is at host `warehouse`.
Columns and what they mean come from the dbt project. Formats: Superset 6.1, versions 1.0.0 of its files.
"""

import sys
import uuid
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import yaml
from charts import CHARTS, COLORS, NOTE, SLUG, TITLE, Chart
from datasets import DATASETS, Dataset

from orchestration.dbt_manifest import load_manifest

DATABASE = "Spacelift usage warehouse"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "spacelift-usage-warehouse/dashboards/superset")
_GRID_COLUMNS = 12
_TIME_TYPES = {"timestamptz", "date"}
_TABLE_OF_FILTER = "Billing periods"


def write_bundle(path: Path) -> None:
    """Write the zip; the same input gives the same files."""
    with ZipFile(path, "w", ZIP_DEFLATED) as bundle:
        for name, content in bundle_files(load_manifest()).items():
            bundle.writestr(f"dashboard_export/{name}", yaml.safe_dump(content, sort_keys=False))


def bundle_files(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each file's path in the bundle and what it says."""
    datasets = {dataset.name: dataset for dataset in DATASETS}
    return {
        "metadata.yaml": {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        f"databases/{_file_name(DATABASE)}": _database(),
        **{
            f"datasets/{_file_name(DATABASE, '')}/{_file_name(dataset.name)}": _dataset(dataset, manifest)
            for dataset in DATASETS
        },
        **{f"charts/{chart.key}.yaml": _chart(chart, datasets[chart.dataset]) for chart in CHARTS},
        f"dashboards/{SLUG}.yaml": _dashboard(),
    }


def identity(kind: str, name: str) -> str:
    """The same id for the same name, always."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def _file_name(name: str, suffix: str = ".yaml") -> str:
    return name.replace(" ", "_") + suffix


def _database() -> dict[str, Any]:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": "postgresql+psycopg2://reader@warehouse/usage",
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": identity("database", DATABASE),
        "version": "1.0.0",
    }


def _dataset(dataset: Dataset, manifest: dict[str, Any]) -> dict[str, Any]:
    model = manifest["nodes"][f"model.spacelift_usage.{dataset.model}"]
    described = {
        **{
            column["name"]: (column["data_type"], column["description"])
            for column in model["columns"].values()
        },
        **dataset.extra,
    }
    return {
        "table_name": dataset.name,
        "main_dttm_col": dataset.time_column,
        "description": " ".join(model["description"].split()),
        "schema": "marts",
        "sql": dataset.sql,
        "filter_select_enabled": True,
        "columns": [_column(name, *type_and_text) for name, type_and_text in described.items()],
        "metrics": [],
        "uuid": identity("dataset", dataset.name),
        "version": "1.0.0",
        "database_uuid": identity("database", DATABASE),
    }


def _column(name: str, data_type: str, description: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": name.removesuffix("_at").replace("_", " ")
        + (" (UTC)" if name.endswith("_at") else ""),
        "is_dttm": data_type in _TIME_TYPES,
        "is_active": True,
        "type": data_type.partition("(")[0].upper(),
        "groupby": True,
        "filterable": True,
        "description": " ".join(description.split()),
    }


def _chart(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    return {
        "slice_name": chart.title,
        "description": chart.description,
        "viz_type": chart.kind,
        "params": {"viz_type": chart.kind, "time_range": "No filter", "row_limit": 10_000, **chart.params},
        "cache_timeout": None,
        "uuid": identity("chart", chart.key),
        "version": "1.0.0",
        "dataset_uuid": identity("dataset", dataset.name),
    }


def _dashboard() -> dict[str, Any]:
    return {
        "dashboard_title": TITLE,
        "description": NOTE,
        "slug": SLUG,
        "published": True,
        "uuid": identity("dashboard", SLUG),
        "position": _position(),
        "metadata": {
            "native_filter_configuration": [
                _filter(
                    "Billing period",
                    dataset=_TABLE_OF_FILTER,
                    column="billing_period",
                    excluded=[chart for chart in CHARTS if not chart.follows_period],
                    # The newest one, until somebody chooses.
                    control={
                        "defaultToFirstItem": True,
                        "enableEmptyFilter": True,
                        "multiSelect": False,
                        "sortAscending": False,
                    },
                    value=None,
                    # Taken over at once, not only by the button.
                    requiredFirst=True,
                ),
                _filter(
                    "Class of run state",
                    dataset="Run states by hour",
                    column="state_class",
                    excluded=[chart for chart in CHARTS if chart.key != "minutes_by_state"],
                    control={"enableEmptyFilter": False, "multiSelect": True, "sortAscending": True},
                    value=["active", "waiting_worker"],
                ),
            ],
            "color_scheme": "supersetColors",
            "label_colors": COLORS,
            "filter_bar_orientation": "HORIZONTAL",
            "cross_filters_enabled": False,
            "refresh_frequency": 0,
            "default_filters": "{}",
        },
        "version": "1.0.0",
    }


def _filter(
    name: str,
    *,
    dataset: str,
    column: str,
    excluded: list[Chart],
    control: dict[str, Any],
    value: list[str] | None,
    **more: Any,
) -> dict[str, Any]:
    state = (
        {
            "extraFormData": {"filters": [{"col": column, "op": "IN", "val": value}]},
            "filterState": {"value": value},
        }
        if value
        else {"extraFormData": {}, "filterState": {}}
    )
    return {
        "id": f"NATIVE_FILTER-{identity('filter', name)}",
        "name": name,
        "filterType": "filter_select",
        "type": "NATIVE_FILTER",
        "targets": [{"column": {"name": column}, "datasetUuid": identity("dataset", dataset)}],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": [CHARTS.index(chart) + 1 for chart in excluded]},
        "controlValues": {**control, "inverseSelection": False, "searchAllOptions": False},
        "defaultDataMask": state,
        "cascadeParentIds": [],
        "description": "",
        **more,
    }


def _position() -> dict[str, Any]:
    """The grid: charts from left to right, a new row where the twelve columns are full."""
    rows: list[list[Chart]] = [[]]
    for chart in CHARTS:
        if sum(other.width for other in rows[-1]) + chart.width > _GRID_COLUMNS:
            rows.append([])
        rows[-1].append(chart)
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "parents": ["ROOT_ID"], "children": []},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": TITLE}},
    }
    for number, row in enumerate(rows, start=1):
        row_id = f"ROW-{number}"
        position["GRID_ID"]["children"].append(row_id)
        position[row_id] = {
            "type": "ROW",
            "id": row_id,
            "parents": ["ROOT_ID", "GRID_ID"],
            "children": [f"CHART-{chart.key}" for chart in row],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart in row:
            position[f"CHART-{chart.key}"] = {
                "type": "CHART",
                "id": f"CHART-{chart.key}",
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "children": [],
                "meta": {
                    # Superset's own number takes its place; here it says which charts a filter leaves out.
                    "chartId": CHARTS.index(chart) + 1,
                    "uuid": identity("chart", chart.key),
                    "sliceName": chart.title,
                    "width": chart.width,
                    "height": chart.height,
                },
            }
    return position


if __name__ == "__main__":
    write_bundle(Path(sys.argv[1]))
