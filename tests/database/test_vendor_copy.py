"""The `\\copy` lines of the vendor's documentation, letter by letter, on the embedded server.

Source: spacelift-io/user-documentation, docs/product/billing/usage.md.
"""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from orchestration.warehouse.binaries import find_binaries
from orchestration.warehouse.server_user import ServerUser

DATA = Path(__file__).parents[1] / "data"

pytestmark = pytest.mark.skipif(
    "TEST_DATABASE_URL" in os.environ, reason="the search path of another server is its owner's affair"
)


def psql(url: str, command: str) -> None:
    programs = find_binaries(needed_major=None, server_user=ServerUser.current()).folder
    subprocess.run(
        [programs / "psql", url, "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--command={command}"],
        check=True,
        timeout=30,
    )


def test_run_minutes(database_url: str, connection: psycopg.Connection) -> None:
    file = DATA / "run_minutes_as_exported.csv"
    psql(database_url, rf"\copy run_minutes from '{file}' delimiter ',' csv header")
    rows = connection.execute(
        "select state_duration_minutes, public, stack_name, is_stack, worker_pool_ulid"
        " from raw.run_minutes order by run_ulid"
    ).fetchall()
    assert rows == [
        (12.5, False, "Network, production", True, "01HMZ8D4V9A2B3C4D5E6F7G8HJ"),
        (0.75, True, "Sandbox", False, None),
    ]


def test_worker_count(database_url: str, connection: psycopg.Connection) -> None:
    file = DATA / "worker_count_as_exported.csv"
    psql(database_url, rf"\copy worker_count from '{file}' delimiter ',' csv header")
    rows = connection.execute("select * from raw.worker_count order by id").fetchall()
    assert rows == [(1, 5, 1709164800, "eu-private"), (2, 3, 1709168400, "us-private")]
