"""The raw schema of the warehouse: that it exists, its version, and whose data it holds.

Here: running raw_schema.sql and raw_comments.sql, and the one row of raw.warehouse. Not here: the rows of the
raw tables (landing/), the other schemas (dbt makes them), who owns them (roles.py).
"""

from importlib import resources

import psycopg

from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.lock import SCHEMA_LOCK_KEY
from orchestration.warehouse.roles import separate_roles

# Raise it with every change of the scripts: databases of an older version run them again.
SCHEMA_VERSION = 7
_SCRIPTS = ("raw_schema.sql", "raw_comments.sql")


def ensure_schema(connection: psycopg.Connection) -> None:
    """Create what raw_schema.sql describes, unless the database has it already; several processes may race.

    Committed on return, unless the caller has a transaction open: then it is part of that.

    Raises:
        WarehouseError: a later version of this project made the schema, or we may not create one.
    """
    try:
        # Without the script where nothing changed: `create index if not exists` waits for a landing to end.
        if _version(connection) == SCHEMA_VERSION:
            with connection.transaction():
                separate_roles(connection)
            return
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", [SCHEMA_LOCK_KEY])
            _refuse_later(connection, version=_version(connection))
            for script in _SCRIPTS:
                connection.execute(resources.files("orchestration.warehouse").joinpath(script).read_bytes())
            connection.execute(
                "insert into raw.warehouse (schema_version) values (%s)"
                " on conflict (only_row) do update set schema_version = excluded.schema_version",
                [SCHEMA_VERSION],
            )
            separate_roles(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"user {connection.info.user} may not create the raw schema in {_place(connection)} "
            f"({error.diag.message_primary}): grant it `create` on the database and ownership of schema raw"
        ) from error


def is_of_older_version(connection: psycopg.Connection) -> bool:
    """Whether there is a raw schema that lacks what `ensure_schema` will add.

    Raises:
        WarehouseError: a later version of this project made the schema.
    """
    version = _version(connection)
    _refuse_later(connection, version=version)
    return version is not None and version < SCHEMA_VERSION


def claim_account(connection: psycopg.Connection, account: str) -> None:
    """Make the database this account's if it is nobody's yet.

    Committed on return, unless the caller has a transaction open: then it is part of that.

    Raises:
        WarehouseError: it holds the data of another account.
    """
    with connection.transaction():
        connection.execute("update raw.warehouse set account = %s where account is null", [account])
        owner = account_of(connection)
    if owner != account:
        raise WarehouseError(
            f"{_place(connection)} holds the data of account {owner}, not {account}: "
            "one database belongs to one account, name another with DATABASE_URL or USAGE_HOME"
        )


def account_of(connection: psycopg.Connection) -> str | None:
    """Whose data the database holds; None before the first load."""
    row = _warehouse_row(connection)
    return row[0] if row else None


def _version(connection: psycopg.Connection) -> int | None:
    row = _warehouse_row(connection)
    return row[1] if row else None


def _refuse_later(connection: psycopg.Connection, *, version: int | None) -> None:
    if version is not None and version > SCHEMA_VERSION:
        raise WarehouseError(
            f"{_place(connection)} has raw schema version {version}, made by a later version of this "
            f"project, which knows {SCHEMA_VERSION}: upgrade this installation"
        )


def _warehouse_row(connection: psycopg.Connection) -> tuple[str | None, int] | None:
    with connection.transaction():
        known = connection.execute("select to_regclass('raw.warehouse')").fetchone()
        if known is None or known[0] is None:
            return None
        row = connection.execute("select account, schema_version from raw.warehouse").fetchone()
    return (row[0], row[1]) if row else None


def _place(connection: psycopg.Connection) -> str:
    return f"database {connection.info.dbname} on {connection.info.host}:{connection.info.port}"
