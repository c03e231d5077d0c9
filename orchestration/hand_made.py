"""Files that a person exported by hand, before a run lands them: recognised, and judged against what landed.

Here: what `load-file` and the drop folder have in common. Not here: what a usage file is
(landing/usage_file.py), when a day counts as held in part (landing/partly_held_days.py), the run (launch.py).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestration.landing.errors import FileRefusedError
from orchestration.landing.partly_held_days import is_in_the_marts, landed_hours, reasons_against_edges
from orchestration.landing.usage_file import UsageFile, survey_file
from orchestration.spacelift.aspects import Aspect

INSIST = "--accept-partial-days"


@dataclass(frozen=True)
class HandMadeFile:
    """A recognised file; `remarks` are lines for a person, such as a day that is left out."""

    usage: UsageFile
    remarks: tuple[str, ...] = ()


def recognise(path: Path, *, aspect: Aspect | None, today: dt.date, start_date: dt.date) -> HandMadeFile:
    """What a file is, by its content, without rows of a day that is not over.

    Raises:
        FileRefusedError: it is nothing that can be landed.
    """
    usage = survey_file(path, aspect=aspect)
    if usage.since < start_date:
        raise FileRefusedError(
            f"{path}: begins with {usage.since}, before USAGE_START_DATE={start_date}: set that to "
            f"{usage.since} or earlier"
        )
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


def known_already(connection: psycopg.Connection, file: UsageFile) -> str | None:
    """A line that says so when nothing would change by the file, else None."""
    if not is_in_the_marts(connection, file):
        return None
    return f"{file.path}: these very bytes are in the marts already ({file.aspect.name} {span_of(file)})"


def span_of(file: UsageFile) -> str:
    """Its days, both ends included."""
    return f"{file.days[0]} to {file.days[-1]}"
