"""`spacelift-usage superset`: Apache Superset on the marts, with the dashboard of dashboards/superset.

Here: the login it reads with, its secrets, its processes. Not here: the dashboard, and what Superset is told
(dashboards/superset). It has an environment of its own, .venv-superset, and gets none of our variables.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console

from orchestration.commands.configured import configured, one_line_errors, open_warehouse, warehouse_url
from orchestration.commands.failure import CommandFailedError
from orchestration.commands.ui import refuse_taken_port
from orchestration.settings import Settings
from orchestration.warehouse import embedded

LOGIN = "usage_superset"
DASHBOARD = "/superset/dashboard/spacelift-usage/"
_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = _ROOT / "dashboards" / "superset"
_PROGRAMS = _ROOT / ".venv-superset" / "bin"
_START_TIMEOUT_SECONDS = 120
_STOP_TIMEOUT_SECONDS = 30
_KEPT_FROM_OURS = ("PATH", "HOME", "LANG", "TMPDIR")


def serve_superset(*, port: int) -> None:
    """Make or renew the login, import the dashboard, serve it on this machine until Ctrl-C.

    Raises:
        CommandFailedError: not installed, the port is taken, the warehouse or Superset does not start.
    """
    if not (_PROGRAMS / "gunicorn").is_file():
        raise CommandFailedError(
            f"Superset is not installed in {_PROGRAMS.parent}: make superset installs it"
        )
    refuse_taken_port(port)
    # A service manager's request to end is the same as a person's.
    for wish_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish_to_end, signal.default_int_handler)
    settings = configured()
    console = Console(stderr=True, highlight=False)
    with _embedded_server_left_as_found(settings):
        home = settings.home / "superset"
        password = _write_secrets(home, warehouse=_reader_url(settings))
        console.print("Preparing Superset (a minute the first time) ...")
        _prepare(home)
        with _server(home, port=port) as server:
            console.print(f"Superset: http://127.0.0.1:{port}{DASHBOARD}", soft_wrap=True)
            console.print(f"User admin, password {password}; Ctrl-C ends it", markup=False, soft_wrap=True)
            server.wait()
            raise CommandFailedError(f"Superset ended by itself: the end of {home / 'superset.log'} says why")


@contextmanager
def _embedded_server_left_as_found(settings: Settings) -> Iterator[None]:
    """Stop the embedded Postgres at the end where it did not run before."""
    stops = settings.database_url is None and embedded.status(settings.home).state in ("absent", "stopped")
    try:
        yield
    except KeyboardInterrupt:
        # That is how it ends.
        pass
    finally:
        if stops:
            with one_line_errors():
                embedded.stop(settings.home)


def _reader_url(settings: Settings) -> str:
    from orchestration.warehouse.readers import grant_reader, reader_url

    with open_warehouse(settings) as connection:
        built = connection.execute("select to_regclass('marts.data_freshness')").fetchone()
        if built is None or built[0] is None:
            raise CommandFailedError("the marts have not been built yet: spacelift-usage run, or make demo")
        password = grant_reader(connection, LOGIN)
        connection.commit()
    url = reader_url(warehouse_url(settings), LOGIN, password=password)
    return urlsplit(url)._replace(scheme="postgresql+psycopg2").geturl()


def _write_secrets(home: Path, *, warehouse: str) -> str:
    """Keep what Superset must not share in a file that only its owner reads; the password of its user."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / "secrets.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    values = {
        "secret_key": kept.get("secret_key") or secrets.token_urlsafe(42),
        "user_password": kept.get("user_password") or secrets.token_urlsafe(12),
        "warehouse_url": warehouse,
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file)
    return values["user_password"]


def _prepare(home: Path) -> None:
    bundle = home / "dashboard.zip"
    _run(
        [sys.executable, str(_SOURCES / "bundle.py"), str(bundle)], log=home / "prepare.log", environment=None
    )
    _run(
        [str(_PROGRAMS / "python"), str(_SOURCES / "prepare.py"), str(bundle)],
        log=home / "prepare.log",
        environment=_environment(home),
    )


def _run(arguments: list[str], *, log: Path, environment: dict[str, str] | None) -> None:
    with log.open("w") as output:
        done = subprocess.run(arguments, env=environment, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise CommandFailedError(f"Superset could not be prepared: the end of {log} says why")


@contextmanager
def _server(home: Path, *, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Superset, answering; ended with its workers afterwards."""
    log = home / "superset.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                str(_PROGRAMS / "gunicorn"),
                f"--bind=127.0.0.1:{port}",
                "--workers=1",
                "--threads=8",
                "--timeout=120",
                "superset.app:create_app()",
            ],
            env=_environment(home),
            stdout=output,
            stderr=output,
            # Ctrl-C reaches us, and we end it: gunicorn would print its own story.
            start_new_session=True,
        )
        try:
            _wait_until_it_answers(process, port=port, log=log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_until_it_answers(process: subprocess.Popen[bytes], *, port: int, log: Path) -> None:
    for _ in range(_START_TIMEOUT_SECONDS * 2):
        if process.poll() is not None:
            break
        try:
            # No proxy stands between this machine and itself.
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=5, trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise CommandFailedError(f"Superset did not start: the end of {log} says why")


def _environment(home: Path) -> dict[str, str]:
    """Nothing of ours but what every program needs: Spacelift's key is no business of Superset's."""
    return {
        **{name: os.environ[name] for name in _KEPT_FROM_OURS if name in os.environ},
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(_SOURCES / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
        "PYTHONWARNINGS": "ignore",
    }
