"""What `spacelift-usage --help` says of each command."""

import subprocess
import sys

from click.testing import CliRunner

from orchestration.cli import cli


def test_no_line_of_the_list_of_commands_is_cut_on_a_narrow_terminal():
    printed = CliRunner().invoke(cli, ["--help"], terminal_width=80).output
    lines = printed.partition("Commands:\n")[2].splitlines()
    assert len(lines) == len(cli.commands)
    assert [line for line in lines if line.endswith(("...", "…"))] == []


def test_a_command_that_builds_nothing_does_not_wait_for_the_libraries_that_do():
    script = "import sys, orchestration.cli; print({'dagster', 'dbt', 'altair', 'pandas'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert printed.stdout == "set()\n"
