"""Who owns what: one role lands the raw tables, another builds everything from them.

Here: the two roles, their membership, and that what this project made belongs to them. Not here: those who
only read the marts (readers.py), the raw tables themselves (schema.py).

Neither role can log in: the user of DATABASE_URL makes them, is a member of both, and becomes the one whose
work it does (`set role`). So a mistake in a model cannot change what Spacelift sent, and a landing cannot
change a mart. A user who may not create roles, and is a member of no such roles, owns everything by itself.
"""

import psycopg
from psycopg import sql

LOADER = "usage_loader"
BUILDER = "usage_dbt"
RAW_SCHEMA = "raw"
BUILT_SCHEMAS = ("staging", "intermediate", "marts")

# Schemas first: who owns a table must be allowed to make it. Identity columns take their sequences along.
# By pg_roles: a cast of current_user to regrole would read the name as SQL, and fold Admin to admin.
_OURS_WITH_ANOTHER_OWNER = """
    select nspname, null, 'schema' from pg_namespace
    where nspname = any(%s) and nspowner = (select oid from pg_roles where rolname = current_user)
    union all
    select namespaces.nspname, relations.relname, relations.relkind::text
    from pg_class as relations
    inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
    where
        namespaces.nspname = any(%s)
        and relations.relkind in ('r', 'p', 'v', 'm')
        and relations.relowner = (select oid from pg_roles where rolname = current_user)
    order by 2 nulls first
"""


def separate_roles(connection: psycopg.Connection) -> None:
    """Give what this project made to its two roles; no change where they have it or cannot be had.

    The connection's user must not have become one of them. Committed on return, unless a transaction is open.
    """
    if not _can_be_both(connection):
        return
    for role, schemas in ((LOADER, [RAW_SCHEMA]), (BUILDER, list(BUILT_SCHEMAS))):
        for schema, relation, kind in connection.execute(
            _OURS_WITH_ANOTHER_OWNER, [schemas, schemas]
        ).fetchall():
            _give(connection, role, schema=schema, relation=relation, kind=kind)
    if not _may_read(connection):
        loader, builder, raw = (sql.Identifier(name) for name in (LOADER, BUILDER, RAW_SCHEMA))
        for right in (
            "grant create on database {database} to {builder}",
            "grant usage on schema {raw} to {builder}",
            "grant select on all tables in schema {raw} to {builder}",
            "alter default privileges for role {loader} in schema {raw} grant select on tables to {builder}",
        ):
            connection.execute(
                sql.SQL(right).format(
                    database=sql.Identifier(connection.info.dbname), loader=loader, builder=builder, raw=raw
                )
            )


def become(connection: psycopg.Connection, role: str) -> None:
    """Work as this role until the connection is closed; as oneself where there is no such role to become."""
    if is_member(connection, role):
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))


def is_member(connection: psycopg.Connection, role: str) -> bool:
    """Whether the role exists and the connection's user may become it."""
    # Since 16 whoever made a role is a member who may not become it, until that is granted too.
    may_become = "set" if connection.info.server_version >= 160000 else "member"
    row = connection.execute(
        "select pg_has_role(session_user, oid, %s) from pg_roles where rolname = %s", [may_become, role]
    ).fetchone()
    return bool(row and row[0])


def _can_be_both(connection: psycopg.Connection) -> bool:
    """Make the roles where that is allowed; True when the connection's user may become both."""
    row = connection.execute(
        "select rolcreaterole or rolsuper from pg_roles where rolname = current_user"
    ).fetchone()
    may_create = bool(row and row[0])
    for role in (LOADER, BUILDER):
        if is_member(connection, role):
            continue
        if not may_create:
            return False
        try:
            with connection.transaction():
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            # Roles are the whole server's: another database's warehouse made it.
            pass
        try:
            with connection.transaction():
                connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


def _give(connection: psycopg.Connection, role: str, *, schema: str, relation: str | None, kind: str) -> None:
    owner = sql.Identifier(role)
    if relation is None:
        connection.execute(sql.SQL("alter schema {} owner to {}").format(sql.Identifier(schema), owner))
        return
    what = {"v": "view", "m": "materialized view"}.get(kind, "table")
    connection.execute(
        sql.SQL("alter {} {} owner to {}").format(sql.SQL(what), sql.Identifier(schema, relation), owner)
    )


def _may_read(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "select has_schema_privilege(%(builder)s, %(raw)s, 'usage')"
        " and has_database_privilege(%(builder)s, current_database(), 'create')"
        " and bool_and(has_table_privilege(%(builder)s, oid, 'select'))"
        " from pg_class where relnamespace = %(raw)s::regnamespace and relkind = 'r'",
        {"builder": BUILDER, "raw": RAW_SCHEMA},
    ).fetchone()
    return bool(row and row[0])
