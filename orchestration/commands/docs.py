"""`spacelift-usage docs`: models, columns, metrics and their lineage as one HTML file, by dbt."""

import os
from pathlib import Path

from rich.console import Console

from orchestration.commands.configured import configured, one_line_errors, warehouse_url
from orchestration.commands.failure import CommandFailedError
from orchestration.environment import use_environment


def write_docs() -> None:
    """Write the file and print where it is; it opens without a server and asks no host for anything.

    Raises:
        CommandFailedError: no warehouse, or dbt refuses.
    """
    settings = configured()
    with one_line_errors():
        path = write_static_docs(warehouse_url(settings), folder=settings.home / "docs")
    Console().print(f"Documentation: {path.as_uri()}", highlight=False, soft_wrap=True)


def write_static_docs(database_url: str, *, folder: Path) -> Path:
    """dbt's one-file documentation of the models and of what is in this warehouse."""
    from dbt.cli.main import dbtRunner

    from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
    from orchestration.resources.dbt import dbt_environment, failure_line

    use_environment(dbt_environment(database_url, inherited=os.environ))
    arguments = project_arguments(PROJECT_DIR, target_path=folder)
    outcome = dbtRunner().invoke([*QUIET_ARGUMENTS, "docs", "generate", "--static", *arguments])
    if not outcome.success:
        raise CommandFailedError(failure_line(outcome, database_url=database_url))
    return folder / "static_index.html"
