"""What the assets of hand-kept files share: the writer's lock, and a failure that tells every problem."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from orchestration.assets.only_writer import only_writer
from orchestration.contracts.errors import ContractsError
from orchestration.resources.postgres import PostgresResource


@contextmanager
def landing_hand_kept_file(
    context: dg.AssetExecutionContext, *, postgres: PostgresResource
) -> Iterator[psycopg.Connection]:
    """The only writer's connection.

    Raises:
        Failure: the file is wrong, its problems in the metadata; or configuration or database are at fault.
    """
    try:
        with only_writer(context, postgres) as connection:
            yield connection
    except ContractsError as error:
        raise dg.Failure(
            str(error),
            metadata={"problems": dg.MetadataValue.md("\n".join(f"- {line}" for line in error.problems))},
            allow_retries=False,
        ) from error
