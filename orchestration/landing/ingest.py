"""Wanted days into the warehouse: from the vendor, or again from the archive.

Here: which days are asked for together, which failure stops what, and the record of failed days. Not here:
the request (spacelift/client.py), the rows (raw_tables.py), asking again later (the assets).

A backfill asks for many days at once and lands day by day. When the vendor refuses a request for many days,
or cannot answer it, it is halved, down to one day: no limit is published, and one bad day must not hold up
the others. Three single days that fail on end are an outage, and a 429 is a plea: then the vendor is left
alone until the step is tried again.
"""

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import psycopg

from orchestration.landing.archive import Archive, ArchivedBody, ArchiveEntry, ArchiveWriter
from orchestration.landing.errors import ArchiveError, FileRefusedError
from orchestration.landing.loads import Load, Request, landed_days, record_failure
from orchestration.landing.raw_tables import land
from orchestration.spacelift.aspects import Aspect
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import NotUsageFileError, SpaceliftError, SpaceliftUnavailableError

MAX_DAYS_PER_REQUEST = 31
# Single days refused one after the other, until the vendor counts as down and is left alone.
OUTAGE_AFTER_FAILED_DAYS = 3
ONE_DAY = dt.timedelta(days=1)

Progress = Callable[[dt.date, Load], None]


@dataclass(frozen=True)
class FailedWindow:
    """Days that were not landed, and why, in one line.

    `may_ask_again` when the same request may succeed later, then not before `retry_after_seconds` if stated.
    """

    days: tuple[dt.date, ...]
    error: str
    may_ask_again: bool = False
    retry_after_seconds: float | None = None


def ingest(
    days: Iterable[dt.date],
    *,
    aspect: Aspect,
    account: str,
    client: SpaceliftClient,
    archive: Archive,
    connection: psycopg.Connection,
    run_id: str | None,
    on_progress: Progress,
    accept_shrinkage: bool = False,
) -> list[FailedWindow]:
    """Download and land UTC days; those that this run has landed already are left out.

    Every attempt is in `raw.usage_loads`, and `on_progress` hears of it. A window that fails does not stop
    the others. The connection must have no transaction open; it may be in autocommit mode or not.

    Raises:
        SpaceliftRejectedError: no request can succeed (credentials, endpoint); later days were not tried.
        ArchiveError: the archive cannot be written; later days were not tried.
        psycopg.Error: the database failed; later days were not tried.
    """
    failed: list[FailedWindow] = []
    done = landed_days(connection, aspect=aspect, account=account, run_id=run_id) if run_id else set()
    most_days = MAX_DAYS_PER_REQUEST
    failures_in_a_row = 0
    waiting = deque(windows(set(days) - done, at_most=most_days))
    while waiting:
        window = waiting.popleft()
        if len(window) > most_days:
            waiting.extendleft(reversed(windows(window, at_most=most_days)))
            continue
        request = Request(aspect, account, window[0], window[-1] + ONE_DAY, "api", run_id, accept_shrinkage)
        try:
            failed += _download(
                request, client=client, archive=archive, connection=connection, on_progress=on_progress
            )
        except SpaceliftError as error:
            may_ask_again = isinstance(error, SpaceliftUnavailableError)
            is_throttled = isinstance(error, SpaceliftUnavailableError) and error.is_throttled
            shorter_may_do = error.window_may_be_too_long or may_ask_again
            if shorter_may_do and len(window) > 1 and not is_throttled:
                half = (len(window) + 1) // 2
                waiting.extendleft(reversed(windows(window, at_most=half)))
                # Who ran out of time for this many days will again: one wait until the timeout is enough.
                if may_ask_again and error.window_may_be_too_long:
                    most_days = half
                continue
            kept = _keep_refused(archive, request, error) if isinstance(error, NotUsageFileError) else None
            _record_failures(connection, request, str(error), on_progress, archived=kept)
            if not shorter_may_do:
                raise
            failed.append(FailedWindow(window, str(error), may_ask_again, _retry_after_seconds(error)))
            failures_in_a_row += 1
            if is_throttled or (may_ask_again and failures_in_a_row == OUTAGE_AFTER_FAILED_DAYS):
                # It is not these days: Spacelift is down, or wants to be left alone. The rest waits too.
                for rest in waiting:
                    request = Request(aspect, account, rest[0], rest[-1] + ONE_DAY, "api", run_id)
                    _record_failures(connection, request, str(error), on_progress)
                    failed.append(FailedWindow(rest, str(error), may_ask_again, _retry_after_seconds(error)))
                break
        except ArchiveError as error:
            _record_failures(connection, request, str(error), on_progress)
            raise
        else:
            failures_in_a_row = 0
    return failed


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
            _record_failures(connection, request, errors[day], on_progress)
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


