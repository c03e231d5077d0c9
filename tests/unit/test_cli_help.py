"""What `spacelift-usage --help` says of each command."""

from click.testing import CliRunner

from orchestration.cli import cli


def test_no_line_of_the_list_of_commands_is_cut_on_a_narrow_terminal():
    printed = CliRunner().invoke(cli, ["--help"], terminal_width=80).output
    lines = printed.partition("Commands:\n")[2].splitlines()
    assert len(lines) == len(cli.commands)
    assert [line for line in lines if line.endswith(("...", "…"))] == []
