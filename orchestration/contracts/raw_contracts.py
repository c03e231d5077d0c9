"""Hand-kept files into raw.contracts and raw.invoices: the table replaced whole, in one transaction.

Here: reading the file and COPY. Not here: what is right (contracts_file.py, invoices_file.py), who may write
when (warehouse/lock.py).
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.contracts.contracts_file import Contract, read_contracts
from orchestration.contracts.errors import ContractsError
from orchestration.contracts.invoices_file import InvoicedMetric, read_invoices


def land_contracts(connection: psycopg.Connection, path: Path | None) -> list[Contract]:
    """Make raw.contracts what the file says; empty without a file. Committed on return.

    Raises:
        ContractsError: the file is wrong; raw.contracts stays as it was.
    """
    contracts = read_contracts(path) if path else []
    with connection.transaction():
        for contract in contracts:
            _check_time_zone(connection, contract, path=path)
        _replace(connection, table="contracts", rows=contracts, row_type=Contract)
    return contracts


def land_invoices(connection: psycopg.Connection, path: Path | None) -> list[InvoicedMetric]:
    """Make raw.invoices what the file says; empty without a file. Committed on return.

    Raises:
        ContractsError: the file is wrong; raw.invoices stays as it was.
    """
    invoices = read_invoices(path) if path else []
    with connection.transaction():
        _replace(connection, table="invoices", rows=invoices, row_type=InvoicedMetric)
    return invoices


def _replace(
    connection: psycopg.Connection,
    *,
    table: str,
    rows: Sequence[Contract | InvoicedMetric],
    row_type: type[Contract | InvoicedMetric],
) -> None:
    name = sql.Identifier("raw", table)
    columns = [field.name for field in dataclasses.fields(row_type)]
    connection.execute(sql.SQL("delete from {}").format(name))
    copy = sql.SQL("copy {} ({}) from stdin").format(name, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with connection.cursor().copy(copy) as target:
        for row in rows:
            target.write_row([getattr(row, column) for column in columns])


def _check_time_zone(connection: psycopg.Connection, contract: Contract, *, path: Path | None) -> None:
    """The period bounds are computed by Postgres, whose time zones may be older than Python's."""
    try:
        with connection.transaction():
            connection.execute("select now() at time zone %s", [contract.timezone])
    except psycopg.errors.InvalidParameterValue as error:
        raise ContractsError(
            [
                f"{path}, line {contract.line_number}, column timezone: {contract.timezone!r}: "
                "this PostgreSQL server does not know that time zone"
            ]
        ) from error
