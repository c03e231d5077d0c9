"""Where variables come from: the environment first, then a `.env` that nobody else can read."""

import pytest

from orchestration.cli import exit_code_of
from orchestration.environment import environment_with_dotenv
from orchestration.settings import SettingsError

SECRETS = (
    "SPACELIFT_API_KEY_SECRET=hunter2",
    "SPACELIFT_API_TOKEN=hunter2",
    "DATABASE_URL=postgresql://u:hunter2@h/d",
)


@pytest.mark.parametrize("line", SECRETS)
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_dotenv_with_a_secret_that_others_may_read_is_refused_with_the_command_that_mends_it(
    tmp_path, line, mode
):
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{line}\n")
    dotenv.chmod(mode)
    with pytest.raises(SettingsError, match=rf"holds secrets .*: chmod 600 {dotenv}$") as raised:
        environment_with_dotenv({}, dotenv=dotenv)
    assert "hunter2" not in str(raised.value)
    dotenv.chmod(0o600)
    assert "hunter2" in str(environment_with_dotenv({}, dotenv=dotenv))


def test_a_dotenv_in_another_encoding_is_one_line_without_what_it_holds(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_bytes("SPACELIFT_ACCOUNT=hunter2ä\n".encode("utf-16"))
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8: save it as UTF-8 text$") as raised:
        environment_with_dotenv({}, dotenv=dotenv)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("command", ["ui", "superset"])
@pytest.mark.parametrize("port", ["0", "99999"])
def test_a_port_that_there_is_not_is_one_line(capsys, tmp_path, monkeypatch, command, port):
    monkeypatch.chdir(tmp_path)
    assert exit_code_of([command, "--port", port]) == 2
    assert "1<=x<=65535" in capsys.readouterr().err


def test_a_dotenv_without_secrets_may_be_read_by_anyone_and_the_environment_wins(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("USAGE_LOOKBACK_DAYS=5\nUSAGE_GROUP_BY=run-type\nSPACELIFT_API_KEY_SECRET=\n")
    dotenv.chmod(0o644)
    variables = environment_with_dotenv({"USAGE_LOOKBACK_DAYS": "7"}, dotenv=dotenv)
    assert (variables["USAGE_LOOKBACK_DAYS"], variables["USAGE_GROUP_BY"]) == ("7", "run-type")
    assert environment_with_dotenv({"A": "b"}, dotenv=tmp_path / "none") == {"A": "b"}