def windows(days: Iterable[dt.date], *, at_most: int) -> list[tuple[dt.date, ...]]:
    """Runs of consecutive days, the earliest first, none of them longer than `at_most`."""
    runs: list[list[dt.date]] = []
    for day in sorted(set(days)):
        if runs and day == runs[-1][-1] + ONE_DAY and len(runs[-1]) < at_most:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [tuple(run) for run in runs]


def land_body(
    request: Request,
    *,
    blocks: Iterator[bytes],
    archive: Archive,
    connection: psycopg.Connection,
    on_progress: Progress,
) -> list[FailedWindow]:
    """Keep one body in the archive and land it at the same time; the days that cannot be landed.

    Raises what `blocks` raises, ArchiveError or psycopg.Error.
    """
    with archive.writer(
        account=request.account, aspect=request.aspect, since=request.since, until=request.until
    ) as writer:
        failed = _land(
            request,
            blocks=_kept(blocks, writer),
            commit_archive=writer.commit,
            archive=archive,
            connection=connection,
            on_progress=on_progress,
        )
    return [FailedWindow((day,), error) for day, error in failed.items()]


def _download(
    request: Request,
    *,
    client: SpaceliftClient,
    archive: Archive,
    connection: psycopg.Connection,
    on_progress: Progress,
) -> list[FailedWindow]:
    """One request to the vendor, kept and landed at the same time; the days that cannot be landed."""
    with client.open_usage_csv(request.aspect, since=request.since, until=request.until) as blocks:
        return land_body(
            request, blocks=blocks, archive=archive, connection=connection, on_progress=on_progress
        )


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
        failed = _land(
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
        _record_failures(connection, request, str(error), on_progress)
        return dict.fromkeys(request.days, str(error))
    return failed


def _land(
    request: Request,
    *,
    blocks: Iterator[bytes],
    commit_archive: Callable[[], ArchivedBody],
    archive: Archive,
    connection: psycopg.Connection,
    on_progress: Progress,
) -> dict[dt.date, str]:
    """Land one body; the days that cannot be landed, and why."""
    archived: ArchivedBody | None = None

    def commit() -> ArchivedBody:
        nonlocal archived
        archived = commit_archive()
        return archived

    try:
        loads = land(
            connection,
            aspect=request.aspect,
            account=request.account,
            since=request.since,
            until=request.until,
            blocks=blocks,
            commit_archive=commit,
            source=request.source,
            run_id=request.run_id,
            accept_shrinkage=request.accept_shrinkage,
            on_shrunken=lambda body, day: archive.mark_suspicious(body.uri, day),
            on_load=lambda load: on_progress(load.usage_date, load),
        )
    except FileRefusedError as error:
        _record_failures(connection, request, str(error), on_progress, archived=archived)
        return dict.fromkeys(request.days, str(error))
    return {load.usage_date: load.error for load in loads if load.error is not None}


def _kept(blocks: Iterator[bytes], writer: ArchiveWriter) -> Iterator[bytes]:
    """The same blocks, each written to the archive before it is passed on."""
    for block in blocks:
        writer.write(block)
        yield block


def _keep_refused(archive: Archive, request: Request, error: NotUsageFileError) -> ArchivedBody | None:
    # That the answer was refused is the news; whether it could be kept is not.
    with suppress(ArchiveError):
        return archive.keep_refused(
            error.body,
            account=request.account,
            aspect=request.aspect,
            since=request.since,
            until=request.until,
        )
    return None


def _record_failures(
    connection: psycopg.Connection,
    request: Request,
    error: str,
    on_progress: Progress,
    *,
    archived: ArchivedBody | None = None,
) -> None:
    for day in request.days:
        load = record_failure(connection, request=request, day=day, error=error, archived=archived)
        on_progress(day, load)


def _retry_after_seconds(error: SpaceliftError) -> float | None:
    return error.retry_after_seconds if isinstance(error, SpaceliftUnavailableError) else None
