"""Advisory locks: one writer at a time, one export to Elasticsearch, one maker of the schema.

PostgreSQL keeps such locks per database and lets go of them when the connection ends, so a process that dies
leaves none behind.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg

from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError

# Any numbers would do; other programs on the database should not use the same.
SCHEMA_LOCK_KEY = 7_239_405_118_001
WRITER_LOCK_KEY = 7_239_405_118_002
EXPORT_LOCK_KEY = 7_239_405_118_003


def writer_lock(url: str, *, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
    """Be the only one that writes to this database, be it a landing or dbt; waits for the one before.

    `on_wait` is called once if there is one to wait for. The lock has a connection of its own.

    Raises:
        WarehouseError: the database cannot be reached, or went away while we waited.
    """
    return _lock(url, key=WRITER_LOCK_KEY, other="writer", on_wait=on_wait)


def export_lock(url: str, *, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
    """Be the only one that posts this database's marts to Elasticsearch, as `writer_lock` is of writers.

    Each export deletes what others have posted of its days, so two at once would leave neither's documents.
    """
    return _lock(url, key=EXPORT_LOCK_KEY, other="export", on_wait=on_wait)


@contextlib.contextmanager
def _lock(url: str, *, key: int, other: str, on_wait: Callable[[], None]) -> Iterator[None]:
    connection = connect(url, autocommit=True)
    with contextlib.closing(connection):
        try:
            _acquire(connection, key=key, on_wait=on_wait)
        except psycopg.OperationalError as error:
            reason = " ".join(str(error).split())
            raise WarehouseError(
                f"the database went away while waiting for another {other}: {reason}"
            ) from error
        yield


def _acquire(connection: psycopg.Connection, *, key: int, on_wait: Callable[[], None]) -> None:
    # Nothing is said on it for as long as the work takes.
    connection.execute("set idle_session_timeout to 0")
    # Another run is waited for however long it takes; it says so.
    connection.execute("set lock_timeout to 0")
    # The lock of a machine that went away is free after minutes, not the usual two hours.
    connection.execute("set tcp_keepalives_idle to 60; set tcp_keepalives_count to 5")
    row = connection.execute("select pg_try_advisory_lock(%s)", [key]).fetchone()
    if row is not None and row[0]:
        return
    on_wait()
    connection.execute("select pg_advisory_lock(%s)", [key])
