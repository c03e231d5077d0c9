"""`spacelift-usage load-file`: what a person exported, landed by runs of the daily job that ask nobody.

Not here: what a file is and whether its days may land (hand_made.py), its landing (landing/usage_file.py).
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from orchestration.commands.configured import configured, open_warehouse
from orchestration.commands.daily_run import run_days
from orchestration.commands.failure import CommandFailedError
from orchestration.commands.self_hosted import load_report_file
from orchestration.runs.options import RunOptions
from orchestration.settings import ACCOUNT, ENDPOINT, Settings, SettingsError
from orchestration.spacelift.aspects import ASPECTS
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.schema import claim_account, ensure_schema

if TYPE_CHECKING:
    from orchestration.hand_made import HandMadeFile


def load_hand_made_files(
    paths: Sequence[Path],
    *,
    aspect_name: str | None,
    accept_shrinkage: bool = False,
    accept_partial_days: bool = False,
) -> None:
    """One run for each file, the earliest days first; the last of them builds the marts.

    All files are looked at before anything lands: if one is refused, none lands, and every refusal is told.
    """
    from orchestration.hand_made import recognise
    from orchestration.landing.errors import FileRefusedError
    from orchestration.selfhosted.report_file import is_report_file, read_report_file

    settings = configured()
    if settings.account is None:
        raise SettingsError(
            f"whose file is this? set {ACCOUNT} to the account's name in the warehouse, or {ENDPOINT}"
        )
    aspect = ASPECTS[aspect_name] if aspect_name else None
    today = dt.datetime.now(tz=dt.UTC).date()
    files: list[HandMadeFile] = []
    reports: list[Path] = []
    refusals: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            if aspect is None and is_report_file(path):
                read_report_file(path)
                reports.append(path)
                continue
            files.append(recognise(path, aspect=aspect, today=today, start_date=settings.start_date))
        except FileRefusedError as error:
            refusals.append(str(error))
    files.sort(key=lambda file: (file.usage.since, file.usage.aspect.name))
    news, more_refusals = _news(settings, files, accept_partial_days=accept_partial_days)
    if refusals or more_refusals:
        raise CommandFailedError("\n".join(refusals + more_refusals))
    _land(settings, news, accept_shrinkage=accept_shrinkage)
    for path in reports:
        load_report_file(path, accept_shrinkage=accept_shrinkage)


def _news(
    settings: Settings, files: Sequence["HandMadeFile"], *, accept_partial_days: bool
) -> tuple[list["HandMadeFile"], list[str]]:
    """The files that would change something, and why some may not land."""
    from orchestration.hand_made import known_already, refuse_partial_days
    from orchestration.landing.errors import FileRefusedError

    news: list[HandMadeFile] = []
    refusals: list[str] = []
    with open_warehouse(settings) as connection:
        ensure_schema(connection)
        try:
            claim_account(connection, settings.account or "")
        except WarehouseError as error:
            raise SettingsError(str(error)) from error
        seen: dict[tuple[str, str], HandMadeFile] = {}
        for file in files:
            first = seen.setdefault((file.usage.aspect.name, file.usage.sha256), file)
            if first is not file:
                twice = f"{file.usage.path}: the same bytes as {first.usage.path}"
                Console().print(twice, highlight=False, markup=False, soft_wrap=True)
                continue
            if line := known_already(connection, file.usage):
                Console().print(line, highlight=False, markup=False, soft_wrap=True)
                continue
            try:
                if not accept_partial_days:
                    refuse_partial_days(connection, file.usage, earlier=[earlier.usage for earlier in news])
            except FileRefusedError as error:
                refusals.append(str(error))
            news.append(file)
    return news, refusals


def _land(settings: Settings, files: Sequence["HandMadeFile"], *, accept_shrinkage: bool) -> None:
    failures: list[str] = []
    for number, file in enumerate(files, start=1):
        for remark in file.remarks:
            Console().print(remark, highlight=False, markup=False, soft_wrap=True)
        try:
            run_days(
                settings,
                since=file.usage.since,
                until=file.usage.until,
                options=RunOptions(
                    accept_shrinkage=accept_shrinkage,
                    file=file.usage,
                    build_models=number == len(files),
                ),
                console=Console(),
            )
        except CommandFailedError as error:
            failures.append(f"{file.usage.path}: {error}")
    if failures:
        raise CommandFailedError("\n".join(failures))
