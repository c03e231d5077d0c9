"""How long the billing marts take over 100 worker pools and five years of hours, 4.4 million rows.

Raw rows with a fixed rhythm are generated inside the server and all models are built once, which is not
measured. Then the billing models are timed: all periods, and the open period alone after its last day was
landed again. A time is one whole `dbt run` of those models in a process that has dbt loaded, as in a daily
run: reading the project, contracts, comments and SQL; not Python's start, not data tests. For comparison the
open period also as a command of its own. Not here: landing (landing.py), a whole daily run (daily_run.py),
one day more (increment.py). On an embedded Postgres of its own, which is gone afterwards.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from dbt.cli.main import dbtRunner

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.resources.dbt import dbt_environment, failure_line
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import claim_account, ensure_schema

ROOT = Path(__file__).parent.parent
POOLS = 100
FIRST_DAY = "2021-09-01"
LAST_DAY = "2026-08-20"
CONTRACT = (
    "bench,bench,2021-09-01,,USD,1,UTC,percentile,95,500,250,400,,,0.01,4000,0,0.05,10,23,35,1500,direct,2"
)
BILLING = ["path:models/intermediate/billing", "path:models/marts/billing"]
ROUNDS = 5
ALL_PERIODS_SECONDS_AT_MOST = 60
OPEN_PERIOD_SECONDS_AT_MOST = 5

# Quiet nights, busy mornings, rare bursts.
WORKER_COUNT_SQL = """
insert into raw.worker_count (id, count, timestamp_unix, worker_pool_name)
select row_number() over (), workers, hour_unix, 'pool-' || pool
from generate_series(1, %(pools)s) as pools (pool)
cross join generate_series(
    extract(epoch from %(first_day)s::timestamp)::bigint,
    extract(epoch from %(last_day)s::timestamp)::bigint + 82800, 3600
) as hours (hour_unix)
cross join lateral (
    select
        case when (hour_unix / 3600 + pool * 7) %% 24 < 8 then 0 else
        (hour_unix / 3600 * 31 + pool * 17) %% 7 end
        + case when (hour_unix / 3600 + pool) %% 97 = 0 then 9 else 0 end
) as counts (workers)
where workers > 0
"""

RUN_MINUTES_SQL = """
insert into raw.run_minutes
select
    hour_unix, 7.25, number %% 10 = 0, run_state, 'TRACKED',
    '01J' || lpad(number::text || hour_unix::text, 23, '0'),
    'stack ' || stack, 'stack-' || stack, '01F' || lpad(stack::text, 23, '0'), true,
    case when number %% 10 > 0 then 'pool-' || pool end,
    case when number %% 10 > 0 then '01F' || lpad(pool::text, 23, '0') end
from generate_series(
    extract(epoch from %(first_day)s::timestamp)::bigint,
    extract(epoch from %(last_day)s::timestamp)::bigint + 82800, 3600
) as hours (hour_unix)
cross join generate_series(1, 10) as numbers (number)
cross join (values ('PLANNING'), ('READY')) as states (run_state)
cross join lateral (select (hour_unix / 3600 * 13 + number * 29) %% 1000 + 1) as drawn (stack)
cross join lateral (select stack %% %(pools)s + 1) as assigned (pool)
"""

LOADS_SQL = """
insert into raw.usage_loads (
    account, aspect, usage_date, requested_since, requested_until,
    source, rows_landed, status, started_at, finished_at
)
select
    'bench', aspect, day_at::date, day_at::date, day_at::date + 1, 'file', 1, 'succeeded', now(), now()
from unnest(array['run-minutes', 'worker-count']) as aspects (aspect)
cross join generate_series(
    %(first_day)s::timestamp, %(last_day)s::timestamp, interval '1 day'
) as days (day_at)
"""


def main() -> None:
    """Print the times beside their bounds. Seconds are the machine's; the ratio is less so."""
    with tempfile.TemporaryDirectory(prefix="usage-benchmark-") as folder:
        home = Path(folder)
        url = embedded.ensure_running(home)
        try:
            os.environ.update(dbt_environment(url, inherited=os.environ))
            with connect(url, autocommit=True) as connection:
                measure(connection, url=url, target_path=home / "dbt")
        finally:
            embedded.stop(home)


def measure(connection: psycopg.Connection, *, url: str, target_path: Path) -> None:
    options = [*project_arguments(PROJECT_DIR, target_path=target_path)]
    select_billing = ["--select", *BILLING]

    def dbt(command: str, *arguments: str) -> float:
        began = time.perf_counter()
        outcome = dbtRunner().invoke([*QUIET_ARGUMENTS, command, *options, *arguments])
        if not outcome.success:
            raise SystemExit(failure_line(outcome, database_url=url))
        return time.perf_counter() - began

    generate(connection)
    dbt("seed")
    dbt("run")
    connection.execute("vacuum analyze")
    rows = connection.execute("select count(*) from marts.fct_worker_pool_hourly").fetchone()
    print(f"hours of worker pools: {rows[0] if rows else 0:,}", flush=True)

    everything = dbt("run", *select_billing, "--full-refresh")
    print(f"all periods: {everything:.1f} s (at most {ALL_PERIODS_SECONDS_AT_MOST})", flush=True)
    taken = []
    for _ in range(ROUNDS):
        land_last_day_again(connection)
        taken.append(dbt("run", *select_billing))
    median = statistics.median(taken)
    print(
        f"the open period: median of {ROUNDS} {median:.1f} s, fastest {min(taken):.1f} s"
        f" (at most {OPEN_PERIOD_SECONDS_AT_MOST}); {median / everything:.2f} of all periods",
        flush=True,
    )
    land_last_day_again(connection)
    command = [str(Path(sys.executable).with_name("dbt")), *QUIET_ARGUMENTS, "run", *options, *select_billing]
    began = time.perf_counter()
    subprocess.run(command, check=True)
    alone = time.perf_counter() - began
    print(f"the same as a dbt command of its own, Python's start included: {alone:.1f} s (no bound)")


def land_last_day_again(connection: psycopg.Connection) -> None:
    """All built but the last day: the open period is built anew, the 59 before it are not."""
    # As the last model of a build does, which is not among those measured.
    for table in ("int_usage_days", "int_fact_days", "int_billing_periods"):
        connection.execute(
            f"update intermediate.{table} set built_fingerprint = fingerprint, is_to_rebuild = false".encode()
        )
    connection.execute(
        "update intermediate.int_fact_days set fingerprint = gen_random_uuid()::text, is_to_rebuild = true"
        " where date_day = %s",
        [LAST_DAY],
    )


def generate(connection: psycopg.Connection) -> None:
    ensure_schema(connection)
    claim_account(connection, "bench")
    bounds = {"pools": POOLS, "first_day": FIRST_DAY, "last_day": LAST_DAY}
    for statement in (WORKER_COUNT_SQL, RUN_MINUTES_SQL, LOADS_SQL):
        connection.execute(statement, bounds)
    columns = (ROOT / "contracts.example.csv").read_text(encoding="utf-8").splitlines()[0]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy raw.contracts ({columns}, line_number) from stdin csv") as copy,
    ):
        copy.write(f"{CONTRACT}\n")
    connection.execute("analyze")


if __name__ == "__main__":
    main()
