"""The whole way, over a server that is not the demo's: the marts agree with plain sums of its rows."""

import datetime as dt
import math
import os
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import sql

from orchestration.warehouse.connection import connect
from tests.conftest import MakeHome
from tests.pipeline.other_spacelift import Account, OtherSpacelift, made_up_account, other_spacelift

FIRST_DAY = dt.date(2024, 1, 20)
DAYS = 45
ACTIVE = {"PREPARING", "PLANNING", "APPLYING"}
HOUR_SECONDS = 3600
# The server's and the process's: its clocks were set back on 1 March 2024, within these days.
ZONE = "Asia/Almaty"


@pytest.fixture(scope="module")
def account() -> Account:
    return made_up_account(first_day=FIRST_DAY, days=DAYS, seed=20240229)


@pytest.fixture(scope="module")
def filled(
    account: Account, module_database_url: str, make_home: MakeHome, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The URL of a warehouse filled by the command line, the whole history in one go."""
    home = make_home(tmp_path_factory.mktemp("home"), module_database_url)
    with connect(module_database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set timezone to {}").format(name, ZONE))
    last = FIRST_DAY + dt.timedelta(days=DAYS)
    with other_spacelift(account) as server:
        outcome = run_command(
            "run",
            f"--since={FIRST_DAY}",
            f"--until={last}",
            server=server,
            url=module_database_url,
            home=home,
        )
        assert outcome.returncode == 0, outcome.stderr
        assert {
            request.get("groupBy") for request in server.requests if request["aspect"] == "run-minutes"
        } == {"run-state"}
        assert not any(
            "groupBy" in request for request in server.requests if request["aspect"] == "worker-count"
        )
    return module_database_url


def run_command(
    *arguments: str, server: OtherSpacelift, url: str, home: Path
) -> subprocess.CompletedProcess[str]:
    """`spacelift-usage …` as a person types it, in a process of its own and in another time zone."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("USAGE_", "SPACELIFT_"))
    }
    environment |= {
        "SPACELIFT_API_KEY_ENDPOINT": server.endpoint,
        "SPACELIFT_API_KEY_ID": "key",
        "SPACELIFT_API_KEY_SECRET": "sesame",
        "SPACELIFT_ACCOUNT": "other",
        "DATABASE_URL": url,
        "USAGE_HOME": str(home),
        "TZ": ZONE,
    }
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def rows_of(url: str, query: str) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def hours() -> list[int]:
    start = int(dt.datetime.combine(FIRST_DAY, dt.time(), dt.UTC).timestamp())
    return [start + number * HOUR_SECONDS for number in range(24 * DAYS)]


