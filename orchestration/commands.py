"""What the commands of `spacelift-usage` do, once their arguments are read."""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console

from orchestration.contracts.contracts_file import read_contracts
from orchestration.contracts.errors import ContractsError
from orchestration.contracts.invoices_file import read_invoices
from orchestration.environment import demo_environment, use_environment
from orchestration.history import prepare_history
from orchestration.settings import ACCOUNT, ENDPOINT, KEY_ID, KEY_SECRET, TOKEN, Settings, SettingsError
from orchestration.spacelift.aspects import ASPECTS
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.schema import claim_account, ensure_schema

if TYPE_CHECKING:
    from orchestration.landing.usage_file import UsageFile

STDOUT = Path("-")


class CommandFailedError(Exception):
    """A command that was understood could not be carried out; the message is for the person who typed it."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run(
    *, since: dt.date | None, until: dt.date | None, from_archive: bool = False, full_refresh: bool = False
) -> None:
    """The daily job, for the days asked for or those of the schedule."""
    settings = _settings()
    if not settings.is_anything_configured:
        raise SettingsError(_NOTHING_CONFIGURED)
    if settings.account is None:
        raise SettingsError(f"no Spacelift account is configured: set {ENDPOINT}, or {ACCOUNT}")
    if not (from_archive or settings.has_credentials):
        raise SettingsError(_NO_CREDENTIALS)
    console = Console()
    _run_days(
        settings,
        since=since,
        until=until,
        from_archive=from_archive,
        full_refresh=full_refresh,
        console=console,
    )


def load_file(path: Path, *, aspect_name: str | None) -> None:
    """The daily job over the days of a file that a person exported; the vendor is not asked."""
    from orchestration.landing.errors import FileRefusedError
    from orchestration.landing.usage_file import survey_file

    settings = _settings()
    if settings.account is None:
        raise SettingsError(
            f"whose file is this? set {ACCOUNT} to the account's name in the warehouse, or {ENDPOINT}"
        )
    try:
        file = survey_file(path, aspect=ASPECTS[aspect_name] if aspect_name else None)
    except FileRefusedError as error:
        raise CommandFailedError(str(error)) from error
    _run_days(settings, since=file.since, until=file.until, file=file, console=Console())


def summary() -> None:
    """Months, pools and minutes from the marts, and where to look next."""
    settings, console = _settings(), Console()
    with _one_line_errors(), closing(connect(_url(settings))) as connection:
        _print_summary(connection, console=console)


def check() -> None:
    """One line for each part; fails when a configured one does not answer."""
    from orchestration.configuration_check import check_parts

    settings, console = _settings(), Console()
    parts = check_parts(settings)
    for part in parts:
        console.print(
            f"{part.name:<10} {part.verdict:<15} {part.detail}", highlight=False, markup=False, soft_wrap=True
        )
    if not settings.is_anything_configured:
        raise SettingsError(_NOTHING_CONFIGURED)
    failed = [part.name for part in parts if part.verdict == "failed"]
    if failed:
        raise CommandFailedError(f"does not answer: {', '.join(failed)}")


def database_url() -> None:
    """The warehouse's URL on stdout, and nothing else."""
    with _one_line_errors():
        sys.stdout.write(f"{_url(_settings())}\n")


def database_stop() -> None:
    """Stop the embedded server, if it runs."""
    settings = _settings()
    with _one_line_errors():
        stopped = embedded.stop(settings.home)
    Console(stderr=True).print("stopped" if stopped else "was not running", highlight=False)


def demo() -> None:
    """The whole history of the demo account, in its own home; nothing is left running."""
    from orchestration.demo.account import FIRST_DAY, LAST_DAY
    from orchestration.demo.server import demo_server

    console = Console()
    with demo_server() as server:
        use_environment(
            demo_environment(
                os.environ, endpoint=server.endpoint, key_id=server.key_id, key_secret=server.key_secret
            )
        )
        settings = _settings()
        try:
            _run_days(settings, since=FIRST_DAY, until=LAST_DAY + dt.timedelta(days=1), console=console)
            with _one_line_errors(), closing(connect(_url(settings))) as connection:
                _print_summary(connection, console=console)
        finally:
            with _one_line_errors():
                embedded.stop(settings.home)


