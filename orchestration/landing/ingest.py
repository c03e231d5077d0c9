"""Wanted days into the warehouse, from the vendor.

Here: which days are asked for together, and which failure stops what. Not here: the request
(spacelift/client.py), landing its body (one_body.py), bodies that are here already (ingest_from_archive.py),
asking again later (the assets).

A backfill asks for many days at once and lands day by day. When the vendor refuses a request for many days,
or cannot answer it, it is halved, down to one day: no limit is published, and one bad day must not hold up
the others. When three single days fail on end, the last of all is asked for: if that fails too, it is an
outage. A 429 is a plea. In both cases the vendor is left alone until the step is tried again, and then the
days that failed by themselves come last.
"""

import datetime as dt
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.errors import ArchiveError
from orchestration.landing.loads import Request, days_failed_alone, landed_days
from orchestration.landing.one_body import FailedWindow, Progress, land_body, record_failures
from orchestration.landing.windows import ONE_DAY, windows
from orchestration.spacelift.aspects import Aspect
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import NotUsageFileError, SpaceliftError, SpaceliftUnavailableError

MAX_DAYS_PER_REQUEST = 31
# Single days that fail one after the other, until the last day is asked whether the vendor is down.
OUTAGE_AFTER_FAILED_DAYS = 3


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
    wanted, tried = set(days), set[dt.date]()
    if run_id:
        wanted -= landed_days(connection, aspect=aspect, account=account, run_id=run_id)
        tried = wanted & days_failed_alone(connection, aspect=aspect, account=account, run_id=run_id)
    most_days = MAX_DAYS_PER_REQUEST
    failures_in_a_row = 0
    waiting = deque([*windows(wanted - tried, at_most=most_days), *windows(tried, at_most=most_days)])
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
            record_failures(connection, request, str(error), on_progress, archived=kept)
            if not shorter_may_do:
                raise
            failed.append(FailedWindow(window, str(error), may_ask_again, _retry_after_seconds(error)))
            failures_in_a_row = failures_in_a_row + 1 if may_ask_again else 0
            if failures_in_a_row == OUTAGE_AFTER_FAILED_DAYS and waiting and not is_throttled:
                # Is Spacelift down, or is it these days alone? One that lies far from them will tell.
                waiting.appendleft(_last_day(waiting))
            elif is_throttled or failures_in_a_row > OUTAGE_AFTER_FAILED_DAYS:
                # It is not these days: Spacelift is down, or wants to be left alone. The rest waits too.
                for rest in waiting:
                    request = Request(aspect, account, rest[0], rest[-1] + ONE_DAY, "api", run_id)
                    record_failures(connection, request, str(error), on_progress)
                    failed.append(FailedWindow(rest, str(error), may_ask_again, _retry_after_seconds(error)))
                break
        except ArchiveError as error:
            record_failures(connection, request, str(error), on_progress)
            raise
        else:
            failures_in_a_row = 0
    return failed


def _last_day(waiting: deque[tuple[dt.date, ...]]) -> tuple[dt.date, ...]:
    """Take the last day out of what waits."""
    *days, last = waiting.pop()
    if days:
        waiting.append(tuple(days))
    return (last,)


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


def _retry_after_seconds(error: SpaceliftError) -> float | None:
    return error.retry_after_seconds if isinstance(error, SpaceliftUnavailableError) else None
