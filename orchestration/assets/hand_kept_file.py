"""What the assets of hand-kept files share: the writer's lock, and a failure that tells every problem."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from orchestration.assets.land_days import say_waiting
from orchestration.contracts.errors import ContractsError
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import SettingsError
from orchestration.warehouse.errors import WarehouseError


@contextmanager
def landing_hand_kept_file(
    context: dg.AssetExecutionContext, *, postgres: PostgresResource
) -> Iterator[psycopg.Connection]:
    """The only writer's connection.

    Raises:
        Failure: the file is wrong, its problems in the metadata; or configuration or database are at fault.
    """
    try:
        with (
            postgres.writer_lock(on_wait=lambda: say_waiting(context)),
            postgres.connection() as connection,
        ):
            yield connection
    except ContractsError as error:
        raise dg.Failure(
            str(error),
            metadata={"problems": dg.MetadataValue.md("\n".join(f"- {line}" for line in error.problems))},
            allow_retries=False,
        ) from error
    except (SettingsError, WarehouseError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
