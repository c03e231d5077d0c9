"""A report's rows into raw.selfhosted_rows: each of its tables and days replaced whole, in one transaction.

Here: also which reports cover which days, and reading rows back. Not here: what the rows mean.
Unknown tables and columns are kept as they came.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import psycopg

from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.errors import FileRefusedError
from orchestration.landing.loads import refuse_open_transaction
from orchestration.selfhosted.report import Report, ReportRow

# For `since`: no report is older.
EVER = dt.date(2010, 1, 1)


@dataclass(frozen=True)
class CoveringReport:
    """The report that last said what is in a table on a day."""

    report_id: int
    archived: ArchivedBody


def land_rows(
    connection: psycopg.Connection,
    report: Report,
    *,
    account: str,
    archived: ArchivedBody,
    source: Literal["api", "file"],
    run_id: str | None,
) -> int:
    """Replace the report's tables on its days by its rows, also by none; returns how many landed.

    Raises:
        FileRefusedError: Postgres cannot hold a row (a NUL character in a text); nothing has changed.
    """
    refuse_open_transaction(connection)
    rows = list(report.rows())
    try:
        with connection.transaction():
            inserted = connection.execute(
                """
                insert into raw.selfhosted_reports (
                    account, since, until, tables, source, account_ulid, license_id, spacelift_version,
                    archive_uri, sha256, bytes, rows_landed, rows_outside_window, run_id
                )
                values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                returning report_id
                """,
                (
                    *(account, report.since, report.until, report.tables, source),
                    *(report.account_ulid, report.license_id, report.spacelift_version),
                    *(archived.uri, archived.sha256, archived.bytes, len(rows), report.rows_outside, run_id),
                ),
            ).fetchone()
            assert inserted is not None  # noqa: S101 - an insert that returns gives a row, or raises
            connection.execute(
                "delete from raw.selfhosted_rows"
                " where table_name = any(%s) and row_date >= %s and row_date < %s",
                (report.tables, report.since, report.until),
            )
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "copy raw.selfhosted_rows (report_id, table_name, row_date, row_number, row) from stdin"
                ) as copy,
            ):
                for row in rows:
                    copy.write_row((inserted[0], row.table, row.day, row.number, json.dumps(row.row)))
    except psycopg.DataError as error:
        message = " ".join(str(error.diag.message_primary or error).split())
        raise FileRefusedError(f"{report.file_name}: Postgres refused a row: {message}") from error
    return len(rows)


def reports_of_run(connection: psycopg.Connection, *, run_id: str) -> set[tuple[dt.date, dt.date]]:
    """Since and until of the reports that a run has landed; a repeated step need not ask for them again."""
    with connection.transaction():
        rows = connection.execute(
            "select since, until from raw.selfhosted_reports where run_id = %s", (run_id,)
        ).fetchall()
    return {(since, until) for since, until in rows}


def covering_reports(
    connection: psycopg.Connection, *, table: str, since: dt.date
) -> dict[dt.date, CoveringReport]:
    """The days from `since` on for which a report told the table, in order."""
    with connection.transaction():
        covered = connection.execute(
            """
            select distinct on (days.day)
                days.day::date, reports.report_id, reports.archive_uri, reports.sha256, reports.bytes
            from raw.selfhosted_reports as reports
            cross join lateral generate_series(
                greatest(reports.since, %(since)s)::timestamp,
                reports.until::timestamp - interval '1 day',
                interval '1 day'
            ) as days (day)
            where %(table)s = any(reports.tables) and reports.until > %(since)s
            order by days.day asc, reports.report_id desc
            """,
            {"table": table, "since": since},
        ).fetchall()
    return {day: CoveringReport(report_id, ArchivedBody(*body)) for day, report_id, *body in covered}


def rows_of(
    connection: psycopg.Connection, table: str, *, since: dt.date, until: dt.date | None = None
) -> Iterator[ReportRow]:
    """The rows of a table filed under days from `since` to `until` (exclusive; None: all later), in order."""
    with connection.transaction(), connection.cursor(name="selfhosted_rows") as cursor:
        cursor.execute(
            "select row_date, row_number, row from raw.selfhosted_rows"
            " where table_name = %s and row_date >= %s and row_date < coalesce(%s::date, 'infinity')"
            " order by row_date, row_number",
            (table, since, until),
        )
        for day, number, row in cursor:
            yield ReportRow(table, day, number, row)


def latest_rows(
    connection: psycopg.Connection, table: str, *, key: str, since: dt.date
) -> dict[str, Mapping[str, object]]:
    """The latest row, filed since a day, of every thing that the column `key` names, by its value as text."""
    with connection.transaction():
        rows = connection.execute(
            """
            select distinct on (row ->> %(key)s) row ->> %(key)s, row
            from raw.selfhosted_rows
            where table_name = %(table)s and row_date >= %(since)s and row ->> %(key)s is not null
            order by row ->> %(key)s, row_date desc, row_number desc
            """,
            {"table": table, "key": key, "since": since},
        ).fetchall()
    return dict(rows)
