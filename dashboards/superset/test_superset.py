"""Superset as a person meets it: `spacelift-usage superset` on the demo's warehouse, in a real browser.

Behind `make test-superset`, because it takes minutes and needs Chromium. What the browser drew is what it was
answered, so these answers are compared with SQL on the marts, every chart, every row.
"""

import datetime as dt
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from charts import CHARTS
from playwright.sync_api import Page, Request, Response, sync_playwright
from psycopg.rows import dict_row

from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOT = ROOT / ".local" / "superset.png"
START_SECONDS, DRAW_SECONDS = 300, 120
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

# The figures of each chart, by other queries than its own; of the newest period where the chart follows it.
NEWEST = "period_start_at = (select max(period_start_at) from dim_billing_periods)"
HOURS_OF_NEWEST = f"hour_at >= (select period_start_at from dim_billing_periods where {NEWEST})"
SQL = {
    "burst_hours_left": f"""
        select burst_hours_left as "Burst hours left" from billing_worker_commitment where {NEWEST}
    """,
    "p95": f'select p95_to_date as "Billed percentile" from billing_worker_commitment where {NEWEST}',
    "cost_to_date": f'select sum(amount) as "Cost to date" from billing_lines where {NEWEST}',
    "cost_forecast": f'select amount_forecast as "Cost forecast" from billing_periods where {NEWEST}',
    "loaded_through": 'select max(date_day) as "Loaded through" from dim_dates where is_covered',
    "workers_hourly": f"""
        select hour_at, series, value from (
            select hour_at, sum(worker_count) as workers, 12 as committed,
                (select p95_to_date from billing_worker_commitment where {NEWEST}) as billed
            from fct_worker_pool_hourly where {HOURS_OF_NEWEST} group by hour_at
        ) as hours
        cross join lateral (
            values ('workers', workers), ('committed', committed), ('billed percentile', billed)
        ) as melted (series, value)
    """,
    "minutes_by_state": f"""
        select date_day as hour_at, run_state as series, sum(state_minutes) as value
        from fct_run_state_hourly inner join dim_run_states using (run_state)
        where not is_public and state_class in ('active', 'waiting_worker') and {HOURS_OF_NEWEST}
        group by date_day, run_state
    """,
    "p95_by_period": """
        select to_char(date_trunc('month', hour_at), 'YYYY-MM-DD') as billing_period,
            percentile_disc(0.95) within group (order by worker_count) as "P95",
            percentile_disc(0.95) within group (order by nullif(worker_count, 0)) as "P95 without zeros",
            case when min(hour_at) >= '2026-06-01' then 12 end as committed
        from fct_account_hourly
        group by date_trunc('month', hour_at)
    """,
    "p95_by_pool": f"""
        select worker_pool_name, percentile_disc(0.95) within group (order by worker_count) as "P95",
            percentile_disc(0.95) within group (order by nullif(worker_count, 0)) as "P95 without zeros"
        from fct_worker_pool_hourly where {HOURS_OF_NEWEST} group by worker_pool_name
    """,
    "bills": """
        select to_char(period_start_at, 'YYYY-MM-DD') as billing_period, line_code as series, amount as value
        from billing_lines where amount <> 0
    """,
    "bill_lines": f"""
        select to_char(period_start_at, 'YYYY-MM-DD') as billing_period, line_code, quantity, unit,
            unit_price, amount, currency, status, is_correction
        from billing_lines where {NEWEST}
    """,
    "cost_by_pool": f"""
        select coalesce(worker_pool_name, 'no pool') as pool, allocation as series, sum(amount) as value
        from billing_cost_allocation where {NEWEST} group by 1, 2
    """,
    "cost_by_bearer": f"""
        select allocation, coalesce(stack_slug, worker_pool_name, 'fees and seats') as bearer,
            sum(active_minutes) as "active minutes", sum(idle_minutes) as "idle minutes",
            sum(amount) as amount
        from billing_cost_allocation where {NEWEST} group by 1, 2
    """,
    "burst_hours": f"""
        select row_number() over (order by hour_at) as burst_hour_number, hour_at, worker_count,
            worker_count - 12 as workers_above
        from fct_account_hourly where worker_count > 12 and {HOURS_OF_NEWEST}
    """,
    "queue": f"""
        select to_char(hour_at, 'ID Dy') as weekday, to_char(hour_at, 'HH24') as hour_of_day,
            sum(waiting_worker_minutes) / 60 as "hours waited"
        from fct_worker_pool_hourly where {HOURS_OF_NEWEST} group by 1, 2
    """,
    "coverage": """
        select to_char(usage_date, 'YYYY-MM') as calendar_month, to_char(usage_date, 'DD') as day_of_month,
            count(distinct aspect) as files
        from raw.usage_loads where aspect in ('run-minutes', 'worker-count') group by usage_date
    """,
}


@dataclass
class Dashboard:
    """What one visit of the page gave."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hosts_answered: set[str] = field(default_factory=set)
    outside_refused: dict[str, str | None] = field(default_factory=dict)
    charts_drawn: set[str] = field(default_factory=set)
    text: str = ""


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    port: int
    password: str
    home: Path


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demo's warehouse, then Superset on it, as two commands that a person types."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "USAGE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "orchestration.cli"]
    subprocess.run(
        [*command, "demo"], env=environment, check=True, capture_output=True, timeout=START_SECONDS
    )
    port = _free_port()
    process = subprocess.Popen(
        [*command, "superset", "--port", str(port)], env=environment, text=True, stderr=subprocess.PIPE
    )
    try:
        password = _password_said_by(process)
        yield Running(process, port=port, password=password, home=home / "demo")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture(scope="session")
def dashboard(running: Running) -> Dashboard:
    """One visit: log in, open the dashboard, wait until every chart is drawn, take a picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "install chromium: the page is tested in a real browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        # High enough for every chart to be in sight: those below are drawn only when scrolled to.
        with closing(browser.new_page(viewport={"width": 1500, "height": 4000})) as page:
            return _visit(page, running)


