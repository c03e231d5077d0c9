"""The dashboard's file as a person has it: written by the command, opened from disk in a real Chromium."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from playwright.sync_api import Browser, Page

from orchestration import cli
from orchestration.assets import dashboard as dashboard_asset
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import VARIABLES

CHARTS = (
    "workers",
    "active_minutes",
    "waiting_minutes",
    "bills",
    "pool_costs",
    "stack_costs",
    "queue",
    "coverage",
)


@dataclass
class OpenDashboard:
    """The page, and what the browser had to say about it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def choose(self, *, period: str | None = None, pool: str | None = None) -> None:
        """Choose by what the reader sees, and wait until all is drawn."""
        for name, label in (("period", period), ("pool", pool)):
            if label is not None:
                self.page.select_option(f"#{name}", label=label)
                self.page.wait_for_selector("body[data-drawn]")

    def figure(self, name: str) -> str | None:
        """The value of a headline figure that is shown, for programs."""
        return self.page.locator(f'.tiles:visible [data-figure="{name}"]').get_attribute("data-value")

    def texts(self, chart: str) -> str:
        """Every text that is drawn in a chart."""
        return "\n".join(self.page.locator(f"#{chart} svg text").all_text_contents())


def configure(monkeypatch: pytest.MonkeyPatch, *, database_url: str, home: Path) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("USAGE_HOME", str(home))


@pytest.fixture(scope="module")
def dashboard(
    browser: Browser, demo_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> OpenDashboard:
    home = tmp_path_factory.mktemp("dashboard-home")
    with pytest.MonkeyPatch.context() as monkeypatch:
        configure(monkeypatch, database_url=demo_warehouse_url, home=home)
        assert cli.exit_code_of(["dashboard"]) == 0
    opened = OpenDashboard(browser.new_page())
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on("console", lambda said: opened.errors.append(said.text) if said.type == "error" else None)
    opened.page.goto((home / "dashboard.html").as_uri())
    opened.page.wait_for_selector("body[data-drawn]")
    return opened


@pytest.fixture
def marts(demo_warehouse_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(demo_warehouse_url, options="-c timezone=UTC -c search_path=marts") as connection:
        yield connection


def test_every_chart_is_drawn_for_every_choice_without_an_error_or_a_request(
    dashboard: OpenDashboard,
) -> None:
    for period, pool in (("July 2026", "data-platform"), ("September 2026", "All pools")):
        dashboard.choose(period=period, pool=pool)
        for chart in CHARTS:
            marks = dashboard.page.locator(f"#{chart} svg .mark-rect path, #{chart} svg .mark-area path")
            assert marks.count() > 3, chart
    assert dashboard.errors == []
    # The file itself, and nothing of any host.
    assert [url.partition("://")[0] for url in dashboard.requests] == ["file"]


def test_percentile_burst_hours_and_cost_on_the_page_are_those_of_sql(
    dashboard: OpenDashboard, marts: psycopg.Connection
) -> None:
    rows = marts.execute("""
        select to_char(period_start_at, 'FMMonth YYYY'), p95_to_date, burst_hours_left, amount_to_date,
            case when not bills.is_closed then amount_forecast end
        from billing_periods as bills
        inner join billing_worker_commitment using (contract_id, period_start_at)
        where contract_id <> 'none'
    """).fetchall()
    assert len(rows) == 4
    for period, *figures in rows:
        dashboard.choose(period=period)
        shown = [dashboard.figure(name) for name in ("p95_workers", "burst_hours_left", "amount_to_date")]
        if figures[-1] is not None:
            shown.append(dashboard.figure("amount_forecast"))
        assert [Decimal(text or "nan") for text in shown] == [each for each in figures if each is not None]
    assert rows[-1][4] is not None, "the open period is among them"


def test_a_pool_shows_both_percentiles_and_the_stacks_its_cost_goes_to(
    dashboard: OpenDashboard, marts: psycopg.Connection
) -> None:
    dashboard.choose(period="August 2026", pool="data-platform")
    row = marts.execute("""
        select p95_workers, p95_workers_without_zeros from billing_worker_percentiles
        inner join dim_worker_pools using (worker_pool_key)
        where period_start_at = '2026-08-01' and worker_pool_name = 'data-platform'
    """).fetchone()
    assert row is not None
    assert row[0] != row[1]
    assert f"P95, zeros counted: {row[0]}" in dashboard.texts("workers")
    assert f"P95 if zeros are left out: {row[1]}" in dashboard.texts("workers")
    costs = marts.execute("""
        select stack_slug, to_char(amount, 'FM999,990.00') from billing_cost_allocation
        where period_start_at = '2026-08-01' and worker_pool_name = 'data-platform' and allocation = 'stack'
    """).fetchall()
    drawn = dashboard.texts("stack_costs").splitlines()
    assert {text for cost in costs for text in cost} <= set(drawn)


def test_a_month_without_a_contract_has_no_amounts_and_no_zeros_in_their_place(
    dashboard: OpenDashboard,
) -> None:
    dashboard.choose(period="May 2026", pool="All pools")
    tiles = dashboard.page.locator(".tiles:visible").inner_text()
    assert tiles.count("no contract") >= 3
    assert dashboard.figure("amount_to_date") is None
    assert dashboard.page.locator("#pool_costs .otherwise").inner_text() == (
        "No contract covers May 2026, so there are no amounts."
    )


def test_two_years_of_it_would_stay_below_three_megabytes(dashboard: OpenDashboard) -> None:
    sizes = dashboard.page.evaluate(
        "[document.documentElement.outerHTML.length, document.getElementById('content').textContent.length]"
    )
    script = dashboard.page.evaluate("document.scripts[1].textContent.length")
    # 120 days of five pools here; the charts' specifications do not grow.
    assert script + sizes[1] * 730 / 120 < 3_000_000


def test_an_empty_warehouse_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, database_url=database_url, home=tmp_path)
    assert cli.exit_code_of(["dashboard"]) == 1
    assert capsys.readouterr().err == "the marts have not been built yet: spacelift-usage run\n"
    assert not (tmp_path / "dashboard.html").exists()


def test_a_run_with_nothing_to_show_writes_no_dashboard_and_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    configure(monkeypatch, database_url=database_url, home=tmp_path)
    run = dg.materialize([dashboard_asset.dashboard], resources={"postgres": PostgresResource()})
    assert run.success
    assert run.get_asset_materialization_events() == []
    assert not (tmp_path / "dashboard.html").exists()
