"""`spacelift-usage ui`: Dagster's own page and daemon."""

import os
import signal
import subprocess
import sys

from orchestration.commands.configured import configured
from orchestration.commands.failure import CommandFailedError
from orchestration.environment import use_environment
from orchestration.history import prepare_history
from orchestration.settings import ENDPOINT, KEY_ID, KEY_SECRET


def serve_ui(*, port: int, is_demo: bool) -> None:
    """Dagster's web page and daemon on this project, until Ctrl-C; for the demo its server as well."""
    from orchestration.demo.server import demo_server

    if not is_demo:
        _serve(port=port)
        return
    with demo_server() as server:
        use_environment(
            {
                ENDPOINT: server.endpoint,
                KEY_ID: server.key_id,
                KEY_SECRET: server.key_secret,
            }
        )
        _serve(port=port)


def _serve(*, port: int) -> None:
    from orchestration.launch import WORKSPACE

    prepare_history(os.environ, home=configured().home)
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # It had the same Ctrl-C and ends its own processes.
        process.send_signal(signal.SIGINT)
        process.wait()
        return
    if code:
        raise CommandFailedError(f"the UI ended with code {code}")
