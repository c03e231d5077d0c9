"""A wrong contracts file ends `spacelift-usage run` before anything is reached."""

import pytest

from orchestration import cli
from orchestration.settings import VARIABLES


@pytest.mark.parametrize("variable", ["USAGE_CONTRACTS_FILE", "USAGE_INVOICES_FILE"])
def test_it_is_told_whole_with_exit_code_2_and_nothing_is_made(variable, tmp_path, monkeypatch, capsys):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "terms.csv").write_text("contract;valid_from\n")
    monkeypatch.setenv(variable, "terms.csv")
    monkeypatch.setenv("USAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SPACELIFT_API_KEY_ENDPOINT", "https://acme.app.spacelift.io")
    monkeypatch.setenv("SPACELIFT_API_KEY_ID", "01KEY")
    monkeypatch.setenv("SPACELIFT_API_KEY_SECRET", "secret")
    with pytest.raises(SystemExit) as ended:
        cli.main(["run"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.endswith(
        "terms.csv, line 1: the columns are separated by semicolons: separate them by commas\n"
    )
    assert told.count("\n") == 1
    assert not (tmp_path / "home").exists()
