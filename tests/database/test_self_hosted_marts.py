"""A self-hosted instance that tells minutes by day only: billed to the cent, and nothing made up by hour.

The contract: 1 committed worker at 100.00, by the 95th percentile of the month's 720 hours.

    committed workers                      1   x 100.00 = 100.00
    workers above: 60 hours had 3, 36 free 2   x 150.00 = 300.00
    private minutes, 10 a day              300 x   0.10 =  30.00
    public minutes included                40  x   0    =   0.00
    public minutes above, of 2 a day       20  x   0.05 =   1.00
    seats above the 1 included, of 3       2   x  35.00 =  70.00
"""

import copy
import datetime as dt
import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.contracts.raw_contracts import land_contracts
from orchestration.landing.archive import Archive
from orchestration.selfhosted.ingest import land_report
from orchestration.selfhosted.report import read_report
from orchestration.selfhosted.usage_days import land_usage_days
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import claim_account
from tests.database.warehouse_by_hand import Warehouse

CONTRACT = Path(__file__).parents[1] / "data" / "contract_of_an_air_gapped_instance.csv"
MODELS = [
    "--select",
    "+billing_reconciliation",
    "+billing_periods",
    "+focus_cost_and_usage",
    "+dim_worker_pools",
    "+billing_cost_allocation",
    "+billing_run_costs",
    "+focus_cost_and_usage_allocated",
]
POOL = "01HMSGMXD00000000000000001"
STACK, RUN = "01HMSGMXD00000000000000002", "01HNH000000000000000000001"
DAYS = [dt.date(2026, 6, 1) + dt.timedelta(days=number) for number in range(30)]
REPORT: dict[str, Any] = {
    "account": {"ulid": "01A", "license_id": "L"},
    "time_range": {"start": "2026-06-01T00:00:00Z", "end": "2026-07-01T00:00:00Z"},
    "metrics": {
        "heartbeats": {
            str(day): [
                {
                    "worker_ulid": f"w{worker}",
                    "worker_pool_ulid": POOL,
                    "first_heartbeat_time": f"{day}T08:00:00Z",
                    "last_heartbeat_time": f"{day}T09:59:00Z",
                }
                for worker in range(3)
            ]
            for day in DAYS
        },
        "daily_worker_usages": {str(day): [{"private_minutes": 10, "public_minutes": "2"}] for day in DAYS},
        "logins": {
            str(DAYS[0]): [{"username": "ada"}, {"username": "alan"}, {"username": "ada"}],
            str(DAYS[9]): [{"username": "grace"}],
        },
    },
}


