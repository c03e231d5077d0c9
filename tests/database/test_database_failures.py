"""The database fails in the middle of a landing: one line that says why, the day as it was, then a repair."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator

import psycopg
import pytest

from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.raw_tables import land
from orchestration.resources.dbt import dbt_environment
from orchestration.spacelift.aspects import WORKER_COUNT
from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.failures import in_one_line

LEAP_DAY = dt.date(2024, 2, 29)
NOON = 1_709_208_000

# Given a connection and the landing's process id: what to do before the last row is sent.
Trouble = Callable[[psycopg.Connection, int], Callable[[], object]]
# A trigger with the error of a full disk stands for the disk; `make soak` fills a real one.
FULL_DISK = """
    create function raw.no_room() returns trigger language plpgsql as $$
    begin
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
    end $$;
    create trigger no_room before insert on raw.worker_count
    for each row when (new.count = 9) execute function raw.no_room();
"""


def the_disk_is_full(sql: psycopg.Connection, _: int) -> Callable[[], object]:
    sql.execute(FULL_DISK)
    return lambda: None


def the_server_ends_the_session(sql: psycopg.Connection, pid: int) -> Callable[[], object]:
    return lambda: sql.execute("select pg_terminate_backend(%s)", [pid])


def somebody_cancels_the_statement(sql: psycopg.Connection, pid: int) -> Callable[[], object]:
    return lambda: sql.execute("select pg_cancel_backend(%s)", [pid])


def land_day(
    connection: psycopg.Connection, *, counts: list[int], before_the_last: Callable[[], object]
) -> None:
    def body() -> Iterator[bytes]:
        yield b"Id,Count,TimestampUnix,WorkerPoolName\n"
        for count in counts:
            if count == counts[-1]:
                before_the_last()
            yield f"1,{count},{NOON},pool\n".encode()

    land(
        connection,
        aspect=WORKER_COUNT,
        account="acme",
        since=LEAP_DAY,
        until=LEAP_DAY + dt.timedelta(days=1),
        blocks=body(),
        commit_archive=lambda: ArchivedBody("file:///archive/1", "0" * 64, 1),
    )


@pytest.mark.parametrize(
    ("trouble", "line"),
    [
        pytest.param(
            the_disk_is_full,
            r"disk is full \(could not extend file: No space left on device\): make room",
            id="disk full",
        ),
        pytest.param(
            the_server_ends_the_session, r"went away .* run again once it answers", id="server stops"
        ),
        pytest.param(
            somebody_cancels_the_statement, r"stopped a statement .*statement_timeout", id="timeout"
        ),
    ],
)
def test_a_landing_that_the_database_breaks_leaves_the_day_as_it_was_and_is_done_again(
    database_url: str, trouble: Trouble, line: str
) -> None:
    state = "select count from raw.worker_count union all select -load_id from raw.usage_loads order by 1"
    with connect(database_url, autocommit=True) as sql:
        with contextlib.closing(connect(database_url)) as connection:
            land_day(connection, counts=[7], before_the_last=lambda: None)
            before = sql.execute(state).fetchall()
            strike = trouble(sql, connection.info.backend_pid)
            with pytest.raises(WarehouseError, match=line) as caught, in_one_line(database_url):
                land_day(connection, counts=[8, 9], before_the_last=strike)
        assert "\n" not in str(caught.value)
        assert sql.execute(state).fetchall() == before == [(-1,), (7,)]

        sql.execute("drop trigger if exists no_room on raw.worker_count")
        with contextlib.closing(connect(database_url)) as connection:
            land_day(connection, counts=[8, 9], before_the_last=lambda: None)
        assert sql.execute("select count from raw.worker_count order by 1").fetchall() == [(8,), (9,)]


def test_who_holds_a_lock_for_too_long_is_named(database_url: str) -> None:
    with (
        psycopg.connect(database_url, application_name="metabase") as reader,
        connect(f"{database_url}?options=-c%20lock_timeout%3D100ms") as writer,
    ):
        reader.execute("select * from raw.usage_loads")
        pid = reader.info.backend_pid
        holder = rf"held by pid {pid} \(metabase of user .* UTC\): end that"
        with pytest.raises(WarehouseError, match=holder), in_one_line(database_url):
            writer.execute("alter table raw.usage_loads add column is_new boolean")


def test_landing_and_dbt_wait_for_two_minutes_unless_the_url_says_otherwise(database_url: str) -> None:
    for query, timeout in (("", "2min"), ("?options=-c%20lock_timeout%3D7s", "7s")):
        url = database_url + query
        with (
            connect(url) as landing,
            psycopg.connect(url, options=dbt_environment(url, inherited={})["PGOPTIONS"]) as dbt,
        ):
            for connection in (landing, dbt):
                assert connection.execute("show lock_timeout").fetchone() == (timeout,)
