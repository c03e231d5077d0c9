"""The pictures of the README and the documentation, made anew from a real run of the demo: `make pictures`.

Here: the demo in a home of its own, its output as SVG, the dashboard and Dagster's graph as a browser shows
them. Needs Chromium and pngquant on the machine (apt-get install chromium pngquant).
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
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
# The end of what the demo prints: the last bill, the bills of all periods, where to look next.
TERMINAL_FROM = "Bill of "
LARGEST_BYTES = 300_000
UI_START_SECONDS = 180

# Like rich's own, without the fonts that it would fetch from another host.
TERMINAL_SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}"
  height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Make every picture; the files that are there are replaced."""
    programs = {name: shutil.which(name) or "" for name in ("chromium", "pngquant")}
    if missing := [name for name, path in programs.items() if not path]:
        sys.exit(f"not on this machine: {', '.join(missing)}; apt-get install chromium pngquant")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        home = Path(folder)
        environment = {**os.environ, "USAGE_HOME": str(home), "COLUMNS": "80"}
        picture_of_terminal(run_demo(environment), home=home)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=programs["chromium"], args=["--no-sandbox", "--disable-gpu"]
            )
            pictures_of_dashboard(browser, file=home / "demo" / "dashboard.html")
            with running_ui(environment) as url:
                picture_of_graph(browser, url=url)
            browser.close()
    for picture in sorted(PICTURES.glob("*.png")):
        make_small(picture, pngquant=programs["pngquant"])


def run_demo(environment: dict[str, str]) -> str:
    """What `make demo` prints."""
    demo = [sys.executable, "-m", "orchestration.cli", "demo"]
    done = subprocess.run(demo, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def picture_of_terminal(printed: str, *, home: Path) -> None:
    """The command and the end of its output, as a terminal shows it."""
    _, begin, end = printed.replace(str(home), ".local").partition(TERMINAL_FROM)
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(Text("$ make demo\n…\n" + begin + end.rstrip()), soft_wrap=False)
    svg = console.export_svg(title="make demo", theme=MONOKAI, code_format=TERMINAL_SVG, unique_id="demo")
    (PICTURES / "make_demo.svg").write_text(svg, encoding="utf-8")


def pictures_of_dashboard(browser: Browser, *, file: Path) -> None:
    """The page in light and dark, and each of its charts."""
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1280, "height": 1046}, color_scheme=scheme)
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-drawn]")
        page.screenshot(path=PICTURES / f"dashboard_{scheme}.png")
        if scheme == "light":
            for chart in CHARTS:
                page.locator(f"#{chart}").screenshot(path=PICTURES / f"chart_{chart}.png")
        page.close()


def picture_of_graph(browser: Browser, *, url: str) -> None:
    """Dagster's asset graph: the raw assets, the layers, what stands at the end."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{url}/asset-groups?expanded=global%40global%3Araw%2Cglobal%40global%3Aexports")
    page.get_by_text("worker_count").first.wait_for(timeout=60_000)
    # The graph is laid out and its states are asked for after it is there.
    page.wait_for_timeout(8_000)
    page.screenshot(path=PICTURES / "asset_graph.png")
    page.close()


@contextmanager
def running_ui(environment: dict[str, str]) -> Iterator[str]:
    """Dagster's UI on the demo, at a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    ui = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"{url}/server_info")
        yield url
    finally:
        ui.terminate()
        ui.wait()
        stop = [sys.executable, "-m", "orchestration.cli", "database-stop"]
        subprocess.run(stop, env=environment, cwd=ROOT, capture_output=True, check=False)


def wait_for(url: str) -> None:
    """Until it answers."""
    end = time.monotonic() + UI_START_SECONDS
    while True:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def make_small(picture: Path, *, pngquant: str) -> None:
    """256 colours are enough for what is drawn."""
    here = str(picture)
    subprocess.run([pngquant, "--force", "--strip", "--speed", "1", "--output", here, "--", here], check=True)
    if picture.stat().st_size > LARGEST_BYTES:
        sys.exit(f"{picture} has {picture.stat().st_size:,} bytes, more than {LARGEST_BYTES:,}")


if __name__ == "__main__":
    main()
