"""A contract by the 90th percentile in Berlin, whose terms change in April: everybody reads the same of it.

April begins at 22:00 UTC on 31 March. Ten days in, the open part has few enough busy hours to stay below the
commitment whatever comes (the floor, 5), while the percentile of the known hours is 9 and their P95 is 12.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from orchestration.assets.billing_report import billing_reports
from orchestration.contracts.raw_contracts import land_contracts
from orchestration.dashboard.periods import numbers_of, read_periods, read_pools
from orchestration.dashboard.tiles import tiles_html
from orchestration.dashboard.usage_data import worker_frames
from orchestration.summary import print_summary
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import claim_account
from tests.database.warehouse_by_hand import Warehouse
from tests.unit.test_dashboard_page import FRESHNESS

SUPERSET = Path(__file__).parents[2] / "dashboards" / "superset"
EXAMPLE = Path(__file__).parents[2] / "contracts.example.csv"
TERMS = (
    "acme,acme,2026-01-01,2026-04-06,EUR,1,Europe/Berlin,percentile,90,5,250.00,400.00,,,,,,,,,,,direct",
    "acme,acme,2026-04-06,,EUR,1,Europe/Berlin,percentile,90,5,260.00,400.00,,,,,,,,,,,direct",
)
WORKERS = tuple((hour, "pool", {0: 12, 1: 12, 2: 9, 3: 9}.get(hour, 5)) for hour in range(24))


@pytest.fixture(scope="module")
def acme(
    module_database_url: str, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("acme")
    header = EXAMPLE.read_text().partition("\n")[0]
    (folder / "contracts.csv").write_text("\n".join([header, *TERMS]))
    with pytest.MonkeyPatch.context() as monkeypatch:
        warehouse = Warehouse(module_database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)
        for day in ("2026-03-31", *(f"2026-04-{number:02}" for number in range(1, 11))):
            # Of 5 April the minutes did not land.
            aspects = ("worker-count",) if day == "2026-04-05" else ("run-minutes", "worker-count")
            warehouse.land(day, workers=WORKERS, aspects=aspects)
        with connect(module_database_url) as connection:
            claim_account(connection, "acme")
            land_contracts(connection, folder / "contracts.csv")
        # What they are said to depend on is enough for both.
        warehouse.build("--select", "+exposure:billing_summary", "+exposure:usage_dashboard")
        yield module_database_url


@pytest.fixture
def marts(acme: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(acme, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


def test_the_marts_tell_the_figures_apart(marts: psycopg.Connection) -> None:
    query = (
        "select p95_floor, p95_to_date, p95_workers from marts.billing_worker_commitment"
        " inner join marts.billing_worker_percentiles using (contract_id, period_start_at)"
        " where scope = 'account' order by period_start_at desc limit 1"
    )
    assert marts.execute(query).fetchone() == (5, 9, 12)


def test_the_terminal_names_periods_by_the_contract_s_days_and_the_billed_percentile(
    marts: psycopg.Connection,
) -> None:
    console = Console(record=True, width=120)
    print_summary(marts, console=console)
    shown = [" ".join(line.split()) for line in console.export_text().splitlines()]
    workers, _, rest = "\n".join(shown).partition("Minutes on workers")
    minutes, _, bills = rest.partition("Bills in EUR")
    assert "1 Apr 2026 to 5 Apr 2026 account 120 0 12 12 12" in workers
    assert "6 Apr 2026 to 30 Apr 2026 account 122 0 12 12 12" in workers
    # The two hours of 5 April in Berlin that are 4 April in UTC are known.
    assert "1 Apr 2026 to 5 Apr 2026 0 0 22" in minutes
    assert "6 Apr 2026 to 30 Apr 2026 0 0 2" in minutes
    assert "period P90 committed" in bills
    assert "6 Apr 2026 to 30 Apr 2026 9 5" in bills


def test_the_ui_of_dagster_shows_the_same(acme: str, marts: psycopg.Connection, tmp_path: Path) -> None:
    with billing_reports(acme, home=tmp_path) as report:
        bills, commitment = report("billing_periods"), report("billing_worker_commitment")
    assert "| 2026-04-06 | P90 9 | 5 | 0 |" in bills["last_bills"].value
    assert bills["period"] == "from 2026-04-06, estimated"
    assert commitment["p95_to_date"] == 9


def test_the_dashboard_shows_the_same_in_its_tile_and_its_chart(marts: psycopg.Connection) -> None:
    periods, pools = read_periods(marts), read_pools(marts)
    tiles = tiles_html(periods[-1:], freshness=FRESHNESS)
    assert '<h3>P90 of all workers, to date</h3><p class="figure">9</p>' in tiles
    levels = worker_frames(marts, periods=periods, pool_numbers=numbers_of(pools))["levels"]
    last = [row[1:] for row in levels.rows if row[0] == periods[-1].number]
    # Without zeros there is a P95 only, so nothing beside a P90.
    assert sorted(last) == [
        (0, "commitment", "", 5),
        (0, "percentile", "P90", 9),
        (1, "percentile", "P90", 9),
    ]


def test_superset_shows_the_same_under_its_label(
    marts: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SUPERSET))
    charts = importlib.import_module("charts").CHARTS
    queries = {each.name: each.sql for each in importlib.import_module("datasets").DATASETS}
    shown = {}
    for chart in charts:
        for metric in [chart.params.get("metric"), *chart.params.get("metrics", [])]:
            if metric is not None and metric["label"].lower() == "billed percentile":
                query = (
                    f"select {metric['sqlExpression']} from ({queries[chart.dataset]}) as rows"
                    " where billing_period = '2026-04-06'"
                )
                shown[chart.key] = marts.execute(query.encode()).fetchone()
    assert shown == {"p95": (9,), "workers_hourly": (9,)}
