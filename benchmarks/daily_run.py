"""A warm daily run of one day, as a ratio to a bare `dbt build` of the same project in the same database.

Both are commands in processes of their own, taken in turn; the figures are medians. The bare build is dbt's
own command line with its parsing warm. Budget: at most 2.0.
"""

import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestration.dbt_manifest import PROJECT_DIR
from orchestration.demo.account import LAST_DAY
from orchestration.demo.server import demo_server
from orchestration.environment import demo_environment
from orchestration.resources.dbt import dbt_environment
from orchestration.settings import Settings
from orchestration.warehouse import embedded

HISTORY_DAYS = 30
ROUNDS = 5
BUDGET = 2.0
ONE_DAY = dt.timedelta(days=1)


def main() -> None:
    """Print both medians and their ratio; exit 1 above the budget."""
    with tempfile.TemporaryDirectory() as folder, demo_server() as server:
        environ = demo_environment(
            {**os.environ, "USAGE_HOME": folder},
            endpoint=server.endpoint,
            key_id=server.key_id,
            key_secret=server.key_secret,
        )
        home = Settings.from_environment(environ).home
        try:
            ratio = _measure(environ, database_url=embedded.ensure_running(home), target=home / "bare-dbt")
        finally:
            embedded.stop(home)
    sys.exit(0 if ratio <= BUDGET else 1)


def _measure(environ: Mapping[str, str], *, database_url: str, target: Path) -> float:
    until = LAST_DAY + ONE_DAY
    run = [sys.executable, "-m", "orchestration.cli", "run", f"--until={until}"]
    one_day = [*run, f"--since={LAST_DAY}"]
    bare = [
        str(Path(sys.executable).with_name("dbt")),
        "--quiet",
        "build",
        f"--project-dir={PROJECT_DIR}",
        f"--profiles-dir={PROJECT_DIR}",
        f"--target-path={target}",
        f"--log-path={target}",
    ]
    bare_environ = {**environ, **dbt_environment(database_url, inherited=environ)}
    _seconds([*run, f"--since={until - HISTORY_DAYS * ONE_DAY}"], environ)
    _seconds(bare, bare_environ)
    runs, builds = [], []
    for _ in range(ROUNDS):
        runs.append(_seconds(one_day, environ))
        builds.append(_seconds(bare, bare_environ))
    ratio = statistics.median(runs) / statistics.median(builds)
    print(f"spacelift-usage run, one day, warm   {statistics.median(runs):6.2f} s")
    print(f"bare dbt build                       {statistics.median(builds):6.2f} s")
    print(f"ratio                                {ratio:6.2f}   (budget {BUDGET})")
    return ratio


def _seconds(command: Sequence[str], environ: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=dict(environ), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
