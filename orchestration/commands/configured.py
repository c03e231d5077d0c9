"""What commands share: the configuration of this process, and the warehouse it names.

Here: errors of the warehouse become one line. Not here: what the variables mean (settings.py).
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from orchestration.commands.failure import CommandFailedError
from orchestration.settings import ENDPOINT, KEY_ID, KEY_SECRET, Settings
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.failures import in_one_line

NOTHING_CONFIGURED = (
    f"nothing is configured: set {ENDPOINT}, {KEY_ID} and {KEY_SECRET} (see .env.example), or try make demo"
)


def configured() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a variable's value cannot be used.
    """
    return Settings.from_environment(os.environ)


def warehouse_url(settings: Settings) -> str:
    """The warehouse's URL; the embedded server is started if need be."""
    return settings.database_url or embedded.ensure_running(settings.home)


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection to the warehouse for the length of a command.

    Raises:
        CommandFailedError: the warehouse does not answer, or refuses what is asked of it.
    """
    with one_line_errors():
        url = warehouse_url(settings)
        with in_one_line(url), closing(connect(url)) as connection:
            yield connection


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What the warehouse has to say about failing becomes the command's."""
    try:
        yield
    except WarehouseError as error:
        raise CommandFailedError(str(error)) from error
