"""A report on its way into the warehouse: kept in the archive, its rows landed.

Here: the steps in their order. Not here: each step (report.py, landing/archive.py, raw_rows.py), the days of
the usage files (usage_days.py).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.archive_body import ArchivedBody
from orchestration.selfhosted.raw_rows import land_rows
from orchestration.selfhosted.report import Report


@dataclass(frozen=True)
class LandedReport:
    """What stays known of a report whose rows are in the warehouse.

    Not the rows, nor its bytes: of a long history there are more than fit into memory. `days` are those that
    it covers, `rows` all that came, by table.
    """

    file_name: str
    account_ulid: str | None
    license_id: str | None
    days: Sequence[dt.date]
    rows: Mapping[str, int]
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
    return LandedReport(
        file_name=report.file_name,
        account_ulid=report.account_ulid,
        license_id=report.license_id,
        days=report.days,
        rows={table: sum(map(len, days.values())) for table, days in sorted(report.metrics.items())},
        archived=archived,
        rows_landed=rows,
    )
