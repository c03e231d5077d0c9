"""`spacelift-usage report`, and reports among the files of `load-file`.

Not here: the report (selfhosted/), the asset that lands and sends it (assets/raw_selfhosted_rows.py).
"""

import datetime as dt
from pathlib import Path

from rich.console import Console

from orchestration.commands.configured import NOTHING_CONFIGURED, configured
from orchestration.commands.daily_run import NO_CREDENTIALS, run_days
from orchestration.commands.failure import CommandFailedError
from orchestration.runs.options import RunOptions
from orchestration.settings import ACCOUNT, ENDPOINT, SettingsError


def run_report(
    *,
    since: dt.date | None,
    until: dt.date | None,
    tables: str | None,
    batch_days: int,
    send_to_spacelift: bool,
    dry_run: bool,
    again: bool,
    accept_shrinkage: bool,
) -> None:
    """The report job, for the days asked for or those of the schedule."""
    from orchestration.assets.raw_selfhosted_rows import ReportConfig

    settings = configured()
    if not settings.is_anything_configured:
        raise SettingsError(NOTHING_CONFIGURED)
    if not settings.has_credentials:
        raise SettingsError(NO_CREDENTIALS)
    if (dry_run or again) and not send_to_spacelift:
        raise SettingsError("--dry-run and --again are about sending: give --send-to-spacelift as well")
    if send_to_spacelift:
        settings.where_to_send()
    run_days(
        settings,
        since=since,
        until=until,
        options=RunOptions(
            report=ReportConfig(
                tables=tables,
                batch_days=batch_days,
                send_to_spacelift=send_to_spacelift,
                dry_run=dry_run,
                again=again,
                accept_shrinkage=accept_shrinkage,
            )
        ),
        console=Console(),
    )


def load_report_file(path: Path, *, accept_shrinkage: bool) -> None:
    """The report job over the days of a report that a person exported; nobody is asked, nothing is sent."""
    from orchestration.assets.raw_selfhosted_rows import ReportConfig
    from orchestration.landing.errors import FileRefusedError
    from orchestration.selfhosted.report_file import read_report_file

    settings = configured()
    if settings.account is None:
        raise SettingsError(
            f"whose report is this? set {ACCOUNT} to the account's name in the warehouse, or {ENDPOINT}"
        )
    try:
        told, _ = read_report_file(path)
    except FileRefusedError as error:
        raise CommandFailedError(str(error)) from error
    run_days(
        settings,
        since=told.since,
        until=told.until,
        options=RunOptions(report=ReportConfig(file=str(path.absolute()), accept_shrinkage=accept_shrinkage)),
        console=Console(),
    )
