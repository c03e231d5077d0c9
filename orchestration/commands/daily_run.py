"""`spacelift-usage run`, and the same job for commands that know their days already.

Not here: the run itself (runs/launch.py), which days (partitions.py).
"""

import datetime as dt
import os
from typing import TYPE_CHECKING

from rich.console import Console

from orchestration.commands.configured import NOTHING_CONFIGURED, configured, open_warehouse
from orchestration.commands.failure import CommandFailedError
from orchestration.contracts.contracts_file import read_contracts
from orchestration.contracts.errors import ContractsError
from orchestration.contracts.invoices_file import read_invoices
from orchestration.history import prepare_history
from orchestration.runs.options import RunOptions
from orchestration.settings import ACCOUNT, ENDPOINT, KEY_ID, KEY_SECRET, TOKEN, Settings, SettingsError
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.schema import claim_account, ensure_schema

if TYPE_CHECKING:
    from orchestration.partitions import DayRange
    from orchestration.runs.launch import RunOutcome

NO_CREDENTIALS = (
    f"no Spacelift credentials are configured: set {ENDPOINT}, {KEY_ID} and {KEY_SECRET}, or {TOKEN}"
)


def run_daily(
    *,
    since: dt.date | None,
    until: dt.date | None,
    from_archive: bool = False,
    accept_shrinkage: bool = False,
    full_refresh: bool = False,
    download: bool = True,
) -> None:
    """The daily job, for the days asked for or those of the schedule."""
    settings = configured()
    if not settings.is_anything_configured:
        raise SettingsError(NOTHING_CONFIGURED)
    if settings.account is None:
        raise SettingsError(f"no Spacelift account is configured: set {ENDPOINT}, or {ACCOUNT}")
    if download and not (from_archive or settings.has_credentials):
        raise SettingsError(NO_CREDENTIALS)
    run_days(
        settings,
        since=since,
        until=until,
        options=RunOptions(
            from_archive=from_archive,
            accept_shrinkage=accept_shrinkage,
            full_refresh=full_refresh,
            download=download,
        ),
        console=Console(),
    )


def run_days(
    settings: Settings,
    *,
    since: dt.date | None,
    until: dt.date | None,
    options: RunOptions,
    console: Console,
) -> None:
    """One run of the daily job, shown while it goes on.

    Raises:
        SettingsError: the days or the account cannot be used.
        CommandFailedError: the run failed; what had landed stays.
    """
    from orchestration.jobs import JOB_NAME, REPORT_JOB_NAME
    from orchestration.partitions import DayRangeError, days_asked_for
    from orchestration.webhook import failed_run

    try:
        days = days_asked_for(
            since=since,
            until=until,
            today=dt.datetime.now(tz=dt.UTC).date(),
            lookback_days=settings.lookback_days,
            start_date=settings.start_date,
            end_date=settings.end_date,
        )
    except DayRangeError as error:
        raise SettingsError(str(error)) from error
    _check_hand_kept_files(settings)
    try:
        outcome = _run(settings, days, options, console=console)
        if not outcome.succeeded:
            raise CommandFailedError("\n".join(outcome.failures or ["the run was cancelled"]))
    except CommandFailedError as error:
        job_name = JOB_NAME if options.report is None else REPORT_JOB_NAME
        _tell(settings, failed_run(job_name, days=f"{days.first} to {days.last}", reason=str(error)))
        raise
    what = f"{options.file.path}: {options.file.aspect.name} " if options.file else ""
    console.print(f"done: {what}{days.first} to {days.last}, run {outcome.run_id}", highlight=False)


def _run(settings: Settings, days: "DayRange", options: RunOptions, *, console: Console) -> "RunOutcome":
    from orchestration.runs.failures import days_of
    from orchestration.runs.launch import run_daily_job
    from orchestration.runs.shown_progress import shown_progress
    from orchestration.webhook import failed_run

    with open_warehouse(settings) as connection:
        ensure_schema(connection)
        try:
            claim_account(connection, settings.account or "")
        except WarehouseError as error:
            raise SettingsError(str(error)) from error
    prepare_history(os.environ, home=settings.home)
    with shown_progress(console) as progress:
        return run_daily_job(
            days,
            options,
            on_model=progress.show_model,
            on_killed=lambda run: _tell(
                settings, failed_run(run.job_name, days=days_of(run.tags), reason="its process was killed")
            ),
        )


def _tell(settings: Settings, text: str) -> None:
    from orchestration.webhook import tell

    problem = tell(settings.webhook_url, f"{text} (account {settings.account})")
    if problem:
        Console(stderr=True).print(problem, highlight=False, markup=False, soft_wrap=True)


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
