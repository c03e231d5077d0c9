"""`spacelift-usage export-…`: marts for other programs. Not here: the files themselves (exports/)."""

import os
import sys
from pathlib import Path

from rich.console import Console

from orchestration.commands.configured import configured, open_warehouse
from orchestration.commands.failure import CommandFailedError

STDOUT = Path("-")


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
