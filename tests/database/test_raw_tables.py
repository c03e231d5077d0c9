"""Days of a raw table: replaced whole, or left as they were."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.landing.archive import Archive
from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.errors import ArchiveError, HeaderError
from orchestration.landing.loads import Load
from orchestration.landing.raw_tables import land
from orchestration.loads import unbalanced_bodies
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect
from orchestration.spacelift.errors import SpaceliftUnavailableError

FIRST = dt.date(2024, 2, 28)
LEAP_DAY = dt.date(2024, 2, 29)
MARCH = dt.date(2024, 3, 1)
AFTER = dt.date(2024, 3, 2)
WORKERS = "Id,Count,TimestampUnix,WorkerPoolName\n"
ULID = "01JHFXXPDC6J8XM2VB0M9CS338"


def at(day: dt.date, hour: int = 0) -> int:
    return int(dt.datetime.combine(day, dt.time(hour), dt.UTC).timestamp())


def worker_row(day: dt.date, *, hour: int = 0, count: object = 3, pool: str = "pool") -> str:
    return f"1,{count},{at(day, hour)},{pool}\n"


@pytest.fixture
def land_text(connection: psycopg.Connection, tmp_path: Path) -> Callable[..., list[Load]]:
    def land_text(
        text: str | Iterable[bytes],
        *,
        since: dt.date = LEAP_DAY,
        until: dt.date | None = None,
        aspect: Aspect = WORKER_COUNT,
        run_id: str | None = None,
        accept_shrinkage: bool = False,
    ) -> list[Load]:
        until = until or since + dt.timedelta(days=1)
        blocks = iter([text.encode()] if isinstance(text, str) else text)
        archive = Archive(str(tmp_path))
        with archive.writer(account="acme", aspect=aspect, since=since, until=until) as writer:

            def kept() -> Iterator[bytes]:
                for block in blocks:
                    writer.write(block)
                    yield block

            return land(
                connection,
                aspect=aspect,
                account="acme",
                since=since,
                until=until,
                blocks=kept(),
                commit_archive=writer.commit,
                run_id=run_id,
                accept_shrinkage=accept_shrinkage,
                on_shrunken=lambda body, day: archive.mark_suspicious(body.uri, day),
            )

    return land_text


def rows_of(connection: psycopg.Connection, query: str) -> list[tuple]:
    with connection.transaction():
        return connection.execute(query).fetchall()


def counts(connection: psycopg.Connection) -> list[tuple]:
    return rows_of(connection, "select timestamp_unix, count from raw.worker_count order by 1, 2")


def bodies(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_same_day_twice_is_one_set_of_rows(connection, land_text):
    body = WORKERS + worker_row(LEAP_DAY, count=3) + worker_row(LEAP_DAY, hour=1, count=4)
    land_text(body)
    (load,) = land_text(body)
    assert counts(connection) == [(at(LEAP_DAY), 3), (at(LEAP_DAY, 1), 4)]
    assert (load.status, load.rows_landed) == ("succeeded", 2)


def test_the_exact_sums_of_a_day_are_known_once_it_lands_again(connection, land_text):
    header = "TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunULID,StackName,StackSlug,"

    def file(*minutes: str) -> str:
        rows = [
            f"{at(LEAP_DAY)},{each},true,PLANNING,TRACKED,{ULID},stack,stack,{ULID},true,,\n"
            for each in minutes
        ]
        return f"{header}StackULID,IsStack,WorkerPoolName,WorkerPoolULID\n" + "".join(rows)

    sums = "select aspect, sum_landed::text from raw.usage_loads order by load_id"
    land_text(file("0.1", "0.2", "59.9999996", "0"), aspect=RUN_MINUTES)
    land_text(WORKERS + worker_row(LEAP_DAY, count=3) + worker_row(LEAP_DAY, count=4))
    assert rows_of(connection, sums) == [("run-minutes", None), ("worker-count", None)]
    land_text(file("0.1", "0.2", "5"), aspect=RUN_MINUTES)
    land_text(WORKERS, accept_shrinkage=True)
    assert rows_of(connection, sums) == [
        ("run-minutes", "60.300000"),
        ("worker-count", "7"),
        ("run-minutes", "5.300000"),
        ("worker-count", "0"),
    ]


def test_a_day_with_minutes_that_no_bigint_holds_takes_its_correction(connection, land_text):
    header = "timestamp_unix,state_duration_minutes,public,run_state,run_ulid,stack_ulid,is_stack,"
    rest = "run_type,stack_name,stack_slug,worker_pool_name,worker_pool_ulid\n"
    corrected = f"{header}{rest}{at(LEAP_DAY)},5,true,PLANNING,{ULID},{ULID},true,,,,,\n"
    land_text(corrected, aspect=RUN_MINUTES)
    # As an older version of this project landed it, or a person with psql.
    for value in ("307445734561825860", "-1e300", "Infinity", "NaN"):
        with connection.transaction():
            connection.execute("update raw.run_minutes set state_duration_minutes = %s", [value])
            connection.execute("update raw.usage_loads set sum_landed = null")
        (load,) = land_text(corrected, aspect=RUN_MINUTES)
        assert (load.status, load.error) == ("succeeded", None)
        assert rows_of(connection, "select state_duration_minutes from raw.run_minutes") == [(5.0,)]
    sums = "select sum_landed::text from raw.usage_loads order by load_id desc limit 2"
    assert rows_of(connection, sums) == [("5.000000",), ("0",)]


def test_a_day_without_use_replaces_the_day_by_nothing(connection, land_text):
    land_text(WORKERS + worker_row(LEAP_DAY) + worker_row(MARCH), until=AFTER)
    (load,) = land_text(WORKERS, accept_shrinkage=True)
    assert counts(connection) == [(at(MARCH), 3)]
    assert (load.status, load.rows_landed) == ("succeeded", 0)


@pytest.mark.parametrize(
    ("before", "now", "status"),
    [
        pytest.param(100, 0, "suspicious", id="empty"),
        pytest.param(1, 0, "suspicious", id="empty after a single row"),
        pytest.param(100, 50, "suspicious", id="half"),
        pytest.param(100, 51, "succeeded", id="more than half"),
        pytest.param(4, 2, "suspicious", id="half of four"),
        pytest.param(3, 1, "succeeded", id="too few rows to judge"),
        pytest.param(50, 100, "succeeded", id="grown"),
        pytest.param(0, 0, "succeeded", id="empty as before"),
    ],
)
def test_a_day_that_comes_back_with_half_of_its_rows_is_not_replaced_unless_accepted(
    connection, land_text, before, now, status
):
    land_text(WORKERS + worker_row(LEAP_DAY, count=7) * before)
    for _ in range(2):  # What was not landed is nothing to compare with.
        (load,) = land_text(WORKERS + worker_row(LEAP_DAY) * now)
        assert load.status == status
    if status == "suspicious":
        assert counts(connection) == [(at(LEAP_DAY), 7)] * before
        assert (load.rows_landed, load.rows_refused) == (0, now)
        assert f"2024-02-29 came with {now} rows, {before} landed before" in (load.error or "")
        (load,) = land_text(WORKERS + worker_row(LEAP_DAY) * now, accept_shrinkage=True)
    assert (load.status, load.rows_landed) == ("succeeded", now)
    assert counts(connection) == [(at(LEAP_DAY), 3)] * now


def test_a_suspicious_day_does_not_hold_up_the_others_and_is_marked_beside_its_body(
    connection, land_text, tmp_path
):
    land_text(WORKERS + worker_row(LEAP_DAY) * 9 + worker_row(MARCH) * 9, until=AFTER)
    loads = land_text(WORKERS + worker_row(LEAP_DAY, count=8) + worker_row(MARCH, count=8) * 9, until=AFTER)
    assert [load.status for load in loads] == ["suspicious", "succeeded"]
    assert counts(connection) == [(at(LEAP_DAY), 3)] * 9 + [(at(MARCH), 8)] * 9
    entries = Archive(str(tmp_path)).entries(account="acme", aspect=WORKER_COUNT)
    assert [entry.suspicious_days for entry in entries] == [frozenset(), {LEAP_DAY}]


def test_the_rows_of_a_body_add_up_to_its_lines_whatever_became_of_its_days(connection, land_text):
    land_text(WORKERS + worker_row(MARCH) * 9, since=MARCH)
    bad = [worker_row(LEAP_DAY, count="x")] * 2
    rows = [
        worker_row(FIRST, pool='"two\nlines"'),
        *[worker_row(FIRST)] * 99,
        worker_row(FIRST, count="x"),
        *bad,
        worker_row(MARCH),
        *[worker_row(AFTER)] * 3,
    ]
    loads = land_text(WORKERS + "".join(rows) + "\n\n", since=FIRST, until=AFTER)
    assert [load.status for load in loads] == ["succeeded", "failed", "suspicious"]
    recorded = rows_of(
        connection,
        "select lines, rows_landed, rows_outside_window, rows_quarantined, rows_refused"
        " from raw.usage_loads where requested_since < requested_until - 1 order by usage_date",
    )
    assert recorded == [(107, 100, 0, 1, 0), (107, 0, 0, 0, 2), (107, 0, 3, 0, 1)]
    assert unbalanced_bodies(connection, aspect=WORKER_COUNT) == []
    with connection.transaction():
        connection.execute("update raw.usage_loads set rows_landed = 99 where rows_landed = 100")
    (lost,) = unbalanced_bodies(connection, aspect=WORKER_COUNT)
    assert str(lost) == (
        "2024-02-28 until 2024-03-02: 107 lines, 106 of them landed, outside, quarantined or refused"
    )


def test_one_bad_row_in_a_hundred_is_quarantined_whole_and_the_rest_lands(connection, land_text):
    rows = [worker_row(LEAP_DAY, hour=number % 24) for number in range(99)]
    bad = worker_row(LEAP_DAY, count="many, or none").replace("many, or none", '"many, or none"')
    (load,) = land_text(WORKERS + "".join(rows) + bad)
    assert (load.status, load.rows_landed, load.rows_quarantined) == ("succeeded", 99, 1)
    assert rows_of(connection, "select * from raw.quarantined_rows") == [
        (load.load_id, 101, bad.rstrip("\n"), "count: 'many, or none' is not a whole number")
    ]


def test_more_than_one_percent_of_bad_rows_changes_nothing_of_that_day_and_the_others_land(
    connection, land_text, tmp_path
):
    land_text(WORKERS + worker_row(LEAP_DAY, count=7))
    rows = [worker_row(LEAP_DAY, hour=number % 24) for number in range(98)]
    body = WORKERS + worker_row(MARCH) + "".join(rows) + worker_row(LEAP_DAY, count="x")
    loads = land_text(body, until=AFTER)
    assert [load.status for load in loads] == ["failed", "succeeded"]
    assert loads[0].error == (
        "worker-count of 2024-02-29: 1 of 99 rows are bad, more than 1 %; the first is line 101:"
        " count: 'x' is not a whole number"
    )
    assert counts(connection) == [(at(LEAP_DAY), 7), (at(MARCH), 3)]
    assert rows_of(connection, "select count(*) from raw.quarantined_rows") == [(0,)]
    (load,) = land_text(WORKERS + worker_row(LEAP_DAY) + worker_row(LEAP_DAY, count=-1))
    assert load.status == "failed"
    assert (at(LEAP_DAY), 7) in counts(connection)
    assert len(bodies(tmp_path)) == 3


def test_rows_outside_the_days_are_counted_once_and_left_out(connection, land_text):
    body = WORKERS + worker_row(FIRST, hour=23) + worker_row(LEAP_DAY) + worker_row(MARCH) * 2
    (load,) = land_text(body)
    assert counts(connection) == [(at(LEAP_DAY), 3)]
    assert (load.rows_landed, load.rows_outside_window) == (1, 3)
    loads = land_text(WORKERS + worker_row(FIRST) + worker_row(AFTER) * 2, until=AFTER)
    assert [load.rows_outside_window for load in loads] == [1, 2]


@pytest.mark.parametrize("until", [MARCH, AFTER], ids=["one day", "two days"])
def test_a_cut_transfer_leaves_everything_as_before_and_is_not_archived(
    connection, land_text, tmp_path, until
):
    land_text(WORKERS + worker_row(LEAP_DAY, count=7))

    def cut() -> Iterator[bytes]:
        yield (WORKERS + worker_row(LEAP_DAY) * 50_000).encode()
        raise SpaceliftUnavailableError("cut")

    with pytest.raises(SpaceliftUnavailableError):
        land_text(cut(), until=until)
    assert counts(connection) == [(at(LEAP_DAY), 7)]
    assert rows_of(connection, "select count(*) from raw.usage_loads") == [(1,)]
    assert len(bodies(tmp_path)) == 1


@pytest.mark.parametrize("until", [MARCH, AFTER], ids=["one day", "two days"])
def test_a_day_whose_body_cannot_be_archived_is_not_landed(connection, until):
    def full() -> ArchivedBody:
        raise ArchiveError("no space left")

    with pytest.raises(ArchiveError):
        land(
            connection,
            aspect=WORKER_COUNT,
            account="acme",
            since=LEAP_DAY,
            until=until,
            blocks=[(WORKERS + worker_row(LEAP_DAY)).encode()],
            commit_archive=full,
        )
    assert counts(connection) == []
    assert rows_of(connection, "select count(*) from raw.usage_loads") == [(0,)]


def test_a_body_of_several_days_in_any_order_is_landed_day_by_day(connection, land_text, monkeypatch):
    monkeypatch.setattr("orchestration.landing.day_spool.BUFFER_BYTES", 100)
    days = [FIRST, MARCH, LEAP_DAY]
    rows = [worker_row(day, hour=hour) for hour, day in itertools.product(range(24), days)]
    loads = land_text(WORKERS + "".join(rows), since=FIRST, until=AFTER, run_id="run 1")
    assert [(load.usage_date, load.rows_landed) for load in loads] == [
        (FIRST, 24),
        (LEAP_DAY, 24),
        (MARCH, 24),
    ]
    assert counts(connection) == [(at(FIRST) + 3600 * hour, 3) for hour in range(72)]
    recorded = rows_of(
        connection,
        """
        select usage_date, requested_since, requested_until, account, aspect, source, status, rows_landed,
            run_id, bytes, archive_uri like 'file:///%.csv.gz', finished_at >= started_at
        from raw.usage_loads order by load_id
        """,
    )
    size = len(WORKERS + "".join(rows))
    assert recorded == [
        (day, FIRST, AFTER, "acme", "worker-count", "api", "succeeded", 24, "run 1", size, True, True)
        for day in sorted(days)
    ]


def test_other_order_case_and_columns_of_the_file_land_the_same_rows(connection, land_text):
    (load,) = land_text(
        "worker_pool_name,Region,COUNT,id,timestamp unix\r\n"
        + f'"pool, the ""first""",eu,3,,{at(LEAP_DAY)}\r\n'
        + f"ünï,,+4,2,{at(LEAP_DAY)}\n"
    )
    assert rows_of(connection, "select * from raw.worker_count order by count") == [
        (None, 3, at(LEAP_DAY), 'pool, the "first"'),
        (2, 4, at(LEAP_DAY), "ünï"),
    ]
    assert load.unknown_fields == ("Region",)
    assert load.rows_read_slowly == 1


