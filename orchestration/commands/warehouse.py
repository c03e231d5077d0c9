"""`spacelift-usage summary`, `database-url`, `database-stop`, `grant-bi`: the warehouse as it is."""

import shlex
import sys
from pathlib import Path

import psycopg
from rich.console import Console

from orchestration.commands.configured import configured, one_line_errors, open_warehouse, warehouse_url
from orchestration.warehouse import embedded


def show_summary() -> None:
    """Months, pools and minutes from the marts, and where to look next."""
    settings = configured()
    with open_warehouse(settings) as connection:
        print_summary_of(connection, home=settings.home, console=Console())


def print_summary_of(
    connection: psycopg.Connection, *, home: Path, console: Console, is_elsewhere: bool = False
) -> None:
    """The summary, for a command that has the warehouse open.

    `is_elsewhere` when commands that are typed without more would speak about another home.
    """
    from orchestration.dashboard.dashboard_file import FILE_NAME
    from orchestration.summary import print_summary

    print_summary(connection, console=console)
    dashboard = home / FILE_NAME
    if dashboard.is_file():
        console.print(f"In a browser: {dashboard}", highlight=False, markup=False, soft_wrap=True)
    # An empty DATABASE_URL counts as unset, also where .env has one.
    variables = f"USAGE_HOME={shlex.quote(str(home))} DATABASE_URL= " if is_elsewhere else ""
    for line in (
        f"Runs, checks and lineage: {variables}make ui, then http://127.0.0.1:3000",
        f'SQL and BI tools: psql "$({variables}spacelift-usage database-url)", schema marts',
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


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
