"""One day's increment after a year of history against the same after a month.

Two databases get the same made-up days, 30 and 365 of them; then further days land one by one in both, in
turn, and `dbt build` with all data tests is timed. Printed: the ratio of the medians.
"""

import argparse
import datetime as dt
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from dbt.cli.main import dbtRunner

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.resources.dbt import dbt_environment, failure_line
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import ensure_schema

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LAST_DAY = dt.date(2026, 6, 30)
POOLS, STACKS, RUNS_A_DAY = 10, 200, 1_500
STATES = ("QUEUED", "READY", "PREPARING", "PLANNING", "UNCONFIRMED", "APPLYING", "FINISHED")


def ulid(unix_seconds: int, number: int) -> str:
    value = (unix_seconds * 1000 << 80) + number
    return "".join(ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(26)))


BORN = int(dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp())
POOL_ULIDS = [ulid(BORN, 1 + number) for number in range(POOLS)]
STACK_ULIDS = [ulid(BORN, 1_000 + number) for number in range(STACKS)]


def run_minutes(day: dt.date, dice: random.Random) -> Iterator[str]:
    start = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
    for _ in range(RUNS_A_DAY):
        created = start + dice.randrange(86_400)
        hour, run = created // 3600 * 3600, ulid(created, dice.getrandbits(80))
        stack, pool = dice.randrange(STACKS), dice.randrange(POOLS)
        for state in STATES:
            yield (
                f"{hour},{dice.randrange(100_000) / 10_000},false,{state},TRACKED,{run},"
                f"stack {stack},stack-{stack},{STACK_ULIDS[stack]},true,pool {pool},{POOL_ULIDS[pool]}\n"
            )


def worker_count(day: dt.date, dice: random.Random) -> Iterator[str]:
    start = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
    for hour in range(6, 22):
        for pool in range(POOLS):
            yield f"{pool},{dice.randint(1, 12)},{start + 3600 * hour},pool {pool}\n"


def land(connection: psycopg.Connection, day: dt.date, dice: random.Random) -> None:
    with connection.cursor() as cursor:
        for table, lines in (
            ("run_minutes", run_minutes(day, dice)),
            ("worker_count", worker_count(day, dice)),
        ):
            with cursor.copy(f"copy raw.{table} from stdin csv".encode()) as copy:
                copy.write("".join(lines))
            cursor.execute(
                "insert into raw.usage_loads (account, aspect, usage_date, requested_since, requested_until,"
                " source, status, started_at, finished_at)"
                " values ('benchmark', %s, %s, %s, %s, 'api', 'succeeded', now(), now())",
                (table.replace("_", "-"), day, day, day + dt.timedelta(days=1)),
            )
    connection.commit()


def build(url: str, *, target_path: Path) -> float:
    os.environ.update(dbt_environment(url, inherited=os.environ))
    started = time.perf_counter()
    outcome = dbtRunner().invoke(
        [
            *QUIET_ARGUMENTS,
            "build",
            *project_arguments(PROJECT_DIR, target_path=target_path),
            "--exclude-resource-type=unit_test",
        ]
    )
    if not outcome.success:
        raise SystemExit(failure_line(outcome, database_url=url))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="usage-benchmark-") as folder:
        home = Path(folder)
        server = embedded.ensure_running(home)
        try:
            seconds: dict[int, list[float]] = {30: [], 365: []}
            urls = {}
            for days in seconds:
                with connect(server, autocommit=True) as connection:
                    connection.execute(f"create database history_{days}".encode())
                urls[days] = urlsplit(server)._replace(path=f"/history_{days}").geturl()
                dice = random.Random(days)
                with connect(urls[days]) as connection:
                    ensure_schema(connection)
                    connection.commit()
                    for before in range(days, 0, -1):
                        land(connection, LAST_DAY - dt.timedelta(days=before), dice)
                with connect(urls[days], autocommit=True) as connection:
                    connection.execute("vacuum analyze")
                full = build(urls[days], target_path=home / "dbt")
                print(
                    f"{days} days of {RUNS_A_DAY * len(STATES)} rows: everything built in {full:.1f} s",
                    flush=True,
                )
            for number in range(rounds + 1):
                for days, url in urls.items():
                    with connect(url) as connection:
                        land(connection, LAST_DAY + dt.timedelta(days=number), random.Random(number))
                    taken = build(url, target_path=home / "dbt")
                    # The first round parses the project and is not counted.
                    if number:
                        seconds[days].append(taken)
            medians = {days: statistics.median(taken) for days, taken in seconds.items()}
            print(
                f"medians of one day more: {medians[30]:.2f} s after 30 days, {medians[365]:.2f} s after 365"
            )
            print(f"ratio {medians[365] / medians[30]:.2f} (at most 1.3)")
        finally:
            embedded.stop(home)


if __name__ == "__main__":
    main()
