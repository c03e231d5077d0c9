"""Files that a person exported by hand, before a run lands them: recognised, and judged against what landed.

Here: what `load-file` and the drop folder have in common. Not here: what a usage file is
(landing/usage_file.py), what a report is (selfhosted/report.py), when a day counts as held in part
(landing/partly_held_days.py), the run (runs/launch.py).
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestration.landing.errors import FileRefusedError
from orchestration.landing.partly_held_days import is_in_the_marts, landed_hours, reasons_against_edges
from orchestration.landing.usage_file import UsageFile, survey_file
from orchestration.partitions import ONE_DAY
from orchestration.selfhosted.raw_rows import covering_reports
from orchestration.selfhosted.report import HEARTBEATS, RUN_STATE_TRANSITIONS
from orchestration.selfhosted.report_file import is_report_file, read_report_file
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect

INSIST = "--accept-partial-days"

# Which usage is counted from which table of a report.
_COUNTED_FROM = {HEARTBEATS: WORKER_COUNT, RUN_STATE_TRANSITIONS: RUN_MINUTES}


@dataclass(frozen=True)
class HandMadeFile:
    """A recognised usage file; `remarks` are lines for a person, such as a day that is left out."""

    usage: UsageFile
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class HandMadeReport:
    """A recognised report of a self-hosted instance: it covers `since` to `until` (exclusive), UTC.

    `tables` are those it has, `sha256` is that of the uncompressed bytes, as in the archive.
    """

    path: Path
    since: dt.date
    until: dt.date
    tables: tuple[str, ...]
    sha256: str


def recognise(
    path: Path, *, aspect: Aspect | None, today: dt.date, start_date: dt.date
) -> HandMadeFile | HandMadeReport:
    """What a file is, by its content; of a usage file, without rows of a day that is not over.

    With `aspect` it must be that usage file.

    Raises:
        FileRefusedError: it is nothing that can be landed.
    """
    if aspect is None and is_report_file(path):
        return _recognise_report(path, today=today, start_date=start_date)
    usage = survey_file(path, aspect=aspect)
    _refuse_early_days(path, since=usage.since, start_date=start_date)
    if usage.until <= today:
        return HandMadeFile(usage)
    if usage.since >= today:
        raise FileRefusedError(f"{path}: has no day before {today}, which is not over: load it tomorrow")
    return HandMadeFile(usage.before(today), (f"{path}: {today} is not over, its rows are left out",))


def refuse_partial_days(
    connection: psycopg.Connection, file: UsageFile, *, earlier: Sequence[UsageFile] = ()
) -> None:
    """Stop a file whose first or last day would lose hours; `earlier` files land before it.

    Raises:
        FileRefusedError: one of them is held only in part, by the rules of partly_held_days.py.
    """
    landed = landed_hours(connection, aspect=file.aspect, earlier=earlier)
    if reasons := reasons_against_edges(file, landed=landed):
        raise FileRefusedError(
            f"{file.path}: seems to hold a day only in part: {'; '.join(reasons)}; export whole days, "
            f"or insist with {INSIST}"
        )


def known_already(connection: psycopg.Connection, file: HandMadeFile | HandMadeReport) -> str | None:
    """A line that says so when nothing would change by the file, else None."""
    held: UsageFile | HandMadeReport
    if isinstance(file, HandMadeReport):
        held, aspects = file, [_COUNTED_FROM[table] for table in file.tables if table in _COUNTED_FROM]
        # Where it has no usage, nothing says that its landing was finished: it lands again, the same rows.
        if not aspects or not _is_the_last_word(connection, file):
            return None
    else:
        held, aspects = file.usage, [file.usage.aspect]
    for aspect in aspects:
        if not is_in_the_marts(
            connection, aspect=aspect, since=held.since, until=held.until, sha256=held.sha256
        ):
            return None
    return f"{held.path}: these very bytes are in the marts already ({what_it_is(file)})"


def what_it_is(file: HandMadeFile | HandMadeReport) -> str:
    """For a person: which file, and its days, both ends included."""
    if isinstance(file, HandMadeReport):
        return f"report {file.since} to {file.until - ONE_DAY}"
    return f"{file.usage.aspect.name} {file.usage.days[0]} to {file.usage.days[-1]}"


def _recognise_report(path: Path, *, today: dt.date, start_date: dt.date) -> HandMadeReport:
    report, body = read_report_file(path)
    _refuse_early_days(path, since=report.since, start_date=start_date)
    if report.until > today:
        # Rows cannot be left out here: the file is kept, and handed over, as one.
        raise FileRefusedError(
            f"{path}: goes up to {report.until - ONE_DAY}, which is not over: load it on {report.until}"
        )
    sha256 = hashlib.sha256(body).hexdigest()
    return HandMadeReport(path, report.since, report.until, tuple(report.tables), sha256)


def _refuse_early_days(path: Path, *, since: dt.date, start_date: dt.date) -> None:
    if since < start_date:
        raise FileRefusedError(
            f"{path}: begins with {since}, before USAGE_START_DATE={start_date}: set that to {since} or "
            "earlier"
        )


def _is_the_last_word(connection: psycopg.Connection, report: HandMadeReport) -> bool:
    """Whether no other report has landed since for any of its tables and days."""
    days = [report.since + ONE_DAY * number for number in range((report.until - report.since).days)]
    for table in report.tables:
        covered = covering_reports(connection, table=table, since=report.since)
        if any(day not in covered or covered[day].archived.sha256 != report.sha256 for day in days):
            return False
    return True