def export_focus(path: Path) -> None:
    """The FOCUS mart as a CSV file, or on stdout for `-`."""
    from orchestration.exports.focus import ExportError, write_focus_file, write_focus_rows

    with _one_line_errors(), closing(connect(_url(_settings()))) as connection:
        try:
            if path != STDOUT:
                rows = write_focus_file(connection, path)
                Console(stderr=True).print(f"{rows} rows in {path}", highlight=False, markup=False)
                return
            with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as stdout:
                write_focus_rows(connection, stdout)
        except ExportError as error:
            raise CommandFailedError(str(error)) from error
        except BrokenPipeError:
            # Whoever read has seen enough; Python must not complain about it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandFailedError("the output was not read to its end") from None


def ui(*, port: int, is_demo: bool) -> None:
    """Dagster's web page and daemon on this project, until Ctrl-C; for the demo its server as well."""
    from orchestration.demo.server import demo_server

    if not is_demo:
        _serve_ui(port=port)
        return
    with demo_server() as server:
        use_environment(
            {
                ENDPOINT: server.endpoint,
                KEY_ID: server.key_id,
                KEY_SECRET: server.key_secret,
            }
        )
        _serve_ui(port=port)


def _serve_ui(*, port: int) -> None:
    from orchestration.launch import WORKSPACE

    settings = _settings()
    prepare_history(os.environ, home=settings.home)
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


def _run_days(
    settings: Settings,
    *,
    since: dt.date | None,
    until: dt.date | None,
    from_archive: bool = False,
    full_refresh: bool = False,
    file: "UsageFile | None" = None,
    console: Console,
) -> None:
    from orchestration.launch import run_daily_job
    from orchestration.partitions import DayRangeError, days_asked_for
    from orchestration.run_progress import shown_progress

    try:
        days = days_asked_for(
            since=since,
            until=until,
            today=dt.datetime.now(tz=dt.UTC).date(),
            lookback_days=settings.lookback_days,
            start_date=settings.start_date,
        )
    except DayRangeError as error:
        raise SettingsError(str(error)) from error
    _check_hand_kept_files(settings)
    with _one_line_errors(), closing(connect(_url(settings))) as connection:
        ensure_schema(connection)
        try:
            claim_account(connection, settings.account or "")
        except WarehouseError as error:
            raise SettingsError(str(error)) from error
    prepare_history(os.environ, home=settings.home)
    with shown_progress(console) as progress:
        outcome = run_daily_job(
            days,
            from_archive=from_archive,
            full_refresh=full_refresh,
            file=file,
            on_model=progress.show_model,
        )
    if not outcome.succeeded:
        raise CommandFailedError("\n".join(outcome.failures or ["the run was cancelled"]))
    console.print(f"done: {days.first} to {days.last}, run {outcome.run_id}", highlight=False)


def _check_hand_kept_files(settings: Settings) -> None:
    """Before anything is downloaded or landed; the assets judge the files again."""
    try:
        contracts = read_contracts(settings.contracts_file) if settings.contracts_file else []
        if settings.invoices_file:
            read_invoices(settings.invoices_file)
    except ContractsError as error:
        raise CommandFailedError(str(error), exit_code=2) from error
    accounts = {contract.account for contract in contracts}
    if accounts and settings.account not in accounts:
        Console(stderr=True).print(
            f"{settings.contracts_file} has no contract of account {settings.account}, so there will be no "
            f"amounts; it has some of {', '.join(sorted(accounts))}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _print_summary(connection: psycopg.Connection, *, console: Console) -> None:
    from orchestration.summary import print_summary

    print_summary(connection, console=console)
    console.print("Runs, checks and lineage: make ui, then http://127.0.0.1:3000", highlight=False)
    console.print('SQL and BI tools: psql "$(spacelift-usage database-url)", schema marts', highlight=False)


def _settings() -> Settings:
    return Settings.from_environment(os.environ)


def _url(settings: Settings) -> str:
    return settings.database_url or embedded.ensure_running(settings.home)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except WarehouseError as error:
        raise CommandFailedError(str(error)) from error


_NOTHING_CONFIGURED = (
    f"nothing is configured: set {ENDPOINT}, {KEY_ID} and {KEY_SECRET} (see .env.example), or try make demo"
)
_NO_CREDENTIALS = (
    f"no Spacelift credentials are configured: set {ENDPOINT}, {KEY_ID} and {KEY_SECRET}, or {TOKEN}"
)