def within(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    inside = set(hours())
    return [row for row in rows if row["timestamp_unix"] in inside]


def minutes(row: dict[str, object]) -> Decimal:
    return Decimal(repr(row["state_duration_minutes"]))


def day_of(row: dict[str, object]) -> dt.date:
    return dt.datetime.fromtimestamp(int(str(row["timestamp_unix"])), dt.UTC).date()


def test_every_row_is_in_the_raw_tables_once(filled: str, account: Account) -> None:
    assert rows_of(filled, "select count(*), count(distinct run_ulid) from raw.run_minutes") == [
        (len(within(account.run_minutes)), len({row["run_ulid"] for row in within(account.run_minutes)}))
    ]
    assert rows_of(filled, "select count(*), sum(count) from raw.worker_count") == [
        (len(within(account.worker_count)), sum(row["count"] for row in within(account.worker_count)))
    ]


def test_workers_of_every_hour_zeros_included(filled: str, account: Account) -> None:
    counted: defaultdict[int, int] = defaultdict(int)
    for row in account.worker_count:
        counted[row["timestamp_unix"]] += row["count"]
    assert rows_of(
        filled,
        "select extract(epoch from hour_at)::bigint, worker_count, is_zero_filled"
        " from marts.fct_account_hourly order by 1",
    ) == [(hour, counted[hour], counted[hour] == 0) for hour in hours()]


def test_workers_of_every_pool_and_hour_zeros_included(filled: str, account: Account) -> None:
    counted = {(row["worker_pool_name"], row["timestamp_unix"]): row["count"] for row in account.worker_count}
    assert rows_of(
        filled,
        "select worker_pool_name, extract(epoch from hour_at)::bigint, worker_count"
        " from marts.fct_worker_pool_hourly order by 1, 2",
    ) == [(name, hour, counted.get((name, hour), 0)) for name in ("alpha", "b,ß") for hour in hours()]


def test_minutes_of_every_state_and_hour(filled: str, account: Account) -> None:
    summed: defaultdict[tuple[int, str, bool], Decimal] = defaultdict(Decimal)
    runs: defaultdict[tuple[int, str, bool], set[object]] = defaultdict(set)
    for row in within(account.run_minutes):
        key = (row["timestamp_unix"], row["run_state"], row["public"] == "true")
        summed[key] += minutes(row)
        runs[key].add(row["run_ulid"])
    pairs = sorted({key[1:] for key in summed})
    assert rows_of(
        filled,
        "select extract(epoch from hour_at)::bigint, run_state, is_public, state_minutes, run_count,"
        " is_zero_filled"
        " from marts.fct_run_state_hourly order by 1, 2, 3",
    ) == [
        (
            hour,
            *pair,
            summed.get((hour, *pair), 0),
            len(runs.get((hour, *pair), ())),
            (hour, *pair) not in runs,
        )
        for hour in hours()
        for pair in pairs
    ]


def test_every_run_with_its_active_minutes(filled: str, account: Account) -> None:
    active: defaultdict[object, Decimal] = defaultdict(Decimal)
    stack: dict[object, object] = {}
    for row in within(account.run_minutes):
        active[row["run_ulid"]] += minutes(row) if row["run_state"] in ACTIVE else 0
        stack[row["run_ulid"]] = row["stack_ulid"]
    assert rows_of(filled, "select run_ulid, stack_ulid, active_minutes from marts.fct_runs order by 1") == [
        (run, stack[run], active[run]) for run in sorted(active, key=str)
    ]


def test_every_stack_on_every_day_since_its_first(filled: str, account: Account) -> None:
    summed: defaultdict[tuple[object, dt.date], Decimal] = defaultdict(Decimal)
    runs: defaultdict[tuple[object, dt.date], set[object]] = defaultdict(set)
    for row in within(account.run_minutes):
        key = (row["stack_ulid"], day_of(row))
        summed[key] += minutes(row) if row["run_state"] in ACTIVE else 0
        runs[key].add(row["run_ulid"])
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(DAYS)]
    first_day = {stack: min(day for other, day in runs if other == stack) for stack, _ in runs}
    assert rows_of(
        filled,
        "select stack_ulid, date_day, active_minutes, run_count from marts.fct_stack_daily order by 1, 2",
    ) == [
        (stack, day, summed[stack, day], len(runs[stack, day]))
        for stack in sorted(first_day, key=str)
        for day in days
        if day >= first_day[stack]
    ]


def test_the_95th_percentile_of_every_month(filled: str, account: Account) -> None:
    counted: defaultdict[int, int] = defaultdict(int)
    for row in account.worker_count:
        counted[row["timestamp_unix"]] += row["count"]
    by_month: defaultdict[str, list[int]] = defaultdict(list)
    for hour in hours():
        by_month[dt.datetime.fromtimestamp(hour, dt.UTC).strftime("%Y-%m")].append(counted[hour])

    def nearest_rank(values: list[int]) -> int:
        return sorted(values)[math.ceil(95 * len(values) / 100) - 1]

    assert rows_of(
        filled,
        "select to_char(period_start_at at time zone 'UTC', 'YYYY-MM'), hours_counted, p95_workers,"
        " p95_workers_without_zeros from marts.billing_worker_percentiles where scope = 'account' order by 1",
    ) == [
        (month, len(values), nearest_rank(values), nearest_rank([value for value in values if value]))
        for month, values in sorted(by_month.items())
    ]
