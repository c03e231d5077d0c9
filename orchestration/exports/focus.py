"""marts.focus_cost_and_usage as a CSV file, as FOCUS 1.2 wants its values written.

Here: how each type is written, and a file that is whole or not there. Not here: which rows and columns (dbt,
focus_cost_and_usage.sql). The csv module over a server-side cursor: numeric stays exact and memory constant,
where a data frame would hold all rows and turn numbers into floats.
Source: FinOps Open Cost and Usage Specification 1.2, attributes date/time, numeric, null handling.
"""

import csv
import datetime as dt
import os
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import psycopg
from psycopg import sql
from psycopg.types.string import TextLoader

MART_NAME = "marts.focus_cost_and_usage"
MART = sql.Identifier(*MART_NAME.split("."))
# The same export twice gives the same file.
FIRST_ORDER_BY = ("BillingPeriodStart", "ChargePeriodStart")

# Spreadsheets run cells that begin so; names of stacks and pools are chosen by many people.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 2000

Cell = str | Decimal | int | float | bool | dt.datetime | dt.date | None


class ExportError(Exception):
    """The mart cannot be exported; one line says why and what to do."""


def write_focus_file(connection: psycopg.Connection, path: Path) -> int:
    """Write the mart to a file, which is replaced at the end or stays as it was. Returns the number of rows.

    Raises:
        ExportError: the mart is not there, or the file cannot be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise ExportError(f"{path} is no ordinary file: name another, or - for standard output")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("x", encoding="utf-8", newline="") as file:
            rows = write_focus_rows(connection, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return rows


def write_focus_rows(connection: psycopg.Connection, file: TextIO) -> int:
    """Write header and rows of the mart, its FOCUS and x_ columns in their order. Returns the number of rows.

    Raises:
        ExportError: the mart is not there.
    """
    with connection.transaction(), connection.cursor(name="focus_export") as cursor:
        # Tags as Postgres writes them, numbers inside untouched.
        cursor.adapters.register_loader("jsonb", TextLoader)
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(_query(connection))
        # RFC 4180's line end; with a bare newline the module would leave carriage returns unquoted.
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([column.name for column in cursor.description or ()])
        rows = 0
        for row in cursor:
            writer.writerow([written(cell) for cell in row])
            rows += 1
        return rows


def written(cell: Cell) -> str:
    """The cell's text: UTC times with Z, plain decimals, null as nothing, no formulas."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case Decimal():
            return f"{cell:f}"
        case float():
            return f"{Decimal(repr(cell)):f}"
        case dt.datetime():
            return cell.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
        case dt.date():
            return cell.isoformat()
        case str():
            return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    raise TypeError(f"no FOCUS text for {type(cell).__name__}")


def _query(connection: psycopg.Connection) -> sql.Composed:
    # FOCUS knows its own columns and custom ones, x_…; the keys that all our billing marts carry are neither.
    columns = connection.execute(
        "select attname from pg_attribute"
        " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped and attname ~ '^([A-Z]|x_)'"
        " order by attnum",
        [MART_NAME],
    ).fetchall()
    names = [name for (name,) in columns]
    if not names:
        raise ExportError(f"there is no {MART_NAME} yet: start `spacelift-usage run` first")
    first = [name for name in FIRST_ORDER_BY if name in names]
    order = first + [name for name in names if name not in first]
    return sql.SQL("select {} from {} order by {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        MART,
        sql.SQL(", ").join(map(sql.Identifier, order)),
    )
