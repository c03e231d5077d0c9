"""What was sent to Spacelift, and when: the rows of raw.selfhosted_uploads.

An upload is noted before it begins, so that one whose end nobody saw counts as one that may have arrived.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from orchestration.selfhosted.ingest import LandedReport

_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class SentDays:
    """Days, `until` exclusive, of an upload that arrived or may have."""

    since: dt.date
    until: dt.date
    status: str
    started_at: dt.datetime
    sha256: str

    def __str__(self) -> str:
        what = "was sent" if self.status == "sent" else "may have arrived"
        return (
            f"{self.since} to {self.until - _ONE_DAY} {what} at {self.started_at:%Y-%m-%d %H:%M} UTC "
            f"with SHA-256 {self.sha256[:12]}"
        )


def sent_before(connection: psycopg.Connection, days: Sequence[dt.date]) -> list[SentDays]:
    """Which of these days in a row have gone out, or may have, whatever reports they were in; in order."""
    with connection.transaction(), connection.cursor(row_factory=class_row(SentDays)) as cursor:
        return cursor.execute(
            # Every key ends with the file's name (report.py), and that has the days.
            r"""
            select
                greatest(days[1]::date, %(since)s) as since,
                least(days[2]::date, %(until)s) as until,
                status, started_at, sha256
            from raw.selfhosted_uploads
            cross join lateral
                regexp_match(object_key, 'usage_data_(\d{4}-\d\d-\d\d)_(\d{4}-\d\d-\d\d)[.]json$') as days
            where status <> 'failed' and days[1]::date < %(until)s and days[2]::date > %(since)s
            order by since, upload_id
            """,
            {"since": days[0], "until": days[-1] + _ONE_DAY},
        ).fetchall()


def begin(
    connection: psycopg.Connection, landed: LandedReport, *, key: str, public_api: str, run_id: str | None
) -> int:
    """Note that a report is about to be sent; its number there."""
    with connection.transaction():
        row = connection.execute(
            "insert into raw.selfhosted_uploads (object_key, public_api, sha256, bytes, status, run_id)"
            " values (%s, %s, %s, %s, 'started', %s) returning upload_id",
            (key, public_api, landed.archived.sha256, landed.archived.bytes, run_id),
        ).fetchone()
    assert row is not None  # noqa: S101 - an insert that returns gives a row, or raises
    upload_id: int = row[0]
    return upload_id


def end(connection: psycopg.Connection, upload_id: int, status: str, *, error: str | None = None) -> None:
    """Note what became of it."""
    with connection.transaction():
        connection.execute(
            "update raw.selfhosted_uploads set status = %s, error = %s, finished_at = clock_timestamp()"
            " where upload_id = %s",
            (status, error, upload_id),
        )
