"""`spacelift-usage report`, and reports among the files of `load-file`.

Not here: the report (selfhosted/), the asset that lands and sends it (assets/raw_selfhosted_rows.py).
"""

import datetime as dt
from typing import TYPE_CHECKING

from rich.console import Console

from orchestration.commands.configured import NOTHING_CONFIGURED, configured
from orchestration.commands.daily_run import NO_CREDENTIALS, run_days
from orchestration.runs.options import RunOptions
from orchestration.settings import Settings, SettingsError

if TYPE_CHECKING:
    from orchestration.hand_made import HandMadeReport


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


def load_report(settings: Settings, report: "HandMadeReport", *, accept_shrinkage: bool) -> None:
    """The report job over the days of a report that a person exported; nobody is asked, nothing is sent."""
    from orchestration.assets.raw_selfhosted_rows import ReportConfig

    run_days(
        settings,
        since=report.since,
        until=report.until,
        options=RunOptions(
            report=ReportConfig(file=str(report.path.absolute()), accept_shrinkage=accept_shrinkage)
        ),
        console=Console(),
    )
