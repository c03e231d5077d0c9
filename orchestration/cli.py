"""`spacelift-usage …`: thin commands around the same job that the schedule launches.

Here: arguments and exit codes: 0 done, 1 failed, 2 wrong usage or configuration; a person's mistake is one
line on stderr. Not here: what the commands do (commands/).
"""

import datetime as dt
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from orchestration.commands.check import check_configuration
from orchestration.commands.daily_run import run_daily
from orchestration.commands.dashboard import make_dashboard
from orchestration.commands.demo import run_demo
from orchestration.commands.docs import write_docs
from orchestration.commands.exports import export_elastic, write_focus
from orchestration.commands.failure import CommandFailedError
from orchestration.commands.hand_made_files import load_hand_made_files
from orchestration.commands.metrics import run_metricflow
from orchestration.commands.self_hosted import run_report
from orchestration.commands.superset import serve_superset
from orchestration.commands.ui import serve_ui
from orchestration.commands.warehouse import grant_bi, print_database_url, show_summary, stop_database
from orchestration.environment import (
    demo_environment,
    environment_with_dotenv,
    is_about_the_demo,
    use_environment,
)
from orchestration.settings import SettingsError
from orchestration.spacelift.aspects import ASPECTS

FAILED = 1
MISCONFIGURED = 2

DAY = click.DateTime(formats=["%Y-%m-%d"])

