"""`spacelift-usage load-file`: what a person exported, landed by runs that ask nobody.

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
from orchestration.commands.self_hosted import load_report
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
    from orchestration.hand_made import HandMadeReport, known_already, recognise
    from orchestration.landing.errors import FileRefusedError

    settings = configured()
    if settings.account is None:
        raise SettingsError(
            f"whose file is this? set {ACCOUNT} to the account's name in the warehouse, or {ENDPOINT}"
        )
    aspect = ASPECTS[aspect_name] if aspect_name else None
    today = dt.datetime.now(tz=dt.UTC).date()
    files: list[HandMadeFile] = []
    reports: list[HandMadeReport] = []
    refusals: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            file = recognise(path, aspect=aspect, today=today, start_date=settings.start_date)
        except FileRefusedError as error:
            refusals.append(str(error))
            continue
        if isinstance(file, HandMadeReport):
            reports.append(file)
        else:
            files.append(file)
    files.sort(key=lambda file: (file.usage.since, file.usage.aspect.name))
    news, more_refusals = _news(settings, files, accept_partial_days=accept_partial_days)
    if refusals or more_refusals:
        raise CommandFailedError("\n".join(refusals + more_refusals))
    _land(settings, news, accept_shrinkage=accept_shrinkage)
    for report in reports:
        # Only now: a file before it may have changed what is known.
        with open_warehouse(settings) as connection:
            line = known_already(connection, report)
        if line:
            _print(line)
        else:
            load_report(settings, report, accept_shrinkage=accept_shrinkage)


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
                _print(f"{file.usage.path}: the same bytes as {first.usage.path}")
                continue
            if line := known_already(connection, file):
                _print(line)
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
            _print(remark)
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


def _print(line: str) -> None:
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
