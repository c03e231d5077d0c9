"""The two usage files ("aspects"): their names at the vendor, their raw tables and columns.

Source: spacelift-io/user-documentation, docs/product/billing/usage.md (the `create table` statements,
which also give the order of the fields in the files).
"""

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["unix_seconds", "minutes", "boolean", "text", "integer", "ulid"]


@dataclass(frozen=True)
class Column:
    """One field of a usage file, named as in its raw table.

    `nullable`: an empty field is taken as unknown. Only what a figure could not do without is needed;
    the vendor does not say which fields it may leave empty.
    """

    name: str
    kind: ColumnKind
    nullable: bool = False


@dataclass(frozen=True)
class Aspect:
    """One usage file: its name in requests, its table in schema `raw`, its fields in file order."""

    name: str
    table: str
    columns: tuple[Column, ...]


RUN_MINUTES = Aspect(
    name="run-minutes",
    table="run_minutes",
    columns=(
        Column("timestamp_unix", "unix_seconds"),
        Column("state_duration_minutes", "minutes"),
        Column("public", "boolean"),
        Column("run_state", "text"),
        Column("run_type", "text", nullable=True),
        Column("run_ulid", "ulid"),
        Column("stack_name", "text", nullable=True),
        Column("stack_slug", "text", nullable=True),
        Column("stack_ulid", "ulid"),
        Column("is_stack", "boolean"),
        Column("worker_pool_name", "text", nullable=True),
        Column("worker_pool_ulid", "ulid", nullable=True),
    ),
)

WORKER_COUNT = Aspect(
    name="worker-count",
    table="worker_count",
    columns=(
        Column("id", "integer", nullable=True),
        Column("count", "integer"),
        Column("timestamp_unix", "unix_seconds"),
        Column("worker_pool_name", "text", nullable=True),
    ),
)

ASPECTS: dict[str, Aspect] = {aspect.name: aspect for aspect in (RUN_MINUTES, WORKER_COUNT)}
