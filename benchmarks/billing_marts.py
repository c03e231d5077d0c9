"""How long the billing marts take over 100 worker pools and five years of hours, 4.4 million rows.

Generates raw rows with a fixed rhythm inside the server, builds the facts once (not measured), then measures
the billing models: all periods, and the open period alone after its last day was landed again. Not here:
landing (landing.py), a whole daily run (daily_run.py). Makes its own database on the server of DATABASE_URL
and drops it again:

    DATABASE_URL=postgresql://… python benchmarks/billing_marts.py
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).parent.parent
DBT_PROJECT = ROOT / "dbt_project"
DATABASE = "billing_benchmark"
POOLS = 100
FIRST_DAY = "2021-09-01"
LAST_DAY = "2026-08-20"
CONTRACT = (
    "bench,bench,2021-09-01,,USD,1,UTC,percentile,95,500,250,400,,,0.01,4000,0,0.05,10,23,35,1500,direct,2"
)
BILLING = ["path:models/intermediate/billing", "path:models/marts/billing"]

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


def main() -> int:
    server = os.environ["DATABASE_URL"]
    url = urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE}")
        try:
            measure(url)
        finally:
            connection.execute(f"drop database if exists {DATABASE} with (force)")
    return 0


def measure(url: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC -c jit=off") as connection:
        generate(connection)
        wall = dbt(url, "seed")[0] + dbt(url, "run")[0]
        print(f"seeds and all models, facts among them: {wall:.0f} s (no bound)")
        rows = connection.execute("select count(*) from marts.fct_worker_pool_hourly").fetchone()
        print(f"hours of worker pools: {rows[0] if rows else 0:,}")
        wall, models = dbt(url, "run", "--select", *BILLING, "--full-refresh")
        print(f"all periods: {wall:.1f} s, {models:.1f} s added up over models (bound: 60)")
        mark_built(connection)
        # The last day is landed again: the open period is built anew, the 59 before it are not.
        connection.execute(
            "update intermediate.int_fact_days set fingerprint = 'again', is_to_rebuild = true"
            " where date_day = %s",
            [LAST_DAY],
        )
        wall, models = dbt(url, "run", "--select", *BILLING)
        print(f"the open period: {wall:.1f} s, {models:.1f} s added up over models (bound: 5)")


def generate(connection: psycopg.Connection) -> None:
    schema = ROOT / "orchestration" / "warehouse" / "raw_schema.sql"
    connection.execute(schema.read_bytes())
    bounds = {"pools": POOLS, "first_day": FIRST_DAY, "last_day": LAST_DAY}
    for statement in (WORKER_COUNT_SQL, RUN_MINUTES_SQL, LOADS_SQL):
        connection.execute(statement, bounds)
    connection.execute("insert into raw.warehouse (account, schema_version) values ('bench', 1)")
    columns = (ROOT / "contracts.example.csv").read_text(encoding="utf-8").splitlines()[0]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy raw.contracts ({columns}, line_number) from stdin csv") as copy,
    ):
        copy.write(f"{CONTRACT}\n")
    connection.execute("analyze")


def mark_built(connection: psycopg.Connection) -> None:
    """As the last model of a build does, which is not among those measured."""
    for table in ("int_usage_days", "int_fact_days", "int_billing_periods"):
        connection.execute(
            f"update intermediate.{table} set built_fingerprint = fingerprint, is_to_rebuild = false"
        )


def dbt(url: str, command: str, *arguments: str) -> tuple[float, float]:
    """Run dbt; seconds by the clock, its start included, and seconds added up over models."""
    parts = urlsplit(url)
    environment = os.environ | {
        "USAGE_DB_HOST": parts.hostname or "127.0.0.1",
        "USAGE_DB_PORT": str(parts.port or 5432),
        "USAGE_DB_USER": unquote(parts.username or "usage"),
        "DBT_ENV_SECRET_USAGE_DB_PASSWORD": unquote(parts.password or ""),
        "USAGE_DB_NAME": DATABASE,
        "PGOPTIONS": "-c timezone=UTC -c jit=off",
    }
    started = time.monotonic()
    subprocess.run(
        [str(Path(sys.executable).parent / "dbt"), "--quiet", command, "--profiles-dir", ".", *arguments],
        cwd=DBT_PROJECT,
        env=environment,
        check=True,
    )
    wall = time.monotonic() - started
    results = json.loads((DBT_PROJECT / "target" / "run_results.json").read_text(encoding="utf-8"))
    slowest = sorted(results["results"], key=lambda result: -result["execution_time"])[:5]
    for result in slowest:
        print(f"    {result['execution_time']:6.1f} s {result['unique_id'].rsplit('.', 1)[-1]}")
    return wall, sum(result["execution_time"] for result in results["results"])


if __name__ == "__main__":
    sys.exit(main())
