"""What a summary says about where to look next."""

from pathlib import Path

import pytest
from rich.console import Console

from orchestration import summary
from orchestration.commands.warehouse import print_summary_of


@pytest.mark.parametrize(
    ("is_elsewhere", "variables"),
    [(False, ""), (True, "USAGE_HOME='/data/my home/demo-self-hosted' DATABASE_URL= ")],
)
def test_the_commands_that_are_named_speak_about_the_home_that_was_shown(
    monkeypatch: pytest.MonkeyPatch, is_elsewhere: bool, variables: str
) -> None:
    monkeypatch.setattr(summary, "print_summary", lambda connection, console: None)
    console = Console(record=True, width=40)
    home = Path("/data/my home/demo-self-hosted")
    print_summary_of(None, home=home, console=console, is_elsewhere=is_elsewhere)
    assert console.export_text().splitlines() == [
        f"Runs, checks and lineage: {variables}make ui, then http://127.0.0.1:3000",
        f'SQL and BI tools: psql "$({variables}spacelift-usage database-url)", schema marts',
    ]
