"""The demo account's warehouse, filled once a session by the command that a person types."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orchestration.warehouse import embedded


@pytest.fixture(scope="session")
def demo_warehouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the demo's warehouse after `spacelift-usage demo`; tests only read it."""
    home = tmp_path_factory.mktemp("demo-home")
    demo = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "demo"],
        env={**os.environ, "USAGE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert demo.returncode == 0, demo.stderr
    # The server that `demo` started is stopped by it: nothing is left running.
    assert embedded.status(home / "demo").state == "stopped"
    try:
        yield embedded.ensure_running(home / "demo")
    finally:
        embedded.stop(home / "demo")
