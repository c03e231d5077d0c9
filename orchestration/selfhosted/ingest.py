"""A report on its way into the warehouse: kept in the archive, its rows landed.

Here: the steps in their order. Not here: each step (report.py, landing/archive.py, raw_rows.py), the days of
the usage files (usage_days.py).
"""

from dataclasses import dataclass
from typing import Literal

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.archive_body import ArchivedBody
from orchestration.selfhosted.raw_rows import land_rows
from orchestration.selfhosted.report import Report


@dataclass(frozen=True)
class LandedReport:
    """A report whose rows are in the warehouse; `body` is the file, byte for byte."""

    report: Report
    body: bytes
    archived: ArchivedBody
    rows_landed: int


def land_report(
    report: Report,
    body: bytes,
    *,
    account: str,
    archive: Archive,
    connection: psycopg.Connection,
    source: Literal["api", "file"],
    run_id: str | None,
) -> LandedReport:
    """Keep the report and replace its tables' days. The connection must have no transaction open.

    Raises:
        FileRefusedError: Postgres cannot hold a row; the report is in the archive all the same.
        ArchiveError: the archive cannot be written; nothing has changed.
    """
    archived = archive.keep_report(body, account=account, file_name=report.file_name)
    rows = land_rows(connection, report, account=account, archived=archived, source=source, run_id=run_id)
    return LandedReport(report, body, archived, rows)