_ACCEPT_SHRINKAGE = click.option(
    "--accept-shrinkage",
    is_flag=True,
    help="Replace days also when they come back empty or with half of their rows.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Spacelift usage, landed in Postgres and built into billing marts."""
    use_environment(environment_with_dotenv(os.environ, dotenv=Path(".env")))


@cli.command()
@click.option("--since", type=DAY, help="First UTC day; default: the look-back before --until.")
@click.option("--until", type=DAY, help="UTC day after the last one; default: today.")
@click.option(
    "--from-archive", is_flag=True, help="Land again what was downloaded, without asking Spacelift."
)
@click.option(
    "--no-download",
    is_flag=True,
    help="Only take in rows that were copied into the raw tables by hand, and build marts.",
)
@_ACCEPT_SHRINKAGE
@click.option("--full-refresh", is_flag=True, help="Build all marts anew, not only the days that changed.")
def run(
    since: dt.datetime | None,
    until: dt.datetime | None,
    from_archive: bool,
    no_download: bool,
    accept_shrinkage: bool,
    full_refresh: bool,
) -> None:
    """Download and land days, then build the marts.

    Without --since and --until: yesterday and the look-back before it.
    """
    if no_download and (from_archive or since or until):
        raise click.UsageError("--no-download asks for no days: leave out --since, --until, --from-archive")
    run_daily(
        since=since.date() if since else None,
        until=until.date() if until else None,
        from_archive=from_archive,
        accept_shrinkage=accept_shrinkage,
        full_refresh=full_refresh,
        download=not no_download,
    )


@cli.command("load-file")
@click.argument("path", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--aspect", type=click.Choice(list(ASPECTS)), help="Default: what its header says.")
@_ACCEPT_SHRINKAGE
@click.option(
    "--accept-partial-days",
    is_flag=True,
    help="Replace the first and last day of a file also when it seems to hold only a part of them.",
)
def load_file(
    path: tuple[Path, ...], aspect: str | None, accept_shrinkage: bool, accept_partial_days: bool
) -> None:
    """Land files exported by hand, then build the marts.

    Usage CSVs, and usage reports of a self-hosted instance.
    """
    load_hand_made_files(
        path,
        aspect_name=aspect,
        accept_shrinkage=accept_shrinkage,
        accept_partial_days=accept_partial_days,
    )


@cli.command()
@click.option("--since", type=DAY, help="First UTC day; default: the look-back before --until.")
@click.option("--until", type=DAY, help="UTC day after the last one; default: today.")
@click.option("--tables", help="Names with commas between them; default: all that the instance has.")
@click.option(
    "--batch-days", type=click.IntRange(1, 366), default=7, show_default=True, help="Days in one report."
)
@click.option("--send-to-spacelift", is_flag=True, help="Send each report to SPACELIFT_PUBLIC_API, once.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--again", is_flag=True, help="Send also what was sent before.")
@_ACCEPT_SHRINKAGE
def report(
    since: dt.datetime | None,
    until: dt.datetime | None,
    tables: str | None,
    batch_days: int,
    send_to_spacelift: bool,
    dry_run: bool,
    again: bool,
    accept_shrinkage: bool,
) -> None:
    """Self-hosted: land the usage report, then build the marts.

    The instance is asked for it; nothing is sent to Spacelift unless you ask for that.
    """
    run_report(
        since=since.date() if since else None,
        until=until.date() if until else None,
        tables=tables,
        batch_days=batch_days,
        send_to_spacelift=send_to_spacelift,
        dry_run=dry_run,
        again=again,
        accept_shrinkage=accept_shrinkage,
    )


@cli.command()
def check() -> None:
    """Say what is configured and whether each part answers."""
    check_configuration()


@cli.command()
def summary() -> None:
    """Print workers and minutes per month."""
    _speak_about_the_demo_if_that_is_all()
    show_summary()


@cli.command()
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: dashboard.html in USAGE_HOME."
)
@click.option("--open", "is_to_open", is_flag=True, help="Show it in the browser.")
def dashboard(output: Path | None, is_to_open: bool) -> None:
    """Write the dashboard as one HTML file and print its path.

    The file needs no server, and asks no host for anything.
    """
    _speak_about_the_demo_if_that_is_all()
    make_dashboard(output=output, is_to_open=is_to_open)


@cli.command("export-focus")
@click.argument("path", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def export_focus(path: Path) -> None:
    """Write cost and usage as FOCUS 1.2 CSV.

    To PATH, or - for standard output.
    """
    _speak_about_the_demo_if_that_is_all()
    write_focus(path)


@cli.command("export-elastic")
@click.option(
    "--since", type=DAY, help="First UTC day; default: all days that changed since they were posted."
)
@click.option("--until", type=DAY, help="UTC day after the last one.")
@click.option(
    "--csv",
    "csv_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write CSV files for Kibana's file upload into this folder instead of posting.",
)
def export_to_elastic(since: dt.datetime | None, until: dt.datetime | None, csv_folder: Path | None) -> None:
    """Post the marts' hours to Elasticsearch, zeros included.

    To ELASTICSEARCH_URL, or as CSV files into a folder.
    """
    if since and until and since >= until:
        raise click.UsageError("no day lies between --since and --until, which is exclusive")
    _speak_about_the_demo_if_that_is_all()
    export_elastic(
        since=since.date() if since else None,
        until=until.date() if until else None,
        csv_folder=csv_folder,
    )


@cli.command("database-url")
def database_url() -> None:
    """Print the warehouse's URL, for psql and BI tools.

    The embedded server is started if need be.
    """
    _speak_about_the_demo_if_that_is_all()
    print_database_url()


@cli.command("grant-bi")
@click.argument("name")
def grant_bi_login(name: str) -> None:
    """Make a database login that reads the marts only.

    Prints the URL of NAME, with a new password also when the login is there already.
    """
    _speak_about_the_demo_if_that_is_all()
    grant_bi(name)


@cli.command()
def docs() -> None:
    """Write models, columns and metrics as one HTML file.

    Lineage included.
    """
    _speak_about_the_demo_if_that_is_all()
    write_docs()


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def metrics(arguments: tuple[str, ...]) -> None:
    """Ask for metrics by their names, with MetricFlow.

    Begin with: metrics list metrics, metrics query --help
    """
    _speak_about_the_demo_if_that_is_all()
    run_metricflow(arguments)


@cli.command("database-stop")
def database_stop() -> None:
    """Stop the embedded Postgres."""
    _speak_about_the_demo_if_that_is_all()
    stop_database()


@cli.command()
@click.option("--self-hosted", is_flag=True, help="The same account as a self-hosted instance reports it.")
def demo(self_hosted: bool) -> None:
    """Run the history of a made-up account.

    In a home and a database of its own; nothing of yours is touched.
    """
    run_demo(self_hosted=self_hosted)


@cli.command()
@click.option("--port", default=3000, show_default=True, help="Port of the web page, on this machine only.")
def ui(port: int) -> None:
    """Open Dagster's UI; Ctrl-C ends it.

    On the same database and history as the commands.
    """
    is_demo = _speak_about_the_demo_if_that_is_all()
    serve_ui(port=port, is_demo=is_demo)


@cli.command()
@click.option("--port", default=8088, show_default=True, help="Port of the web page, on this machine only.")
def superset(port: int) -> None:
    """Open Apache Superset on the marts; Ctrl-C ends it.

    With a dashboard, ready to look at.
    """
    _speak_about_the_demo_if_that_is_all()
    serve_superset(port=port)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script."""
    # Dagster says at every start which of its parameters may still change.
    warnings.simplefilter("ignore")
    # What it says while a connection is torn down is no news to whoever pressed Ctrl-C.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    # A run's log is in its history; a library of dbt's would print it here too.
    logging.getLogger("dagster.builtin").propagate = False
    sys.exit(exit_code_of(list(sys.argv[1:] if arguments is None else arguments)))


def exit_code_of(arguments: list[str]) -> int:
    """Run one command; what it has to say about failing is on stderr."""
    try:
        return cli.main(arguments, prog_name="spacelift-usage", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        return _say(error.format_message(), MISCONFIGURED)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "spacelift-usage"
        return _say(f"{error.format_message()} See: {where} --help", MISCONFIGURED)
    except SettingsError as error:
        return _say(str(error), MISCONFIGURED)
    except CommandFailedError as error:
        return _say(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted; what had landed stays, the next run does the rest", FAILED)


def _say(message: str, exit_code: int) -> int:
    Console(stderr=True).print(message, highlight=False, markup=False, soft_wrap=True)
    return exit_code


def _speak_about_the_demo_if_that_is_all() -> bool:
    if not is_about_the_demo(os.environ):
        return False
    _say("Nothing is configured, so this is about the demo.", 0)
    use_environment(demo_environment(os.environ))
    return True


if __name__ == "__main__":
    main()
