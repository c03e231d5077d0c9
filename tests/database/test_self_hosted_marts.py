"""A self-hosted instance that tells minutes by day only: billed to the cent, and nothing made up by hour.

The contract: 1 committed worker at 100.00, by the 95th percentile of the month's 720 hours.

    committed workers                      1   x 100.00 = 100.00
    workers above: 60 hours had 3, 36 free 2   x 150.00 = 300.00
    private minutes, 10 a day              300 x   0.10 =  30.00
    public minutes included                40  x   0    =   0.00
    public minutes above, of 2 a day       20  x   0.05 =   1.00
    seats above the 1 included, of 3       2   x  35.00 =  70.00
"""

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
from orchestration.warehouse.schema import claim_account, ensure_schema
from tests.database.warehouse_by_hand import Warehouse

CONTRACT = Path(__file__).parents[1] / "data" / "contract_of_an_air_gapped_instance.csv"
MODELS = [
    "--select",
    "+billing_reconciliation",
    "+billing_periods",
    "+focus_cost_and_usage",
    "+dim_worker_pools",
]
POOL = "01HMSGMXD00000000000000001"
DAYS = [dt.date(2026, 6, 1) + dt.timedelta(days=number) for number in range(30)]
REPORT = {
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


def test_a_month_of_minutes_by_day_is_billed_to_the_cent_and_stays_unknown_by_hour(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(database_url, target_path=tmp_path / "dbt", monkeypatch=monkeypatch)
    body = json.dumps(REPORT).encode()
    with closing(connect(database_url)) as connection:
        ensure_schema(connection)
        claim_account(connection, "acme")
        land_contracts(connection, CONTRACT)
        landed = land_report(
            read_report(body, origin="report"),
            body,
            account="acme",
            archive=Archive(str(tmp_path / "archive")),
            connection=connection,
            source="file",
            run_id=None,
        )
        land_usage_days(connection, account="acme", days=landed.days, run_id=None)
    warehouse.build(*MODELS)

    def rows(query: str) -> list[tuple[Any, ...]]:
        with closing(connect(database_url)) as connection:
            return connection.execute(query).fetchall()

    assert rows("select line_code, quantity, amount, status from marts.billing_lines order by 1") == [
        ("committed_workers", Decimal(1), Decimal(100), "final"),
        ("private_minutes", Decimal(300), Decimal(30), "final"),
        ("public_minutes", Decimal(40), Decimal(0), "final"),
        ("public_minutes_overage", Decimal(20), Decimal(1), "final"),
        ("seats", Decimal(2), Decimal(70), "final"),
        ("worker_overage", Decimal(2), Decimal(300), "final"),
    ]
    assert rows(
        'select "SkuId", "ChargeCategory", "ConsumedQuantity", "BilledCost" from marts.focus_cost_and_usage'
        " where \"SkuId\" like '%minutes%' order by 1"
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
