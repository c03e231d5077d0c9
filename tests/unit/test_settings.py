"""Environment in, settings or one clear line out."""

import base64
import datetime as dt
import json
from pathlib import Path

import pytest

from orchestration.settings import Settings, SettingsError

KEY = {
    "SPACELIFT_API_KEY_ENDPOINT": "https://acme.app.spacelift.io/graphql",
    "SPACELIFT_API_KEY_ID": "01KEY",
    "SPACELIFT_API_KEY_SECRET": "s3cr3t",
}


def token_for(audience: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"aud": audience}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def test_nothing_configured_gives_the_documented_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"DATABASE_URL": "", "USAGE_LOOKBACK_DAYS": " "})
    assert not settings.is_anything_configured
    assert not settings.has_credentials
    assert settings.account is None
    assert settings.contracts_file is None
    assert settings.home == tmp_path / ".local"
    assert settings.archive_url == str(tmp_path / ".local" / "archive")
    assert settings.start_date == dt.date(2024, 1, 1)
    assert settings.lookback_days == 3
    assert settings.group_by == "run-state"


@pytest.mark.parametrize(
    ("environ", "account"),
    [
        pytest.param(KEY, "acme.app.spacelift.io", id="host of the endpoint"),
        pytest.param(KEY | {"SPACELIFT_ACCOUNT": "acme"}, "acme", id="name given"),
        pytest.param(
            {"SPACELIFT_API_TOKEN": token_for("https://acme.app.spacelift.io")},
            "acme.app.spacelift.io",
            id="audience of the token",
        ),
        pytest.param(
            {
                "SPACELIFT_API_TOKEN": token_for("https://other.app.spacelift.io"),
                "SPACELIFT_API_KEY_ENDPOINT": "acme.app.spacelift.io",
            },
            "acme.app.spacelift.io",
            id="endpoint before the token's audience",
        ),
    ],
)
def test_the_account_is_the_name_given_or_the_host(environ, account):
    settings = Settings.from_environment(environ)
    assert settings.account == account
    assert settings.has_credentials


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param(
            {"USAGE_START_DATE": "01.02.2024"}, "USAGE_START_DATE=01.02.2024", id="day in another form"
        ),
        pytest.param({"USAGE_START_DATE": "2023-02-29"}, "USAGE_START_DATE=2023-02-29", id="no leap year"),
        pytest.param(
            {"USAGE_END_DATE": "2024-01-01"}, "USAGE_END_DATE=2024-01-01 is not", id="no day at all"
        ),
        pytest.param(
            {"USAGE_START_DATE": "2026-02-01", "USAGE_END_DATE": "2026-01-31"},
            "is not after USAGE_START_DATE=2026-02-01",
            id="end before the start",
        ),
        pytest.param({"USAGE_LOOKBACK_DAYS": "-1"}, "USAGE_LOOKBACK_DAYS=-1", id="negative look-back"),
        pytest.param({"USAGE_LOOKBACK_DAYS": "three"}, "USAGE_LOOKBACK_DAYS=three", id="look-back in words"),
        pytest.param({"USAGE_LOOKBACK_DAYS": "100000"}, "from 0 to 366", id="endless look-back"),
        pytest.param({"USAGE_GROUP_BY": "stack"}, "run-state or run-type", id="unknown grouping"),
        pytest.param({"DATABASE_URL": "mysql://u:hunter2@h/d"}, "DATABASE_URL is not", id="other database"),
        pytest.param({"USAGE_CONTRACTS_FILE": "/nowhere/c.csv"}, "/nowhere/c.csv", id="contracts missing"),
        pytest.param({"SPACELIFT_CA_BUNDLE": "/nowhere/ca.pem"}, "SPACELIFT_CA_BUNDLE", id="CA file missing"),
        pytest.param({"SPACELIFT_API_TOKEN": "hunter2"}, "SPACELIFT_API_TOKEN", id="token is no JWT"),
        pytest.param(
            {k: v for k, v in KEY.items() if k != "SPACELIFT_API_KEY_SECRET"},
            "SPACELIFT_API_KEY_SECRET is not",
            id="secret missing",
        ),
        pytest.param(
            {k: v for k, v in KEY.items() if k != "SPACELIFT_API_KEY_ENDPOINT"},
            "SPACELIFT_API_KEY_ENDPOINT is not",
            id="endpoint missing",
        ),
        pytest.param(
            KEY | {"SPACELIFT_API_KEY_ENDPOINT": "http://acme.app.spacelift.io"},
            "SPACELIFT_API_KEY_ENDPOINT: .*plain http",
            id="plain http",
        ),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_do_and_no_secret(environ, message):
    with pytest.raises(SettingsError, match=message) as raised:
        Settings.from_environment(environ)
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_no_secret_shows_when_settings_are_printed():
    settings = Settings.from_environment(
        KEY | {"DATABASE_URL": "postgresql://u:hunter2@h/d", "SPACELIFT_API_TOKEN": token_for("https://a.b")}
    )
    assert "hunter2" not in repr(settings)
    assert "s3cr3t" not in repr(settings)
    assert "c2ln" not in repr(settings)


def test_paths_do_not_depend_on_a_later_change_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({"USAGE_HOME": "state"}).home == Path(tmp_path / "state")
