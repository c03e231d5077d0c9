"""`spacelift-usage ui`: Dagster's own page and daemon."""

import os
import signal
import socket
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
    from orchestration.runs.launch import WORKSPACE

    refuse_taken_port(port)
    # A service manager's request to end is the same as a person's; and a shell that started this in the
    # background has switched Ctrl-C off, for Dagster's processes as well, which would then never end.
    for wish_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish_to_end, signal.default_int_handler)
    prepare_history(os.environ, home=configured().home)
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # It ends its own processes; a second Ctrl-C does no harm.
        process.send_signal(signal.SIGINT)
        process.wait()
        return
    if code:
        raise CommandFailedError(f"the UI ended with code {code}")


def refuse_taken_port(port: int) -> None:
    """Dagster shares the port of an open page, and then two daemons quarrel over one history."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise CommandFailedError(
                f"port {port} of 127.0.0.1 is taken: is the UI open already? choose another with --port"
            )