def test_run_minutes_land_as_the_vendor_wrote_them(connection, land_text):
    header = (
        "TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunULID,StackName,StackSlug,StackULID,"
        "IsStack,WorkerPoolName,WorkerPoolULID\n"
    )
    start = at(LEAP_DAY)
    land_text(
        header
        + f'{start},0.1234567890123456,f,READY,TRACKED,{ULID},"two\nlines, \\.",s,{ULID},1,p,{ULID}\n'
        + f'{start},1e-3,TRUE,NEW_STATE,TASK,{ULID.lower()},\\N,s,{ULID},False,"",\n',
        aspect=RUN_MINUTES,
    )
    tail = ("p", ULID)
    assert rows_of(connection, "select * from raw.run_minutes order by public") == [
        (
            start,
            0.1234567890123456,
            False,
            "READY",
            "TRACKED",
            ULID,
            "two\nlines, \\.",
            "s",
            ULID,
            True,
            *tail,
        ),
        (start, 0.001, True, "NEW_STATE", "TASK", ULID.lower(), "\\N", "s", ULID, False, None, None),
    ]


def test_a_file_with_another_header_is_refused_and_kept(connection, land_text, tmp_path):
    with pytest.raises(
        HeaderError, match="no column count, timestamp_unix, worker_pool_name in the header '<html>'"
    ):
        land_text("<html>\n")
    assert len(bodies(tmp_path)) == 1
    assert rows_of(connection, "select count(*) from raw.usage_loads") == [(0,)]


