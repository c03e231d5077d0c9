"""Percentiles, the burst budget and the sharing out of cents against plain Python, over drawn cases.

The SQL is the models' own, compiled once, over stand-ins for the tables it reads. Python counts in fractions
and sorted lists, not as the SQL does. Not here: rows of facts (test_marts_follow_the_raw_tables.py), worked
examples (the unit tests of dbt).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbt.cli.main import dbtRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.resources.dbt import dbt_environment, failure_line
from tests.conftest import target_of

MODELS = ("billing_worker_percentiles", "int_worker_commitments", "int_cost_allocated_lines")
KEY = ("c", "2024-04-01 00:00+00")

STAND_INS = """
create schema intermediate;
create schema marts;
create table intermediate.int_billing_periods (
    contract_id text, period_start_at timestamptz, period_end_at timestamptz, known_until_at timestamptz,
    worker_metric text, worker_percentile numeric, worker_percentile_per_10000 int, committed_workers int,
    hours_in_period int, worker_hours_covered int, is_closed boolean, is_complete boolean
);
create table intermediate.int_worker_levels (
    contract_id text, period_start_at timestamptz, scope text, worker_pool_key text,
    worker_count int, hours_at_level int
);
create table intermediate.int_worker_level_forecasts (
    contract_id text, period_start_at timestamptz, worker_count int,
    hours_above_known numeric, hours_above_expected numeric, hours_above_at_most numeric
);
create table intermediate.int_worker_rhythm (contract_id text, period_start_at timestamptz);
create table intermediate.int_burst_exhaustion (
    contract_id text, period_start_at timestamptz, burst_exhausted_at timestamptz, is_forecast boolean
);
create table marts.dim_billing_periods (
    contract_id text, period_start_at timestamptz, burst_hours_budget int, hours_missing int
);
create table marts.billing_lines (
    contract_id text, period_start_at timestamptz, line_code text, is_correction boolean, amount numeric
);
create table intermediate.int_cost_weights (
    contract_id text, period_start_at timestamptz, allocation text, worker_pool_key text, stack_ulid text,
    worker_weight numeric, private_weight numeric, public_weight numeric, shared_weight numeric,
    stack_name text
);
"""

# Short periods with few levels, so that ranks, ties and the ends are hit often.
hourly_counts = st.lists(st.integers(0, 12), min_size=1, max_size=200)
percentiles = st.one_of(
    st.sampled_from([Decimal(50), Decimal(90), Decimal(95), Decimal("99.5"), Decimal(100)]),
    st.integers(1, 10_000).map(lambda per_10000: Decimal(per_10000) / 100),
)
drawn = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Billing:
    """The compiled models and a database with stand-ins for what they read."""

    connection: psycopg.Connection[dict[str, Any]]
    queries: dict[str, str] = field(repr=False)

    def rows(self, model: str, **tables: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """What the model gives for these rows alone; each is preceded by the period's key."""
        with self.connection.transaction(force_rollback=True):
            for table, rows in tables.items():
                schema = "marts" if table in ("dim_billing_periods", "billing_lines") else "intermediate"
                for row in rows:
                    places = ", ".join(["%s"] * (len(row) + 2))
                    self.connection.execute(
                        f"insert into {schema}.{table} values ({places})".encode(), [*KEY, *row]
                    )
            return self.connection.execute(self.queries[model].encode()).fetchall()


