"""The hourly documents for Elasticsearch, and the one index template they fit into.

Here: which fields and rows, from the marts, zeros included (elastic_<grain>.sql). Not here: posting them
(elastic.py), HTTP (elastic_client.py), files (elastic_csv.py).

Three grains in one index: the account's hour and a worker pool's hour, both with the percentiles of their
billing period as the mart has them, and the hour of a run state. An engine's own percentile is an estimate:
for what is billed take the fields. A field that is missing or null is unknown, 0 is measured.
Source: Elastic's documentation, "Index templates", "dynamic", "Field data types".
"""

from dataclasses import dataclass
from importlib import resources
from typing import Any

from psycopg import sql

INDEX = "spacelift-usage-hourly"

_FIELDS = {
    "keyword": "account grain contract_id worker_pool_key worker_pool_name run_state state_class",
    "date": "@timestamp usage_date period_start_at exported_at",
    "boolean": "is_public occupies_worker is_zero_filled is_covered",
    "integer": "worker_count run_count p50_workers p90_workers p95_workers p99_workers max_workers",
    "double": "private_active_minutes public_active_minutes private_billable_minutes public_billable_minutes "
    "active_minutes waiting_worker_minutes state_minutes mean_workers",
}
TEMPLATE: dict[str, Any] = {
    "index_patterns": [f"{INDEX}*"],
    "priority": 200,
    "template": {
        "settings": {"number_of_shards": 1},
        "mappings": {
            # A field that nobody described is a mistake, not a new column.
            "dynamic": "strict",
            "properties": {name: {"type": kind} for kind, names in _FIELDS.items() for name in names.split()},
        },
    },
}


@dataclass(frozen=True)
class Grain:
    """One kind of document; `key` is what, beside account and hour, makes one the only one of its kind."""

    name: str
    key: tuple[str, ...]

    @property
    def select(self) -> str:
        """SQL of its fields and rows; parameters account, first and last (days, both included)."""
        return (
            resources.files("orchestration.exports").joinpath(f"elastic_{self.name}.sql").read_text("utf-8")
        )

    @property
    def documents(self) -> sql.Composed:
        """SQL of a stable id and the JSON of each document; one parameter more, exported_at."""
        key = ["account", "grain", "@timestamp", *self.key]
        return sql.SQL(
            "select md5(concat_ws('|', {key})) as id, row_to_json(documents)::text as document"
            " from (select *, %(exported_at)s::text as exported_at from ({fields}) as fields) as documents"
        ).format(
            key=sql.SQL(", ").join(sql.Identifier("documents", column) for column in key),
            fields=sql.SQL(self.select),
        )


GRAINS = (
    Grain("account_hour", ()),
    Grain("worker_pool_hour", ("worker_pool_key",)),
    Grain("run_state_hour", ("run_state", "is_public")),
)