def test_a_connection_in_a_transaction_is_refused_because_our_commits_would_not_be_commits(
    connection, land_text
):
    connection.execute("select 1")
    with pytest.raises(ValueError, match="transaction open"):
        land_text(WORKERS)


def test_two_landings_of_the_same_day_at_once_are_one_set_of_rows(connection, database_url, land_text):
    body = (WORKERS + worker_row(LEAP_DAY) * 3).encode()
    with psycopg.connect(database_url, autocommit=True) as other:
        blocks_between = []

        def first_half_then_the_other() -> Iterator[bytes]:
            yield body[:60]
            other.execute("set lock_timeout to '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                land(
                    other,
                    aspect=WORKER_COUNT,
                    account="acme",
                    since=LEAP_DAY,
                    until=MARCH,
                    blocks=[body],
                    commit_archive=lambda: ArchivedBody("u", "s", 1),
                )
            blocks_between.append(True)
            yield body[60:]

        land_text(first_half_then_the_other())
    assert blocks_between
    assert len(counts(connection)) == 3


def test_a_row_that_only_postgres_refuses_fails_its_day_and_is_archived(connection, land_text, tmp_path):
    land_text(WORKERS + worker_row(LEAP_DAY, pool="old"))
    with connection.transaction():
        connection.execute("alter table raw.worker_count alter worker_pool_name type varchar(3)")
    (load,) = land_text(WORKERS + worker_row(LEAP_DAY, pool="longer") * 50_000)
    assert load.status == "failed"
    assert load.error is not None
    assert "2024-02-29: Postgres refused a row: value too long" in load.error
    assert counts(connection) == [(at(LEAP_DAY), 3)]
    assert len(bodies(tmp_path)) == 2
