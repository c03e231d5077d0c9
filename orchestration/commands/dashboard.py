"""`spacelift-usage dashboard`. Not here: what is on it (dashboard/)."""

import sys
import webbrowser
from pathlib import Path

from rich.console import Console

from orchestration.commands.configured import configured, open_warehouse
from orchestration.commands.failure import CommandFailedError


def make_dashboard(*, output: Path | None, is_to_open: bool) -> None:
    """Write the file, print its path on stdout, and show it in a browser when asked."""
    from orchestration.dashboard.dashboard_file import DashboardError, write_dashboard

    settings = configured()
    with open_warehouse(settings) as connection:
        try:
            written = write_dashboard(connection, home=settings.home, path=output)
        except DashboardError as error:
            raise CommandFailedError(str(error)) from error
    sys.stdout.write(f"{written.path}\n")
    if is_to_open and not webbrowser.open(written.path.as_uri()):
        Console(stderr=True).print(
            "no browser could be started here: open the file yourself", highlight=False
        )
