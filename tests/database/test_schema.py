"""The raw schema: made once, never downgraded, one account's."""

import threading
from pathlib import Path

import psycopg
import pytest

from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.schema import SCHEMA_VERSION, account_of, claim_account, ensure_schema

OLDEST_WAREHOUSE = Path(__file__).parents[1] / "data" / "warehouse_of_version_1.sql"
ROWS_OF_VERSION_1 = {
    "run_minutes": "select * from raw.run_minutes order by 1",
    "worker_count": "select * from raw.worker_count order by 1",
    "usage_loads": "select load_id, account, aspect, usage_date, requested_since, requested_until, source,"
    " archive_uri, sha256, bytes, rows_landed, rows_outside_window, rows_quarantined, status, error, run_id,"
    " started_at, finished_at from raw.usage_loads order by 1",
    "quarantined_rows": "select * from raw.quarantined_rows order by 1, 2",
}
SHAPE = """
    select
        tables.relname,
        columns.attname,
        format_type(columns.atttypid, columns.atttypmod),
        columns.attnotnull,
        columns.attidentity,
        pg_get_expr(defaults.adbin, defaults.adrelid)
    from pg_class as tables
    inner join pg_attribute as columns on tables.oid = columns.attrelid and columns.attnum > 0
    left join pg_attrdef as defaults on tables.oid = defaults.adrelid and columns.attnum = defaults.adnum
    where tables.relnamespace = 'raw'::regnamespace and tables.relkind = 'r' and not columns.attisdropped
    union all
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid), null, null, null
    from pg_constraint where connamespace = 'raw'::regnamespace and contype <> 'n'
    union all
    select tablename, indexname, indexdef, null, null, null from pg_indexes where schemaname = 'raw'
    order by 1, 2, 3
"""
UNDESCRIBED = """
    select tables.relname, columns.attname
    from pg_class as tables
    inner join pg_attribute as columns on tables.oid = columns.attrelid
    where
        tables.relnamespace = 'raw'::regnamespace
        and tables.relkind = 'r'
        and columns.attnum > 0
        and not columns.attisdropped
        and (
            col_description(tables.oid, columns.attnum) is null
            or obj_description(tables.oid, 'pg_class') is null
        )
"""


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


def test_a_database_of_version_1_becomes_one_of_today_without_losing_a_row(
    empty_database_url: str, connection: psycopg.Connection
) -> None:
    with connect(empty_database_url) as old:
        old.execute(OLDEST_WAREHOUSE.read_bytes())
        before = {table: old.execute(query).fetchall() for table, query in ROWS_OF_VERSION_1.items()}
        old.commit()
        ensure_schema(old)
        assert {table: old.execute(query).fetchall() for table, query in ROWS_OF_VERSION_1.items()} == before
        assert all(before.values())
        assert old.execute("select account, schema_version from raw.warehouse").fetchall() == [
            ("acme", SCHEMA_VERSION)
        ]
        # Column for column, key for key, index for index what a new database has.
        assert old.execute(SHAPE).fetchall() == connection.execute(SHAPE).fetchall()
        assert old.execute(UNDESCRIBED).fetchall() == []


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
