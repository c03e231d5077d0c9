"""What an error of the database means to a person: one line, what happened and what to do.

Here: Postgres' codes in words, and who holds the locks that were waited for. Not here: errors while
connecting (connection.py), values that a table does not take (landing/raw_tables.py).
Source of the codes: the PostgreSQL manual, appendix A.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError

# Whoever reads or writes our tables now: who was in the way is among them.
_HOLDERS = """
    select distinct
        sessions.pid,
        coalesce(nullif(sessions.application_name, ''), 'unnamed program'),
        sessions.usename,
        to_char(sessions.query_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    from pg_locks as locks
    inner join pg_stat_activity as sessions on locks.pid = sessions.pid
    inner join pg_class as tables on locks.relation = tables.oid
    inner join pg_namespace as schemas on tables.relnamespace = schemas.oid
    where
        locks.granted
        and sessions.backend_type = 'client backend'
        and locks.database = (select oid from pg_database where datname = current_database())
        and locks.pid <> pg_backend_pid()
        and schemas.nspname in ('raw', 'staging', 'intermediate', 'marts')
    order by 1
"""


@contextmanager
def in_one_line(url: str) -> Iterator[None]:
    """Turn what the database of this URL raises in the block into a line for a person.

    Raises:
        WarehouseError: in place of any psycopg.Error.
    """
    try:
        yield
    except psycopg.Error as error:
        raise WarehouseError(_meaning(error, url=url)) from error


def lock_holders(url: str) -> str:
    """Who has locks on our tables now, in words."""
    try:
        with closing(connect(url, autocommit=True)) as connection:
            holders = connection.execute(_HOLDERS).fetchall()
    except (WarehouseError, psycopg.Error):
        return "held by somebody, who cannot be asked for now"
    if not holders:
        return "held by somebody who has let go meanwhile"
    return "held by " + ", ".join(
        # Another user's query is shown only to those with pg_read_all_stats.
        f"pid {pid} ({program} of user {user}{f', query since {since} UTC' if since else ''})"
        for pid, program, user, since in holders
    )


def _meaning(error: psycopg.Error, *, url: str) -> str:
    said = " ".join((error.diag.message_primary or str(error)).split())
    match error:
        case psycopg.errors.LockNotAvailable():
            return (
                f"a lock on a table was not to be had in time ({said}), {lock_holders(url)}: end that "
                "query or let it end, then run again"
            )
        case psycopg.errors.DiskFull():
            return f"the database's disk is full ({said}): make room, then run again"
        case psycopg.errors.QueryCanceled():
            return (
                f"the database stopped a statement ({said}): raise its limit for this user "
                "(statement_timeout), or run fewer days at once"
            )
        case psycopg.errors.ReadOnlySqlTransaction():
            return f"the database takes no writes now ({said}): name the primary server in DATABASE_URL"
        case psycopg.errors.InsufficientPrivilege():
            return f"the database refuses its user ({said}): see Who may write in docs/operations.md"
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return f"the database went away or is in trouble ({said}): run again once it answers"
        case _:
            return f"the database refused a statement ({said})"