class Instance(Warehouse):
    """A warehouse that holds the reports of an instance, and its contract."""

    def report(self, report: dict[str, Any], *, archive: Path) -> None:
        body = json.dumps(report).encode()
        with closing(connect(self.url)) as connection:
            claim_account(connection, "acme")
            land_contracts(connection, CONTRACT)
            landed = land_report(
                read_report(body, origin="report"),
                body,
                account="acme",
                archive=Archive(str(archive)),
                connection=connection,
                source="file",
                run_id=None,
            )
            land_usage_days(connection, account="acme", days=landed.days, run_id=None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(connect(self.url)) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def instance(database_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    return Instance(database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)


def test_a_month_of_minutes_by_day_is_billed_to_the_cent_and_stays_unknown_by_hour(
    instance: Instance, tmp_path: Path
) -> None:
    instance.report(REPORT, archive=tmp_path / "archive")
    instance.build(*MODELS)
    rows = instance.rows

    assert rows("select line_code, quantity, amount, status from marts.billing_lines order by 1") == [
        ("committed_workers", Decimal(1), Decimal(100), "final"),
        ("private_minutes", Decimal(300), Decimal(30), "final"),
        ("public_minutes", Decimal(40), Decimal(0), "final"),
        ("public_minutes_overage", Decimal(20), Decimal(1), "final"),
        ("seats", Decimal(2), Decimal(70), "final"),
        ("worker_overage", Decimal(2), Decimal(300), "final"),
    ]
    assert rows(
        'select "SkuId", "ChargeCategory", sum("ConsumedQuantity"), sum("BilledCost")'
        ' from marts.focus_cost_and_usage where "ResourceId" is null and "SkuId" like \'%minutes%\''
        " group by 1, 2 order by 1"
    ) == [
        ("spacelift-private-minutes", "Usage", Decimal(300), Decimal(30)),
        ("spacelift-public-minutes", "Usage", Decimal(40), Decimal(0)),
        ("spacelift-public-minutes-overage", "Usage", Decimal(20), Decimal(1)),
    ]
    assert rows('select sum("BilledCost") from marts.focus_cost_and_usage') == [(Decimal(501),)]
    assert rows("select worker_pool_key, match_method from marts.dim_worker_pools") == [(POOL, "graphql")]
    # Known by day is not known by hour.
    assert rows(
        "select count(*), count(private_active_minutes), count(worker_count), bool_or(is_covered)"
        " from marts.fct_account_hourly"
    ) == [(720, 0, 720, False)]


def test_a_day_without_a_number_is_not_known_and_nothing_of_its_month_is_final(
    instance: Instance, tmp_path: Path
) -> None:
    report = copy.deepcopy(REPORT)
    report["metrics"]["daily_worker_usages"][str(DAYS[14])] = [{"private_minutes": None, "public_minutes": 2}]
    instance.report(report, archive=tmp_path / "archive")
    instance.build(*MODELS)

    assert instance.rows(
        "select hours_in_period, hours_covered, is_closed, is_complete from marts.dim_billing_periods"
    ) == [(720, 696, True, False)]
    # What is known is shown; what is expected of the day without a number is what the others had.
    assert instance.rows(
        "select private_minutes, private_minutes_forecast, public_minutes, public_minutes_forecast, status"
        " from marts.billing_periods"
    ) == [(290, 300, 60, 60, "estimated")]
    assert instance.rows("select count(*) from intermediate.int_billing_lines_frozen") == [(0,)]

    # The next report has the number: now the month is whole, and its lines are final.
    instance.report(REPORT, archive=tmp_path / "archive")
    instance.build(*MODELS)
    assert instance.rows(
        "select quantity, amount, status from marts.billing_lines where line_code = 'private_minutes'"
    ) == [(300, 30, "final")]


def test_a_month_known_partly_by_run_charges_the_days_without_runs_to_nobody(
    instance: Instance, tmp_path: Path
) -> None:
    instance.report(REPORT, archive=tmp_path / "archive")
    for day in DAYS[:10]:
        instance.land(
            str(day),
            runs=((8, RUN, STACK, "PLANNING", POOL, POOL),),
            workers=tuple((hour, POOL, 3) for hour in (8, 9)),
            minutes="10",
        )
    instance.build(*MODELS)

    # 10 days of 10 private minutes by run, 20 by day alone, at 0.10.
    assert instance.rows(
        "select quantity, amount, status from marts.billing_lines where line_code = 'private_minutes'"
    ) == [(300, 30, "final")]
    assert instance.rows(
        'select "ResourceId", "ChargeCategory", count(*), sum("ConsumedQuantity"), sum("BilledCost")'
        " from marts.focus_cost_and_usage where \"x_LineCode\" = 'private_minutes' group by 1, 2 order by 1"
    ) == [(STACK, "Usage", 10, 100, 10), (None, "Usage", 20, 200, 20)]
    assert instance.rows(
        "select allocation, stack_ulid, minutes_amount from marts.billing_cost_allocation"
        " where minutes_amount <> 0 order by 1"
    ) == [("shared", None, 20), ("stack", STACK, 10)]
    assert instance.rows(
        'select "ResourceId", "ConsumedQuantity", "BilledCost" from marts.focus_cost_and_usage_allocated'
        " where \"x_LineCode\" = 'private_minutes' order by 1"
    ) == [(STACK, 100, 10), (None, 200, 20)]
    # Of 400.00 for workers and 30.00 for minutes the one run bears a third, as its 100 minutes of 300.
    assert instance.rows("select round(sum(estimated_amount), 2) from marts.billing_run_costs") == [
        (Decimal("143.33"),)
    ]
