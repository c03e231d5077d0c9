"""Where a command's variables come from: the process, `.env`, or the demo's own set.

Here: whose data a command is about. Not here: what the variables mean (settings.py).
"""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from orchestration import settings
from orchestration.settings import Settings, SettingsError

DEMO_ACCOUNT = "demo"
DEMO_FOLDER = "demo"
SELF_HOSTED_DEMO_FOLDER = "demo-self-hosted"
# Its first row is the demo account's contract; the invoices are the demo's, one of them with a seat too many.
DEMO_CONTRACTS_FILE = Path(__file__).resolve().parents[1] / "contracts.example.csv"
DEMO_INVOICES_FILE = Path(__file__).resolve().parents[1] / "invoices.example.csv"


def environment_with_dotenv(environ: Mapping[str, str], *, dotenv: Path) -> dict[str, str]:
    """The environment, and below it what the file says; no file is as good as an empty one.

    Raises:
        SettingsError: the file is not UTF-8, or holds a secret and others on this machine may read it.
    """
    try:
        from_file = {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    except UnicodeDecodeError as error:
        raise SettingsError(f"{dotenv.absolute()} is not UTF-8: save it as UTF-8 text") from error
    is_open_to_others = os.name == "posix" and dotenv.is_file() and dotenv.stat().st_mode & 0o077
    if is_open_to_others and any(from_file.get(name, "").strip() for name in settings.SECRET_VARIABLES):
        raise SettingsError(
            f"{dotenv.absolute()} holds secrets and others on this machine may read it: chmod 600 {dotenv}"
        )
    return {**from_file, **environ}


def demo_home(home: Path, *, folder: str = DEMO_FOLDER) -> Path:
    """A demo's folder: its own database, archive and history, beside the real ones."""
    return home / folder


def demo_environment(
    environ: Mapping[str, str],
    *,
    endpoint: str = "",
    key_id: str = "",
    key_secret: str = "",
    folder: str = DEMO_FOLDER,
) -> dict[str, str]:
    """The environment with every variable of ours set for the demo, so that nothing real is reached.

    What is not set is set to nothing, because `dagster dev` fills gaps from `.env`.
    """
    from orchestration.demo.account import FIRST_DAY, LAST_DAY

    home = Path(environ.get(settings.HOME) or ".local").expanduser().absolute()
    return {
        **environ,
        **dict.fromkeys(settings.VARIABLES, ""),
        "DAGSTER_HOME": "",
        settings.HOME: str(demo_home(home, folder=folder)),
        settings.ACCOUNT: DEMO_ACCOUNT,
        settings.ENDPOINT: endpoint,
        settings.KEY_ID: key_id,
        settings.KEY_SECRET: key_secret,
        settings.START_DATE: FIRST_DAY.isoformat(),
        settings.END_DATE: (LAST_DAY + dt.timedelta(days=1)).isoformat(),
        settings.CONTRACTS_FILE: str(DEMO_CONTRACTS_FILE),
        settings.INVOICES_FILE: str(DEMO_INVOICES_FILE),
    }


def is_about_the_demo(environ: Mapping[str, str]) -> bool:
    """True when nothing is configured but the demo has run: commands that only read then speak about it."""
    configured = Settings.from_environment(environ)
    return not configured.is_anything_configured and demo_home(configured.home).is_dir()


def use_environment(variables: Mapping[str, str]) -> None:
    """Make these the variables of this process and of those it starts."""
    os.environ.update(variables)
