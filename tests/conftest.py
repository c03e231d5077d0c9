"""Databases for tests, one server a session and one fresh database a test; and a browser.

The server is TEST_DATABASE_URL (any PostgreSQL whose user may create databases) or an embedded one of this
session's own. Each test's database is a clone of a template with the raw schema, and is dropped afterwards.
"""

import contextlib
import gc
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import ensure_schema

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Nothing but the page: no request of the browser's own.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

MakeHome = Callable[[Path, str], Path]

_numbers_in_use: set[int] = set()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs a file whole, and one all that reads the demo: what they share is made once."""
    for item in items:
        reads_demo = "demo_warehouse_url" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("demo" if reads_demo else item.path.stem))


def pytest_collection_finish() -> None:
    """dbt and Dagster hold a million objects to the end: no need to look through them again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the session, as a superuser's or database creator's URL."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    home = tmp_path_factory.mktemp("usage-home")
    try:
        url = embedded.ensure_running(home)
        with connect(url, autocommit=True) as connection:
            # Nothing here has to survive a power cut.
            connection.execute("alter system set fsync to off")
            connection.execute("select pg_reload_conf()")
        yield url
    finally:
        embedded.stop(home)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a database that has the raw schema and no rows."""
    with _database(postgres_url, template="template0") as url:
        with connect(url) as connection:
            ensure_schema(connection)
        yield _name(url)


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A database of this test's own, with the raw schema and no rows."""
    with _database(postgres_url, template=template_database) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A database of this module's own, for tests that only read what one of them filled."""
    with _database(postgres_url, template=template_database) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database of this test's own, without our schemas."""
    with _database(postgres_url, template="template0") as url:
        yield url


@pytest.fixture(scope="module")
def empty_module_database_url(postgres_url: str) -> Iterator[str]:
    """A database of this module's own, without our schemas."""
    with _database(postgres_url, template="template0") as url:
        yield url


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt's target folder for all tests: see `target_of`."""
    return tmp_path_factory.mktemp("dbt-target")


@pytest.fixture(scope="session")
def make_home(tmp_path_factory: pytest.TempPathFactory, dbt_target: Path) -> MakeHome:
    """Makes a home for a warehouse, with what the first run in a new one takes seconds to make."""
    cache = tmp_path_factory.mktemp("cache")

    def make(home: Path, url: str) -> Path:
        home.mkdir(exist_ok=True)
        (home / "dbt").symlink_to(target_of(url, dbt_target))
        (home / "cache").symlink_to(cache)
        return home

    return make


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to `database_url`; what the test leaves uncommitted is gone."""
    with contextlib.closing(connect(database_url)) as open_connection:
        yield open_connection


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A real Chromium. Without one on the machine the tests are skipped, but in CI (CI=true) they fail."""
    # Only where it is asked for: other tests need not wait for the import.
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        missing = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def _database(server_url: str, *, template: str) -> Iterator[str]:
    # The lowest free one, so that there are few names: see `target_of`.
    number = next(number for number in itertools.count(1) if number not in _numbers_in_use)
    _numbers_in_use.add(number)
    name = f"usage_test_{os.getpid()}_{number}"
    identifier = sql.Identifier(name)
    with connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {} template {}").format(identifier, sql.Identifier(template)))
    url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
    try:
        if template != "template0":
            # Rights on the database itself are not cloned.
            with connect(url) as connection:
                ensure_schema(connection)
        yield url
    finally:
        with connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(identifier))
        _numbers_in_use.remove(number)


def target_of(url: str, dbt_target: Path) -> Path:
    """The folder for a database's name: dbt parses the whole project when that is another than before."""
    folder = dbt_target / _name(url)
    folder.mkdir(exist_ok=True)
    return folder


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
