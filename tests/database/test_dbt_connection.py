"""dbt gets to where the landing gets to, with the same settings, also where the URL leaves something out."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from dbt.cli.main import dbtRunner
from psycopg.conninfo import conninfo_to_dict

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.resources.dbt import dbt_environment, failure_line
from orchestration.warehouse.connection import connect

SESSION = """
    select
        inet_server_port() as port,
        current_database()::text as database,
        current_setting('TimeZone') as zone,
        current_setting('jit') as jit,
        current_setting('lock_timeout') as lock_timeout
"""


def url_of(place: str, parts: dict[str, str], *, query: str = "") -> str:
    user, password = (quote(parts[key], safe="") for key in ("user", "password"))
    return f"postgresql://{user}:{password}@{place}/{parts['dbname']}{query}"


@pytest.fixture
def session_of_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[object, ...]]:
    """What SESSION gives in a connection that dbt opened, by our profile in a project without a model."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text())
    head = {key: project[key] for key in ("name", "config-version", "profile", "flags")}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(head))
    shutil.copy(PROJECT_DIR / "profiles.yml", tmp_path)

    def show(url: str) -> tuple[object, ...]:
        for name, value in dbt_environment(url, inherited=os.environ).items():
            monkeypatch.setenv(name, value)
        arguments = [*project_arguments(tmp_path, target_path=tmp_path / "target"), "--output=json"]
        outcome = dbtRunner().invoke([*QUIET_ARGUMENTS, "show", f"--inline={SESSION}", *arguments])
        assert outcome.success, failure_line(outcome, database_url=url)
        [row] = outcome.result.results[0].agate_table.rows
        return tuple(str(value) for value in row)

    return show


@pytest.mark.parametrize(
    ("place", "query", "lock_timeout"),
    [
        pytest.param("{host}:{port}", "", "2min", id="one server"),
        pytest.param(
            "{host}:{port}", "options=-c%20lock_timeout%3D7s", "7s", id="a setting of the URL's own"
        ),
        pytest.param("127.0.0.1:1,{host}:{port}", "", "2min", id="the second of two servers"),
        pytest.param("", "", "2min", id="the server that libpq's variables name"),
    ],
)
def test_dbt_connects_as_the_landing_does(
    database_url, session_of_dbt, monkeypatch, place, query, lock_timeout
):
    parts = {key: str(value) for key, value in conninfo_to_dict(database_url).items()}
    if not place:
        monkeypatch.setenv("PGHOST", parts["host"])
        monkeypatch.setenv("PGPORT", parts["port"])
    url = url_of(place.format(**parts), parts, query=f"?{query}" if query else "")
    with closing(connect(url)) as connection:
        landing = connection.execute(SESSION).fetchone()
    assert landing == (int(parts["port"]), parts["dbname"], "UTC", "off", lock_timeout)
    assert session_of_dbt(url) == tuple(str(value) for value in landing)
