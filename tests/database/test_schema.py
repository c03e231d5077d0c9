"""The raw schema: made once, never downgraded, one account's."""

import threading

import psycopg
import pytest

from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.schema import SCHEMA_VERSION, account_of, claim_account, ensure_schema


def test_a_second_ensure_schema_keeps_the_rows(connection: psycopg.Connection) -> None:
    connection.execute("insert into raw.worker_count values (1, 5, 1709164800, 'pool')")
    ensure_schema(connection)
    assert connection.execute("select count from raw.worker_count").fetchall() == [(5,)]
    assert connection.execute("select schema_version from raw.warehouse").fetchall() == [(SCHEMA_VERSION,)]


def test_processes_that_race_for_an_empty_database_all_find_the_schema(empty_database_url: str) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def ensure() -> None:
        try:
            with connect(empty_database_url) as connection:
                barrier.wait()
                ensure_schema(connection)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_database_of_an_older_version_gets_what_is_new(connection: psycopg.Connection) -> None:
    connection.execute("update raw.warehouse set schema_version = %s", [SCHEMA_VERSION - 1])
    connection.execute("drop table raw.quarantined_rows")
    ensure_schema(connection)
    assert connection.execute("select count(*) from raw.quarantined_rows").fetchone() == (0,)
    assert connection.execute("select schema_version from raw.warehouse").fetchone() == (SCHEMA_VERSION,)


def test_a_database_of_version_2_takes_a_suspicious_load_and_keeps_those_it_has(
    connection: psycopg.Connection,
) -> None:
    load = (
        "insert into raw.usage_loads (account, aspect, usage_date, requested_since, requested_until, source,"
        " status, started_at, finished_at) values ('acme', 'worker-count', '2024-02-29', '2024-02-29',"
        " '2024-03-01', 'api', %s, now(), now())"
    )
    connection.execute(
        "alter table raw.usage_loads drop column rows_refused, drop column lines,"
        " drop constraint usage_loads_status_check,"
        " add constraint usage_loads_status_check check (status in ('succeeded', 'failed'))"
    )
    connection.execute("update raw.warehouse set schema_version = 2")
    connection.execute(load, ["succeeded"])
    connection.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(load, ["suspicious"])
    connection.rollback()
    ensure_schema(connection)
    connection.execute(load, ["suspicious"])
    assert connection.execute("select status, rows_refused, lines from raw.usage_loads").fetchall() == [
        ("succeeded", None, None),
        ("suspicious", None, None),
    ]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(connection: psycopg.Connection) -> None:
    connection.execute("update raw.warehouse set schema_version = %s", [SCHEMA_VERSION + 1])
    connection.commit()
    with pytest.raises(WarehouseError, match=f"schema version {SCHEMA_VERSION + 1}.*upgrade"):
        ensure_schema(connection)
    assert connection.execute("select schema_version from raw.warehouse").fetchone() == (SCHEMA_VERSION + 1,)


def test_a_user_without_the_right_to_create_is_told_what_to_grant(empty_database_url: str) -> None:
    with connect(empty_database_url) as connection:
        connection.execute("set local role pg_read_all_data")
        with pytest.raises(WarehouseError, match=r"may not create the raw schema .* grant it"):
            ensure_schema(connection)


def test_the_first_account_claims_the_database_and_another_is_refused(connection: psycopg.Connection) -> None:
    assert account_of(connection) is None
    claim_account(connection, "acme.app.spacelift.io")
    claim_account(connection, "acme.app.spacelift.io")
    with pytest.raises(WarehouseError, match=r"of account acme\.app\.spacelift\.io, not demo"):
        claim_account(connection, "demo")
    assert account_of(connection) == "acme.app.spacelift.io"


def test_a_database_without_our_schema_belongs_to_nobody(empty_database_url: str) -> None:
    with connect(empty_database_url) as connection:
        assert account_of(connection) is None
