"""Wanted days into the warehouse again, from the bodies in the archive.

Here: which body a day is taken from. Not here: the vendor (ingest.py), finding bodies (archive.py), landing
one of them (one_body.py).
"""

import datetime as dt
from collections.abc import Iterable
from itertools import groupby

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.archive_names import ArchiveEntry
from orchestration.landing.errors import ArchiveError
from orchestration.landing.loads import Request, landed_days
from orchestration.landing.one_body import FailedWindow, Progress, land_blocks, record_failures
from orchestration.landing.windows import ONE_DAY, windows
from orchestration.spacelift.aspects import Aspect


def ingest_from_archive(
    days: Iterable[dt.date],
    *,
    aspect: Aspect,
    account: str,
    archive: Archive,
    connection: psycopg.Connection,
    run_id: str | None,
    on_progress: Progress,
    accept_shrinkage: bool = False,
) -> list[FailedWindow]:
    """Land UTC days again from the newest body that covers each, or an older one when that does not land.

    The vendor is not asked. A day that no body covers is a failed one. A day that was suspicious in a body is
    left out of it, as it was then; with `accept_shrinkage` it is accepted. As for `ingest`, every attempt is
    in `raw.usage_loads`, and the connection must have no transaction open.

    Raises:
        ArchiveError: the archive cannot be listed.
        psycopg.Error: the database failed; later days were not tried.
    """
    done = landed_days(connection, aspect=aspect, account=account, run_id=run_id) if run_id else set()
    wanted = sorted(set(days) - done)
    entries = archive.entries(account=account, aspect=aspect)
    bodies = {
        day: [
            entry
            for entry in entries
            if entry.since <= day < entry.until and (accept_shrinkage or day not in entry.suspicious_days)
        ]
        for day in wanted
    }
    errors: dict[dt.date, str] = {}
    for day in wanted:
        if not bodies[day]:
            errors[day] = f"no body in the archive {archive.url} holds {aspect.name} of {day}"
            request = Request(aspect, account, day, day + ONE_DAY, "api", run_id)
            record_failures(connection, request, errors[day], on_progress)
    while newest := {day: candidates.pop() for day, candidates in bodies.items() if candidates}:
        for entry, group in groupby(newest, key=newest.__getitem__):
            for window in windows(group, at_most=len(newest)):
                request = Request(
                    aspect, account, window[0], window[-1] + ONE_DAY, "api", run_id, accept_shrinkage
                )
                failed = _land_again(
                    request, entry=entry, archive=archive, connection=connection, on_progress=on_progress
                )
                for day in window:
                    if day in failed:
                        errors[day] = failed[day]
                    else:
                        errors.pop(day, None)
                        bodies[day].clear()
    return [FailedWindow((day,), error) for day, error in sorted(errors.items())]


def _land_again(
    request: Request,
    *,
    entry: ArchiveEntry,
    archive: Archive,
    connection: psycopg.Connection,
    on_progress: Progress,
) -> dict[dt.date, str]:
    """Some days of one archived body; the days that cannot be landed, and why."""
    body = archive.open(entry)
    try:
        failed = land_blocks(
            request,
            blocks=body,
            commit_archive=body.body,
            archive=archive,
            connection=connection,
            on_progress=on_progress,
        )
        for day in entry.suspicious_days.intersection(request.days).difference(failed):
            # Accepted now: whoever lands everything again from here shall find it so.
            archive.unmark_suspicious(entry.uri, day)
    except ArchiveError as error:
        record_failures(connection, request, str(error), on_progress)
        return dict.fromkeys(request.days, str(error))
    return failed
