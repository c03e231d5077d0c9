"""The vendor's own figures into raw.vendor_usage and raw.vendor_worker_pools: one snapshot a UTC day.

Here: the snapshot of the day replaced in one transaction; other days are kept for ever. Not here: asking
(spacelift/vendor_usage.py), comparing (dbt, billing_reconciliation).
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from orchestration.spacelift.vendor_usage import VendorFigures


def land_vendor_figures(
    connection: psycopg.Connection, figures: VendorFigures, *, account: str, fetched_at: dt.datetime
) -> None:
    """Keep what the vendor told as the snapshot of that UTC day; what it did not tell stays as it was.

    Committed on return. `fetched_at` has a time zone.
    """
    with connection.transaction():
        if figures.usage is not None:
            usage = dataclasses.asdict(figures.usage)
            usage |= {
                "account": account,
                "fetched_at": fetched_at,
                "response": Jsonb(dict(figures.usage.response)),
            }
            _replace_day(connection, table="vendor_usage", rows=[usage], fetched_at=fetched_at)
        if figures.worker_pools is not None:
            pools = [dataclasses.asdict(pool) | {"fetched_at": fetched_at} for pool in figures.worker_pools]
            _replace_day(connection, table="vendor_worker_pools", rows=pools, fetched_at=fetched_at)


def _replace_day(
    connection: psycopg.Connection,
    *,
    table: str,
    rows: Sequence[Mapping[str, Any]],
    fetched_at: dt.datetime,
) -> None:
    name = sql.Identifier("raw", table)
    day = fetched_at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    connection.execute(
        sql.SQL("delete from {} where fetched_at >= %s and fetched_at < %s").format(name),
        [day, day + dt.timedelta(days=1)],
    )
    for row in rows:
        columns = sql.SQL(", ").join(map(sql.Identifier, row))
        values = sql.SQL(", ").join(map(sql.Placeholder, row))
        insert = sql.SQL("insert into {} ({}) values ({})").format(name, columns, values)
        connection.execute(insert, row)
