"""Connections: what every one of them has, and errors that name the server but never the password."""

import psycopg
import pytest

from orchestration.warehouse import connection as connection_module
from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_connection_is_in_utc_and_without_jit_also_after_a_rollback(
    database_url: str, autocommit: bool
) -> None:
    with connect(database_url, autocommit=autocommit) as connection:
        assert connection.autocommit is autocommit
        connection.rollback()
        settings = connection.execute(
            "select current_setting('timezone'), current_setting('jit'), current_setting('application_name')"
        ).fetchone()
    assert settings == ("UTC", "off", "spacelift-usage")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(
            "postgresql://bi:hunter2@127.0.0.1:1/usage",
            r"cannot connect to PostgreSQL at 127\.0\.0\.1:1/usage: .*refused",
            id="nobody listens",
        ),
        pytest.param("mysql://bi:hunter2@localhost/usage", "cannot be read", id="another database"),
        pytest.param(
            "postgresql://bi:x/hunter2@localhost/usage", "cannot be read", id="slash in the password"
        ),
        pytest.param("postgresql://bi:x@hunter2@localhost/usage", "cannot be read", id="at in the password"),
        pytest.param(
            "postgresql://bi:hunter2%@localhost/usage", "cannot be read", id="percent in the password"
        ),
        pytest.param("hunter2", "cannot be read", id="no URL"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named_in_one_line_without_the_password(
    url: str, message: str
) -> None:
    with pytest.raises(WarehouseError, match=message) as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_wrong_password_is_refused_and_not_repeated(database_url: str) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(database_url) | {"password": "hunter2"}
    with pytest.raises(WarehouseError, match="password authentication failed") as caught:
        connect(psycopg.conninfo.make_conninfo(**parts))
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_too_old_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "OLDEST_SERVER_VERSION", 990000)
    with pytest.raises(WarehouseError, match=r"is PostgreSQL [\d.]+.*; 14 or later is needed"):
        connect(database_url)
