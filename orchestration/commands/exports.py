"""`spacelift-usage export-…`: marts for other programs. Not here: the files themselves (exports/)."""

import datetime as dt
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from orchestration.commands.configured import configured, one_line_errors, open_warehouse, warehouse_url
from orchestration.commands.failure import CommandFailedError

STDOUT = Path("-")


def export_elastic(*, since: dt.date | None, until: dt.date | None, csv_folder: Path | None) -> None:
    """The hours of the marts posted to Elasticsearch, or written as CSV for Kibana's file upload."""
    from orchestration.exports.elastic import WAITING, DayRange, export_to_elastic
    from orchestration.exports.elastic_client import ElasticError, elastic_client
    from orchestration.exports.elastic_csv import write_elastic_csv
    from orchestration.exports.focus import ExportError
    from orchestration.warehouse.lock import export_lock
    from orchestration.warehouse.schema import ensure_schema

    settings = configured()
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    last = until - dt.timedelta(days=1) if until else None
    try:
        if csv_folder is not None:
            with open_warehouse(settings) as connection:
                files = write_elastic_csv(connection, csv_folder, first=since, last=last)
            for path in files:
                console.print(f"{path}: {path.stat().st_size:,} bytes")
            return

        def wait(seconds: float) -> None:
            console.print(f"Elasticsearch is busy or away, asking again in {seconds:.0f} s")
            time.sleep(seconds)

        with (
            elastic_client(settings, wait=wait) as client,
            one_line_errors(),
            export_lock(warehouse_url(settings), on_wait=lambda: console.print(WAITING)),
            open_warehouse(settings) as connection,
        ):
            ensure_schema(connection)
            exported = export_to_elastic(
                connection,
                client,
                target=settings.elasticsearch_url or "",
                days=DayRange(since, last) if since or last else None,
                on_progress=lambda day, documents: console.print(f"{documents:,} documents, up to {day}"),
            )
    except (ElasticError, ExportError) as error:
        raise CommandFailedError(str(error)) from error
    console.print(
        f"done: {exported.days} days, {exported.documents:,} documents, {exported.deleted:,} stale deleted"
    )


def write_focus(path: Path) -> None:
    """The FOCUS mart as a CSV file, or on stdout for `-`."""
    from orchestration.exports.focus import ExportError, write_focus_file, write_focus_rows

    with open_warehouse(configured()) as connection:
        try:
            if path != STDOUT:
                rows = write_focus_file(connection, path)
                Console(stderr=True).print(f"{rows} rows in {path}", highlight=False, markup=False)
                return
            with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as stdout:
                write_focus_rows(connection, stdout)
        except ExportError as error:
            raise CommandFailedError(str(error)) from error
        except BrokenPipeError:
            # Whoever read has seen enough; Python must not complain about it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandFailedError("the output was not read to its end") from None
