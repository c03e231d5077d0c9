"""What all steps that write to the warehouse share: one of them at a time, and failures in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from orchestration.progress import Waiting, report
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import SettingsError
from orchestration.warehouse.errors import WarehouseError


@contextmanager
def only_writer(
    context: dg.AssetExecutionContext, postgres: PostgresResource
) -> Iterator[psycopg.Connection]:
    """A connection while nobody else writes.

    Raises:
        Failure: the configuration or the database is at fault.
    """
    try:
        with (
            postgres.writer_lock(on_wait=lambda: say_waiting(context)),
            postgres.connection() as connection,
        ):
            yield connection
    except (SettingsError, WarehouseError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def say_waiting(context: dg.AssetExecutionContext) -> None:
    """Tell that another run is writing."""
    message = "Waiting for another run that writes to this warehouse."
    context.log.info(message)
    report(Waiting(message))
