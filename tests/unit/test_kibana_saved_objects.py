"""The file for Kibana: its own references resolve, and every field that a chart names is in the index.

Whether a Kibana takes it, no test here can say.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.exports.elastic_documents import GRAINS, INDEX, TEMPLATE

FILE = Path(__file__).resolve().parents[2] / "dashboards/kibana/spacelift-usage.ndjson"
OBJECTS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text().splitlines()]
FIELDS = TEMPLATE["template"]["mappings"]["properties"]


def test_every_reference_is_in_the_file_and_every_panel_has_one():
    ids = {(item["type"], item["id"]) for item in OBJECTS}
    references = [reference for item in OBJECTS for reference in item["references"]]
    assert {(reference["type"], reference["id"]) for reference in references} <= ids
    (dashboard,) = (item for item in OBJECTS if item["type"] == "dashboard")
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    names = {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels}
    assert names == {reference["name"] for reference in dashboard["references"]}
    (view,) = (item["attributes"] for item in OBJECTS if item["type"] == "index-pattern")
    assert view["title"] == f"{INDEX}*"
    assert FIELDS[view["timeFieldName"]] == {"type": "date"}


@pytest.mark.parametrize(
    "lens", [item for item in OBJECTS if item["type"] == "lens"], ids=lambda item: item["id"]
)
def test_a_chart_asks_for_fields_that_are_there_and_shows_all_its_columns(lens):
    state = lens["attributes"]["state"]
    (layer,) = state["visualization"]["layers"]
    source = state["datasourceStates"]["formBased"]["layers"][layer["layerId"]]
    shown = {layer["xAccessor"], *layer["accessors"]} | {
        layer[key] for key in ["splitAccessor"] if key in layer
    }
    assert shown == set(source["columns"]) == set(source["columnOrder"])
    types = {"date_histogram": {"date"}, "terms": {"keyword"}, "sum": {"double"}, "max": {"integer"}}
    for column in source["columns"].values():
        assert FIELDS[column["sourceField"]]["type"] in types[column["operationType"]]
    conditions = dict(part.split(" : ") for part in state["query"]["query"].split(" and "))
    assert set(conditions) <= set(FIELDS)
    assert json.loads(conditions["grain"]) in [grain.name for grain in GRAINS]
