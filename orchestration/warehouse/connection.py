"""Connections to the warehouse, embedded or named by DATABASE_URL.

Here: one way to open them, and errors a person can read. Not here: starting a server (embedded.py).
"""

import psycopg
from psycopg import conninfo

from orchestration.warehouse.errors import WarehouseError

OLDEST_SERVER_VERSION = 140000

_APPLICATION_NAME = "spacelift-usage"
_CONNECT_TIMEOUT_SECONDS = 10

# How long to wait for somebody else's query to let go of a table. Logins of `grant-bi` have a minute for one.
# Another figure: `?options=-c%20lock_timeout%3D30s` in DATABASE_URL.
LOCK_TIMEOUT = "2min"

# What every session begins with, dbt's as well: the vendor counts in UTC, whatever the server's zone, and
# compiling triples a small increment. Not as startup options: PgBouncer refuses those.
SESSION_SQL = (
    "set timezone to 'UTC'; set jit to off; "
    f"select set_config('lock_timeout', '{LOCK_TIMEOUT}', false) where current_setting('lock_timeout') = '0'"
)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection in UTC, without JIT, waiting for no lock for ever, to a server of version 14 or later.

    Raises:
        WarehouseError: not a URL, nobody there, refused, or too old. Holds no part of the password.
    """
    where, password = _described(url)
    try:
        connection = psycopg.connect(
            url, autocommit=True, application_name=_APPLICATION_NAME, connect_timeout=_CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        if password:
            reason = reason.replace(password, "***")
        raise WarehouseError(f"cannot connect to {where}: {reason}; is DATABASE_URL right?") from None
    try:
        if connection.info.server_version < OLDEST_SERVER_VERSION:
            version = connection.info.parameter_status("server_version")
            raise WarehouseError(f"{where} is PostgreSQL {version}; 14 or later is needed")
        # Not in a transaction: its rollback would undo them.
        connection.execute(SESSION_SQL.encode())
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


def _described(url: str) -> tuple[str, str]:
    """Which server the URL means, in words, and its password, which may be empty."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        parts = {}
    host, port, database = (str(parts.get(key) or "") for key in ("host", "port", "dbname"))
    # A password with an unquoted / or @ ends up in these, so no error may repeat them.
    are_ports = all(number.isdecimal() for number in port.split(",") if number)
    if not parts or "@" in host + database or not are_ports:
        raise WarehouseError(
            "DATABASE_URL cannot be read: expected postgresql://user:password@host:port/database, "
            "with special characters of the password as %XX"
        )
    return f"PostgreSQL at {host or 'localhost'}:{port or 5432}/{database}", str(parts.get("password") or "")
