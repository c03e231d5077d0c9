"""`spacelift-usage demo`. Not here: the account and its server (demo/)."""

import datetime as dt
import os

from rich.console import Console

from orchestration.commands.configured import configured, one_line_errors, open_warehouse
from orchestration.commands.daily_run import run_days
from orchestration.commands.warehouse import print_summary_of
from orchestration.environment import (
    DEMO_FOLDER,
    SELF_HOSTED_DEMO_FOLDER,
    demo_environment,
    use_environment,
)
from orchestration.runs.options import RunOptions
from orchestration.warehouse import embedded


def run_demo(*, self_hosted: bool = False) -> None:
    """The whole history of the demo account, in its own home; nothing is left running.

    With `self_hosted` it is read from usage reports, into another home.
    """
    from orchestration.assets.raw_selfhosted_rows import ReportConfig
    from orchestration.demo.account import FIRST_DAY, LAST_DAY
    from orchestration.demo.server import demo_server

    console = Console()
    with demo_server() as server:
        use_environment(
            demo_environment(
                os.environ,
                endpoint=server.endpoint,
                key_id=server.key_id,
                key_secret=server.key_secret,
                folder=SELF_HOSTED_DEMO_FOLDER if self_hosted else DEMO_FOLDER,
            )
        )
        settings = configured()
        try:
            run_days(
                settings,
                since=FIRST_DAY,
                until=LAST_DAY + dt.timedelta(days=1),
                options=RunOptions(report=ReportConfig() if self_hosted else None),
                console=console,
            )
            with open_warehouse(settings) as connection:
                print_summary_of(connection, home=settings.home, console=console, is_elsewhere=self_hosted)
        finally:
            with one_line_errors():
                embedded.stop(settings.home)