@pytest.fixture(scope="module")
def billing(empty_module_database_url: str, dbt_target: Path) -> Iterator[Billing]:
    target = target_of(empty_module_database_url, dbt_target)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in dbt_environment(empty_module_database_url, inherited=os.environ).items():
            monkeypatch.setenv(name, value)
        outcome = dbtRunner().invoke(
            [
                *QUIET_ARGUMENTS,
                "compile",
                *project_arguments(PROJECT_DIR, target_path=target),
                "--select",
                *MODELS,
            ]
        )
    assert outcome.success, failure_line(outcome, database_url=empty_module_database_url)
    queries = {model: compiled(target, model) for model in MODELS}
    with psycopg.connect(empty_module_database_url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(STAND_INS)
        yield Billing(connection=connection, queries=queries)


def compiled(target: Path, model: str) -> str:
    (path,) = target.glob(f"compiled/**/{model}.sql")
    return path.read_text(encoding="utf-8")


def rank(percentile: Decimal, hours: int) -> int:
    return ceil(Fraction(percentile) / 100 * hours)


def period(percentile: Decimal, hours: int, *, committed: int | None = None) -> tuple[Any, ...]:
    end = "2024-05-01 00:00+00"
    return (end, end, "percentile", percentile, int(percentile * 100), committed, hours, hours, True, True)


@drawn
@given(counts=hourly_counts, percentile=percentiles)
def test_a_percentile_is_the_hour_at_its_rank(
    billing: Billing, counts: list[int], percentile: Decimal
) -> None:
    (row,) = billing.rows(
        "billing_worker_percentiles",
        int_billing_periods=[period(percentile, len(counts))],
        int_worker_levels=[("account", None, level, counts.count(level)) for level in set(counts)],
    )
    in_order = sorted(counts)
    assert row["billed_percentile_workers"] == in_order[rank(percentile, len(counts)) - 1]
    assert row["p50_workers"] == in_order[rank(Decimal(50), len(counts)) - 1]
    assert row["max_workers"] == in_order[-1]
    place = Fraction(95, 100) * (len(counts) - 1)
    lower, upper = in_order[floor(place)], in_order[ceil(place)]
    assert Fraction(row["p95_workers_interpolated"]) == lower + (place - floor(place)) * (upper - lower)
    busy = [count for count in in_order if count > 0]
    assert row["p95_workers_without_zeros"] == (busy[rank(Decimal(95), len(busy)) - 1] if busy else None)


@drawn
@given(counts=hourly_counts, percentile=percentiles, committed=st.integers(0, 14))
def test_hours_are_left_exactly_while_the_percentile_is_within_the_commitment(
    billing: Billing, counts: list[int], percentile: Decimal, committed: int
) -> None:
    budget = len(counts) - rank(percentile, len(counts))
    above = {level: sum(count > level for count in counts) for level in {0, *counts}}
    (row,) = billing.rows(
        "int_worker_commitments",
        int_billing_periods=[period(percentile, len(counts), committed=committed)],
        dim_billing_periods=[(budget, 0)],
        int_worker_level_forecasts=[(level, hours, hours, hours) for level, hours in above.items()],
    )
    percentile_workers = sorted(counts)[rank(percentile, len(counts)) - 1]
    assert row["burst_hours_used"] == sum(count > committed for count in counts)
    assert row["burst_hours_left"] == budget - row["burst_hours_used"]
    assert row["billable_workers"] == percentile_workers
    assert row["p95_to_date"] == percentile_workers
    assert row["overage_workers"] == max(percentile_workers - committed, 0)
    assert (row["burst_hours_left"] >= 0) == (percentile_workers <= committed)


@drawn
@given(
    cents=st.integers(-100_000, 100_000),
    weights=st.lists(st.decimals(0, 10_000, places=6), min_size=1, max_size=30).filter(any),
)
def test_what_is_shared_out_sums_to_the_line_and_nobody_is_a_cent_off(
    billing: Billing, cents: int, weights: list[Decimal]
) -> None:
    rows = billing.rows(
        "int_cost_allocated_lines",
        int_billing_periods=[period(Decimal(95), 720)],
        billing_lines=[("committed_workers", False, Decimal(cents) / 100)],
        int_cost_weights=[
            ("stack", "P", f"{place:02}", weight, 0, 0, 0) for place, weight in enumerate(weights)
        ],
    )
    shares = {int(row["stack_ulid"]): Fraction(row["amount"]) * 100 for row in rows}
    assert sum(shares.values()) == cents
    assert shares.keys() == {place for place, weight in enumerate(weights) if weight}
    total = sum(Fraction(weight) for weight in weights)
    for place, share in shares.items():
        assert share.denominator == 1
        assert abs(share - cents * Fraction(weights[place]) / total) < 1
