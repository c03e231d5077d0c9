"""Who may read the marts: the role usage_bi, and logins of people and BI tools in it.

Here: the role, its rights, a login. Not here: who lands and who builds (roles.py), how a connection is made
(connection.py). dbt's own `grants` would give SELECT on the tables, but no way into their schema.
"""

import secrets
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.roles import BUILDER, is_member

READERS = "usage_bi"
SCHEMA = "marts"
CONNECTIONS_AT_MOST = 10
# A brake for queries that were not meant so; shorter than a run waits for a table (connection.LOCK_TIMEOUT).
STATEMENT_TIMEOUT = "60s"
_PASSWORD_BYTES = 24
_LONGEST_NAME_BYTES = 63
# Parameters of libpq that say who connects, or prove it.
_OF_THE_USER_ALONE = {
    "user",
    "password",
    "passfile",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcertmode",
    "scram_client_key",
    "scram_server_key",
    "oauth_client_id",
    "oauth_client_secret",
}


def grant_reader(connection: psycopg.Connection, name: str) -> str:
    """Make a login that reads the marts and nothing else, or give it a new password; its password.

    Tables that dbt makes later are readable at once. The connection's user must be allowed to create roles.

    Raises:
        WarehouseError: no name for a login, a login with other rights already, or we may not create roles.
    """
    if not name or len(name.encode()) > _LONGEST_NAME_BYTES or name.startswith("pg_") or "\x00" in name:
        raise WarehouseError(
            f"{name!r} is no name for a login: 1 to {_LONGEST_NAME_BYTES} bytes, not beginning with pg_"
        )
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    try:
        with connection.transaction():
            _ensure_readers(connection)
            _ensure_login(connection, name, password=password)
    except psycopg.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"user {connection.info.user} may not make logins ({error.diag.message_primary}): "
            "let an administrator grant it CREATEROLE, and CREATE on the database"
        ) from error
    return password


def reader_url(url: str, name: str, *, password: str) -> str:
    """The URL of the same database for this login, without anything that only the user of `url` may know."""
    given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    # libpq takes the user's name where no database is named.
    database = given.pop("dbname", given.get("user", ""))
    place = "" if "/" in given.get("host", "") else _place(given.pop("host", ""), given.pop("port", ""))
    # As libpq reads them: a password in the query would win over the one before the @.
    kept = {key: value for key, value in given.items() if key not in _OF_THE_USER_ALONE}
    query = f"?{urlencode(kept, quote_via=quote, safe='')}" if kept else ""
    login = f"{quote(name, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{login}@{place}/{quote(database, safe='')}{query}"


def _place(hosts: str, ports: str) -> str:
    """Hosts and ports as they stand in a URL; there may be one port for all hosts."""
    names = [f"[{host}]" if ":" in host else quote(host, safe="") for host in hosts.split(",")]
    numbers = ports.split(",") if "," in ports else [ports] * len(names)
    return ",".join(f"{host}:{port}" if port else host for host, port in zip(names, numbers, strict=True))


def _ensure_readers(connection: psycopg.Connection) -> None:
    """The role with its rights; where it has them already nothing changes."""
    builder = BUILDER if is_member(connection, BUILDER) else connection.info.user
    role, schema, owner = (sql.Identifier(name) for name in (READERS, SCHEMA, builder))
    if not _role_exists(connection, READERS):
        connection.execute(sql.SQL("create role {} nologin").format(role))
    for right in (
        "grant connect on database {database} to {role}",
        "create schema if not exists {schema} authorization {owner}",
        "grant usage on schema {schema} to {role}",
        "grant select on all tables in schema {schema} to {role}",
        "alter default privileges for role {owner} in schema {schema} grant select on tables to {role}",
    ):
        connection.execute(
            sql.SQL(right).format(
                database=sql.Identifier(connection.info.dbname), role=role, schema=schema, owner=owner
            )
        )


def _ensure_login(connection: psycopg.Connection, name: str, *, password: str) -> None:
    login = sql.Identifier(name)
    if _role_exists(connection, name):
        if not _is_reader(connection, name):
            raise WarehouseError(f"{name} is a role with rights of its own already: choose another name")
    else:
        connection.execute(
            sql.SQL("create role {} login in role {} connection limit {}").format(
                login, sql.Identifier(READERS), CONNECTIONS_AT_MOST
            )
        )
    connection.execute(sql.SQL("alter role {} password {}").format(login, password))
    for setting, value in (
        # The missing rights are the wall; this says so in better words.
        ("default_transaction_read_only", "on"),
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT),
        ("timezone", "UTC"),
        ("search_path", SCHEMA),
    ):
        connection.execute(
            sql.SQL("alter role {} set {} to {}").format(login, sql.Identifier(setting), value)
        )


def _role_exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("select from pg_roles where rolname = %s", [name]).fetchone() is not None


def _is_reader(connection: psycopg.Connection, name: str) -> bool:
    """Whether it is a login in usage_bi and in nothing else, without rights over the server."""
    row = connection.execute(
        """
        select
            roles.rolcanlogin
            and not (roles.rolsuper or roles.rolcreaterole or roles.rolcreatedb or roles.rolbypassrls)
            and array(
                select groups.rolname::text from pg_auth_members as members
                inner join pg_roles as groups on members.roleid = groups.oid
                where members.member = roles.oid
            ) = array[%s]
        from pg_roles as roles
        where roles.rolname = %s
        """,
        [READERS, name],
    ).fetchone()
    return bool(row and row[0])
