"""The warehouse for assets and checks: embedded, or the server that DATABASE_URL names."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from orchestration.settings import Settings
from orchestration.warehouse import embedded, lock
from orchestration.warehouse.connection import connect
from orchestration.warehouse.failures import in_one_line
from orchestration.warehouse.roles import LOADER, become
from orchestration.warehouse.schema import ensure_schema


class PostgresResource(dg.ConfigurableResource[Any]):
    """Connections to the warehouse. Reads the environment when used, so that no run config holds a secret."""

    @cached_property
    def _settings(self) -> Settings:
        return Settings.from_environment(os.environ)

    @property
    def home(self) -> Path:
        """The folder of all local state."""
        return self._settings.home

    @cached_property
    def url(self) -> str:
        """The warehouse's URL, password included; the embedded server is started if need be.

        Raises:
            WarehouseError: the embedded server cannot be started.
        """
        return self._settings.database_url or embedded.ensure_running(self.home)

    @contextmanager
    def connection(self, *, role: str | None = LOADER) -> Iterator[psycopg.Connection]:
        """A connection that lands, to a database that has the raw schema; closed at the end.

        With no role it is that of the URL's user, who may read the marts as well.

        Raises:
            WarehouseError: nobody there, too old, made by a later version of this project, or whatever the
                database raises while it is used.
        """
        with in_one_line(self.url), closing(connect(self.url)) as connection:
            ensure_schema(connection)
            if role:
                become(connection, role)
            # A rollback of the caller's must not take the role back.
            connection.commit()
            yield connection

    def writer_lock(self, *, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
        """Be the only writer, a landing or dbt; calls `on_wait` once when that means waiting."""
        return lock.writer_lock(self.url, on_wait=on_wait)