@pytest.fixture(scope="session")
def warehouse(running: Running) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with closing(connect(embedded.ensure_running(running.home))) as connection:
        connection.execute("set search_path to marts")
        connection.row_factory = dict_row
        yield connection


@pytest.mark.parametrize("key", [chart.key for chart in CHARTS])
def test_a_chart_shows_what_sql_says(
    key: str, dashboard: Dashboard, warehouse: psycopg.Connection[dict[str, Any]]
) -> None:
    expected = warehouse.execute(SQL[key].encode()).fetchall()
    assert expected
    columns = list(expected[0])
    drawn = dashboard.rows[key]
    if "series" in columns:
        drawn = _melted(drawn, by=columns[0])
    assert Counter(_cells(row, columns) for row in drawn) == Counter(_cells(row, columns) for row in expected)


def test_every_chart_is_drawn_and_figures_stand_on_the_page(
    dashboard: Dashboard, warehouse: psycopg.Connection[dict[str, Any]]
) -> None:
    assert dashboard.charts_drawn == {chart.key for chart in CHARTS}
    assert "error" not in dashboard.text.lower()
    for key in ("cost_to_date", "cost_forecast"):
        ((amount),) = warehouse.execute(SQL[key].encode()).fetchone().values()
        assert f"{amount:,.2f}" in dashboard.text


def test_no_request_leaves_the_page(dashboard: Dashboard, running: Running) -> None:
    assert dashboard.hosts_answered == {f"127.0.0.1:{running.port}"}
    # Superset's pages ask for a pixel that counts installations; the browser was told not to.
    assert set(dashboard.outside_refused.values()) <= {"csp"}


def test_no_password_is_kept_where_others_may_read(running: Running) -> None:
    kept = running.home / "superset" / "secrets.json"
    assert kept.stat().st_mode & 0o077 == 0
    secrets = json.loads(kept.read_text())
    words = [secrets["secret_key"], secrets["user_password"], urlsplit(secrets["warehouse_url"]).password]
    others = [path for path in kept.parent.rglob("*") if path.is_file() and path != kept]
    assert len(others) >= 3
    assert [path.name for path in others for word in words if word.encode() in path.read_bytes()] == []


def test_ctrl_c_ends_it_and_leaves_nothing_running(running: Running, dashboard: Dashboard) -> None:
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(60) == 0
    assert embedded.status(running.home).state == "stopped"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", running.port)) != 0


def _visit(page: Page, running: Running) -> Dashboard:
    seen = Dashboard()
    answers: dict[int, list[dict[str, Any]]] = {}

    def note_answer(response: Response) -> None:
        seen.hosts_answered.add(urlsplit(response.url).netloc)
        if "/api/v1/chart/data" in response.url:
            number = json.loads(response.request.post_data or "{}")["form_data"].get("slice_id")
            if number:
                answers[number] = response.json()["result"][0]["data"]

    def note_failure(request: Request) -> None:
        if urlsplit(request.url).netloc != f"127.0.0.1:{running.port}":
            seen.outside_refused[request.url] = request.failure

    page.on("response", note_answer)
    page.on("requestfailed", note_failure)
    address = f"http://127.0.0.1:{running.port}"
    page.goto(f"{address}/login/")
    page.fill("input[name=username], #username", "admin")
    page.fill("input[name=password], #password", running.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/welcome/**")
    page.goto(f"{address}/superset/dashboard/spacelift-usage/")
    listed = page.request.get(f"{address}/api/v1/dashboard/spacelift-usage/charts").json()["result"]
    numbers = {chart.key: _number_of(chart.title, listed) for chart in CHARTS}
    for key, number in numbers.items():
        drawing = ".header-line, table tbody tr, canvas"
        page.locator(f".dashboard-chart-id-{number}").locator(drawing).first.wait_for(
            state="visible", timeout=DRAW_SECONDS * 1000
        )
        seen.charts_drawn.add(key)
    # The newest period is chosen once the page stands, and the charts are drawn anew.
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)
    SCREENSHOT.parent.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOT)
    seen.rows = {key: answers[number] for key, number in numbers.items()}
    seen.text = page.locator("body").inner_text()
    return seen


def _number_of(title: str, listed: list[dict[str, Any]]) -> int:
    (number,) = [chart["id"] for chart in listed if chart["slice_name"] == title]
    return number


def _melted(rows: list[dict[str, Any]], *, by: str) -> list[dict[str, Any]]:
    """A row per cell that holds a figure; Superset puts every series in a column of its own."""
    return [
        {by: row[by], "series": series, "value": value}
        for row in rows
        for series, value in row.items()
        if series != by and value is not None
    ]


def _cells(row: dict[str, Any], columns: list[str]) -> tuple[Any, ...]:
    return tuple(_plain(row[column]) for column in columns)


def _plain(value: Any) -> Any:
    """Times as Superset sends them, milliseconds; numbers to the sixth digit, as the marts keep them."""
    if isinstance(value, dt.datetime):
        value = value.timestamp() * 1000
    elif isinstance(value, dt.date):
        value = dt.datetime.combine(value, dt.time(), dt.UTC).timestamp() * 1000
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return round(Decimal(str(value)), 6)
    return value


def _password_said_by(process: subprocess.Popen[str]) -> str:
    said: list[str] = []
    until = time.monotonic() + START_SECONDS
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if match := re.search(r"User admin, password (\S+);", line):
            return match[1]
        assert time.monotonic() < until, said
    raise AssertionError(f"Superset did not start: {said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
