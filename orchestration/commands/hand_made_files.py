"""`spacelift-usage load-file`: what a person exported, landed by a run of the job that asks nobody.

Not here: what a file holds and its landing (landing/usage_file.py).
"""

from pathlib import Path

from rich.console import Console

from orchestration.commands.configured import configured
from orchestration.commands.daily_run import run_days
from orchestration.commands.failure import CommandFailedError
from orchestration.commands.self_hosted import load_report_file
from orchestration.settings import ACCOUNT, ENDPOINT, SettingsError
from orchestration.spacelift.aspects import ASPECTS


def load_hand_made_file(path: Path, *, aspect_name: str | None, accept_shrinkage: bool = False) -> None:
    """The daily job over the days of a file that a person exported; the vendor is not asked."""
    from orchestration.landing.errors import FileRefusedError
    from orchestration.landing.usage_file import survey_file
    from orchestration.selfhosted.report_file import is_report_file

    try:
        is_report = aspect_name is None and is_report_file(path)
    except FileRefusedError as error:
        raise CommandFailedError(str(error)) from error
    if is_report:
        load_report_file(path, accept_shrinkage=accept_shrinkage)
        return
    settings = configured()
    if settings.account is None:
        raise SettingsError(
            f"whose file is this? set {ACCOUNT} to the account's name in the warehouse, or {ENDPOINT}"
        )
    try:
        file = survey_file(path, aspect=ASPECTS[aspect_name] if aspect_name else None)
    except FileRefusedError as error:
        raise CommandFailedError(str(error)) from error
    run_days(
        settings,
        since=file.since,
        until=file.until,
        accept_shrinkage=accept_shrinkage,
        file=file,
        console=Console(),
    )
