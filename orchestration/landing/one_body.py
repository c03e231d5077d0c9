"""One body on its way into the archive and into the raw table, and the record of days that it did not fill.

Not here: where a body comes from (ingest.py, ingest_from_archive.py, usage_file.py), its rows
(raw_tables.py).
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.archive_body import ArchivedBody, ArchiveWriter
from orchestration.landing.errors import FileRefusedError
from orchestration.landing.loads import Load, Request, record_failure
from orchestration.landing.raw_tables import land

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
        failed = land_blocks(
            request,
            blocks=_kept(blocks, writer),
            commit_archive=writer.commit,
            archive=archive,
            connection=connection,
            on_progress=on_progress,
        )
    return [FailedWindow((day,), error) for day, error in failed.items()]


def land_blocks(
    request: Request,
    *,
    blocks: Iterator[bytes],
    commit_archive: Callable[[], ArchivedBody],
    archive: Archive,
    connection: psycopg.Connection,
    on_progress: Progress,
) -> dict[dt.date, str]:
    """Land one body that is kept, or about to be; the days that cannot be landed, and why."""
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
        record_failures(connection, request, str(error), on_progress, archived=archived)
        return dict.fromkeys(request.days, str(error))
    return {load.usage_date: load.error for load in loads if load.error is not None}


def record_failures(
    connection: psycopg.Connection,
    request: Request,
    error: str,
    on_progress: Progress,
    *,
    archived: ArchivedBody | None = None,
) -> None:
    """Write down that none of the days of a request landed, and tell of each."""
    for day in request.days:
        load = record_failure(connection, request=request, day=day, error=error, archived=archived)
        on_progress(day, load)


def _kept(blocks: Iterator[bytes], writer: ArchiveWriter) -> Iterator[bytes]:
    """The same blocks, each written to the archive before it is passed on."""
    for block in blocks:
        writer.write(block)
        yield block
