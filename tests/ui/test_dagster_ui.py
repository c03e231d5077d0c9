"""The Dagster UI over the demo, used as a person does, in a real Chromium: make test-ui, two minutes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

STARTED_WITHIN_SECONDS = 120
RUN_ENDS_WITHIN_SECONDS = 240
JOB = "/locations/orchestration.definitions/jobs/spacelift_usage_daily"


@dataclass
class OpenUi:
    """A browser's page on the UI, and the hosts that it asked."""

    page: Page
    url: str
    hosts: set[str] = field(default_factory=set)

    def goto(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def ask(self, query: str) -> dict[str, Any]:
        """What the page's own API says, for what no page shows in one place."""
        data: dict[str, Any] = httpx.post(f"{self.url}/graphql", json={"query": query}).json()["data"]
        return data


@pytest.fixture(scope="module")
def ui_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`spacelift-usage ui` after `spacelift-usage demo`, both as a person types them in a fresh clone."""
    home = tmp_path_factory.mktemp("ui-home")
    environ = {**os.environ, "USAGE_HOME": str(home)}
    command = [sys.executable, "-m", "orchestration.cli"]
    subprocess.run([*command, "demo"], env=environ, check=True, capture_output=True, timeout=400)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (home / "ui.log").open("wb") as log:
        process = subprocess.Popen([*command, "ui", f"--port={port}"], env=environ, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(url, process=process, log=home / "ui.log")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        subprocess.run([*command, "database-stop"], env=environ, check=False, capture_output=True)


def _wait_until_it_answers(url: str, *, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/server_info").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail(f"no answer within {STARTED_WITHIN_SECONDS} s: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def ui(browser: Browser, ui_url: str) -> OpenUi:
    page = browser.new_page(viewport={"width": 1500, "height": 1400})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    opened = OpenUi(page=page, url=ui_url)
    page.on("request", lambda request: opened.hosts.add(urlsplit(request.url).hostname or ""))
    return opened


def test_a_backfill_that_a_person_launches_ends_well(ui: OpenUi) -> None:
    ui.goto(JOB)
    ui.page.get_by_role("button", name="Materialize").first.click()
    days = ui.page.locator("input[placeholder*='artition']").last
    days.fill("[2026-09-16...2026-09-17]")
    days.press("Enter")
    ui.page.get_by_role("button", name="Launch backfill").click()

    ui.goto("/runs?view=backfills")
    expect(ui.page.get_by_text("2 partitions")).to_be_visible()
    expect(ui.page.get_by_text("Success", exact=True)).to_be_visible(timeout=1000 * RUN_ENDS_WITHIN_SECONDS)
    runs = ui.ask("{runsOrError {... on Runs {results {status tags {key value}}}}}")["runsOrError"]["results"]
    assert [run["status"] for run in runs] == ["SUCCESS", "SUCCESS"]
    # However many days it has, a backfill is one run.
    assert {"key": "dagster/asset_partition_range_start", "value": "2026-09-16"} in runs[0]["tags"]


def test_the_graph_shows_the_layers_and_nothing_that_is_no_asset(ui: OpenUi) -> None:
    ui.goto("/asset-groups")
    for layer in ("raw", "staging", "intermediate", "marts"):
        expect(ui.page.get_by_text(layer, exact=True).first).to_be_visible()
    nodes = ui.ask("{assetsOrError {... on AssetConnection {nodes {key {path} definition {id}}}}}")
    known = nodes["assetsOrError"]["nodes"]
    assert len(known) > 60
    assert ["/".join(node["key"]["path"]) for node in known if node["definition"] is None] == []


def test_a_day_is_a_partition_with_its_own_counts(ui: OpenUi) -> None:
    ui.goto("/assets/raw/run_minutes?view=partitions&partition=2026-09-16")
    # The demo's calendar ends where its history does.
    expect(ui.page.get_by_text("Missing (0)")).to_be_visible()
    expect(ui.page.get_by_text("dagster/row_count")).to_be_visible()


def test_bills_are_told_at_every_run_with_a_picture_and_plots(ui: OpenUi) -> None:
    ui.goto("/assets/marts/billing_periods?view=events")
    expect(ui.page.get_by_role("cell", name="5,959.14 USD", exact=True)).to_be_visible()
    picture = ui.page.get_by_alt_text("cost, orange above commitment")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 4 * 32

    ui.goto("/assets/marts/billing_periods")
    ui.page.get_by_role("button", name="Plots").click()
    for number in ("cost_to_date", "cost_forecast", "private_minutes", "public_minutes", "missing_hours"):
        expect(ui.page.get_by_text(number, exact=True).first).to_be_visible()
    expect(ui.page.locator("canvas").first).to_be_visible()


def test_a_mart_says_what_its_columns_mean_who_owns_it_and_what_is_checked(ui: OpenUi) -> None:
    ui.goto("/assets/marts/billing_worker_commitment")
    expect(ui.page.get_by_text("Budget less used; below 0")).to_be_visible()
    expect(ui.page.get_by_text("finops", exact=True)).to_be_visible()
    expect(ui.page.get_by_text("about: billing")).to_be_visible()
    check = "a_forecast_is_not_below_its_floor"
    ui.goto(f"/assets/marts/billing_worker_commitment?view=checks&checkDetail={check}")
    expect(ui.page.get_by_text("In every row: coalesce(p95_floor")).to_be_visible()


def test_no_other_host_is_asked(ui: OpenUi) -> None:
    assert ui.hosts - {"", "127.0.0.1"} == set()
