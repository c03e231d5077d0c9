"""What a reader chooses from: billing periods and worker pools.

Here: the periods with everything that is said about each as a whole. Not here: what is drawn within one.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from orchestration.billing_words import percentile_name, period_name

ALL_POOLS = 0

_PERIODS = """
    select
        row_number() over (order by periods.period_start_at, periods.contract_id)::int - 1 as number,
        periods.contract_id,
        periods.period_start_at as start_at,
        periods.period_end_at as end_at,
        periods.known_until_at,
        (periods.period_start_at at time zone periods.time_zone)::date as first_day,
        (periods.period_end_at at time zone periods.time_zone - interval '1 microsecond')::date as last_day,
        periods.is_closed,
        periods.hours_missing,
        bills.status,
        bills.currency,
        bills.amount_to_date,
        bills.amount_forecast,
        bills.amount_forecast_low,
        bills.amount_forecast_high,
        bills.commitment_amount,
        bills.overage_amount_to_date,
        commitment.worker_metric,
        commitment.worker_percentile,
        commitment.committed_workers,
        commitment.p95_floor,
        commitment.p95_to_date,
        commitment.p95_forecast,
        commitment.p95_high,
        commitment.burst_hours_budget,
        commitment.burst_hours_used,
        commitment.burst_hours_left,
        commitment.burst_hours_forecast,
        commitment.burst_exhausted_at
    from marts.dim_billing_periods as periods
    inner join marts.billing_periods as bills
        on periods.contract_id = bills.contract_id
        and periods.period_start_at = bills.period_start_at
    inner join marts.billing_worker_commitment as commitment
        on periods.contract_id = commitment.contract_id
        and periods.period_start_at = commitment.period_start_at
    order by number
"""
_POOLS = """
    select
        row_number() over (order by worker_pool_name, worker_pool_key)::int as number,
        worker_pool_key as key,
        coalesce(worker_pool_name, worker_pool_key) as name
    from marts.dim_worker_pools
    order by number
"""


@dataclass(frozen=True)
class Period:
    """A billing period: of a contract, or a calendar month under the contract_id `none`. None is unknown."""

    number: int
    contract_id: str
    start_at: dt.datetime
    end_at: dt.datetime
    known_until_at: dt.datetime
    first_day: dt.date
    last_day: dt.date
    is_closed: bool
    hours_missing: int
    status: str
    currency: str | None
    amount_to_date: Decimal | None
    amount_forecast: Decimal | None
    amount_forecast_low: Decimal | None
    amount_forecast_high: Decimal | None
    commitment_amount: Decimal | None
    overage_amount_to_date: Decimal | None
    worker_metric: str
    worker_percentile: Decimal
    committed_workers: int | None
    p95_floor: int | None
    p95_to_date: int | None
    p95_forecast: int | None
    p95_high: int | None
    burst_hours_budget: int | None
    burst_hours_used: int | None
    burst_hours_left: int | None
    burst_hours_forecast: Decimal | None
    burst_exhausted_at: dt.datetime | None

    @property
    def has_contract(self) -> bool:
        """Without one nothing has a price."""
        return self.contract_id != "none"

    @property
    def label(self) -> str:
        """Its month, or its first and last day."""
        return period_name(self.first_day, self.last_day)

    @property
    def percentile(self) -> str:
        """What its workers are billed by: `P95`, `Maximum`."""
        return percentile_name(worker_metric=self.worker_metric, worker_percentile=self.worker_percentile)


@dataclass(frozen=True)
class Pool:
    """A private worker pool under its latest name; number 0 stands for all of them."""

    number: int
    key: str
    name: str


def read_periods(connection: psycopg.Connection) -> list[Period]:
    """Every billing period with a loaded day, oldest first, numbered from 0."""
    with connection.cursor(row_factory=class_row(Period)) as cursor:
        return cursor.execute(_PERIODS).fetchall()


def read_pools(connection: psycopg.Connection) -> list[Pool]:
    """Every private worker pool by name, numbered from 1."""
    with connection.cursor(row_factory=class_row(Pool)) as cursor:
        return cursor.execute(_POOLS).fetchall()


def numbers_of(pools: Sequence[Pool]) -> dict[str | None, int]:
    """From a pool's key to its number; no key means all of them."""
    return {None: ALL_POOLS} | {pool.key: pool.number for pool in pools}
