"""The documents of elastic_documents.py as CSV, for Kibana's file upload: one series of files for each grain.

Here: files below the upload's limit, each with its header line. Not here: rows and columns.
Source: Elastic's documentation, "Upload files": 100 MB a file unless an administrator allows more.
"""

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from orchestration.exports.elastic_documents import GRAINS, Grain
from orchestration.exports.focus import ExportError
from orchestration.warehouse.schema import account_of

FILE_BYTES = 95_000_000
_BOOLEAN = psycopg.adapters.types["bool"].oid


def write_elastic_csv(
    connection: psycopg.Connection,
    folder: Path,
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    file_bytes: int = FILE_BYTES,
) -> list[Path]:
    """Write all grains as `<grain>-001.csv` and on, in place of former ones; the files.

    Of UTC days from `first` to `last`, both included, None is open.

    Raises:
        ExportError: there are no marts yet, or the folder cannot be written.
    """
    account = account_of(connection)
    if account is None:
        raise ExportError("there are no marts yet: start `spacelift-usage run` first")
    parameters = {"first": first or dt.date.min, "last": last or dt.date.max, "account": account}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            return [
                path
                for grain in GRAINS
                for path in _write_grain(connection, grain, folder, parameters, file_bytes)
            ]
    except psycopg.errors.UndefinedTable as error:
        raise ExportError("there are no marts yet: start `spacelift-usage run` first") from error
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}") from error


def _write_grain(
    connection: psycopg.Connection, grain: Grain, folder: Path, parameters: dict[str, object], file_bytes: int
) -> list[Path]:
    for stale in folder.glob(f"{grain.name}-[0-9][0-9][0-9].csv"):
        stale.unlink()
    paths: list[Path] = []
    file: IO[bytes] | None = None
    try:
        with (
            connection.cursor() as cursor,
            cursor.copy(_statement(connection, grain, parameters), parameters) as copy,
        ):
            # Postgres sends each row, and before them the header, as a message of its own.
            rows = iter(copy)
            header = bytes(next(rows))
            size = file_bytes
            for row in rows:
                if size + len(row) > file_bytes:
                    if file is not None:
                        file.close()
                    paths.append(folder / f"{grain.name}-{len(paths) + 1:03}.csv")
                    file = paths[-1].open("wb")
                    size = file.write(header)
                assert file is not None  # noqa: S101 - opened with the first row
                size += file.write(row)
    finally:
        with suppress(OSError):
            if file is not None:
                file.close()
    return paths


def _statement(connection: psycopg.Connection, grain: Grain, parameters: dict[str, object]) -> sql.Composed:
    fields = sql.SQL(grain.select)
    first = connection.execute(sql.SQL("select * from ({}) as fields limit 0").format(fields), parameters)
    columns = [
        # COPY would write t and f, which the upload takes for words.
        sql.SQL("{0}::text as {0}" if column.type_code == _BOOLEAN else "{0}").format(
            sql.Identifier(column.name)
        )
        for column in first.description or ()
    ]
    return sql.SQL("copy (select {} from ({}) as fields) to stdout (format csv, header)").format(
        sql.SQL(", ").join(columns), fields
    )
