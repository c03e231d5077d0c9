"""`spacelift-usage summary`, `database-url`, `database-stop`, `grant-bi`: the warehouse as it is."""

import sys

import psycopg
from rich.console import Console

from orchestration.commands.configured import configured, one_line_errors, open_warehouse, warehouse_url
from orchestration.warehouse import embedded


def show_summary() -> None:
    """Months, pools and minutes from the marts, and where to look next."""
    with open_warehouse(configured()) as connection:
        print_summary_of(connection, console=Console())


def print_summary_of(connection: psycopg.Connection, *, console: Console) -> None:
    """The summary, for a command that has the warehouse open."""
    from orchestration.summary import print_summary

    print_summary(connection, console=console)
    console.print("Runs, checks and lineage: make ui, then http://127.0.0.1:3000", highlight=False)
    console.print('SQL and BI tools: psql "$(spacelift-usage database-url)", schema marts', highlight=False)


def print_database_url() -> None:
    """The warehouse's URL on stdout, and nothing else."""
    with one_line_errors():
        sys.stdout.write(f"{warehouse_url(configured())}\n")


def grant_bi(name: str) -> None:
    """A login that reads the marts: its URL, with its password, once on stdout."""
    from orchestration.warehouse.readers import grant_reader, reader_url
    from orchestration.warehouse.schema import ensure_schema

    settings = configured()
    with one_line_errors():
        url = warehouse_url(settings)
    with open_warehouse(settings) as connection:
        ensure_schema(connection)
        password = grant_reader(connection, name)
        connection.commit()
    sys.stdout.write(f"{reader_url(url, name, password=password)}\n")
    Console(stderr=True).print(
        f"{name} reads schema marts, and nothing else; the password is not kept here",
        highlight=False,
        markup=False,
    )


def stop_database() -> None:
    """Stop the embedded server, if it runs."""
    with one_line_errors():
        stopped = embedded.stop(configured().home)
    Console(stderr=True).print("stopped" if stopped else "was not running", highlight=False)
