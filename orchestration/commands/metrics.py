"""`spacelift-usage metrics …`: MetricFlow's command `mf` on the warehouse.

Here: the variables, project and manifest it wants. Not here: what the metrics are
(dbt_project/models/marts/_semantic_models.yml). `mf` itself asks a package index for a newer version at every
start; its commands are the same without that.
"""

import os
import shutil
from collections.abc import Sequence

import click

from orchestration.commands.configured import configured, one_line_errors, warehouse_url
from orchestration.commands.failure import CommandFailedError
from orchestration.environment import use_environment

_COMMANDS = ("list", "query", "validate-configs")


def run_metricflow(arguments: Sequence[str]) -> None:
    """One command of `mf`: `list metrics`, `list dimensions --metrics cost`, `query --metrics cost …`.

    Raises:
        CommandFailedError: MetricFlow is not installed, or no warehouse.
    """
    try:
        from dbt_metricflow.cli.main import cli
    except ModuleNotFoundError as error:
        raise CommandFailedError(
            "MetricFlow is not installed: make install brings it, pip install dbt-metricflow as well"
        ) from error
    settings = configured()
    folder = settings.home / "metricflow"
    folder.mkdir(parents=True, exist_ok=True)
    with one_line_errors():
        use_environment(metricflow_environment(warehouse_url(settings), log_folder=str(folder)))
    commands = {name: cli.commands[name] for name in _COMMANDS}
    click.Group("metrics", commands=commands).main(
        list(arguments), prog_name="spacelift-usage metrics", standalone_mode=False
    )


def metricflow_environment(database_url: str, *, log_folder: str) -> dict[str, str]:
    """What `mf` reads from its environment; the manifest of metrics lies where it looks for it."""
    from orchestration.dbt_manifest import PROJECT_DIR, load_manifest
    from orchestration.resources.dbt import dbt_environment

    load_manifest()
    shutil.copyfile(
        PROJECT_DIR / "target" / "dagster" / "semantic_manifest.json",
        PROJECT_DIR / "target" / "semantic_manifest.json",
    )
    return {
        **dbt_environment(database_url, inherited=os.environ),
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "DBT_LOG_PATH": log_folder,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
