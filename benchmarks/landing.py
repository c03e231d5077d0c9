"""How long landing takes against `psql \\copy` of the same file, and how much memory.

    python benchmarks/landing.py [--rows 1000000] [--rounds 5]

One day of run-minutes rows is served over HTTP by another process. Each round times `psql \\copy` of the
file into raw.run_minutes, then the whole way of the daily run (request, archive, every row judged, COPY, load
record, commit) in a process of its own, with the body sent plainly and as gzip. The figures are ratios of
medians, because machines are noisy; the server is the embedded Postgres with its usual settings.
"""

import argparse
import datetime as dt
import gzip
import http.server
import json
import multiprocessing
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.ingest import ingest
from orchestration.spacelift.aspects import RUN_MINUTES
from orchestration.spacelift.auth import ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.warehouse import embedded
from orchestration.warehouse.binaries import find_binaries
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import ensure_schema
from orchestration.warehouse.server_user import ServerUser

MOST_TIMES_PSQL = 1.3
MOST_MEGABYTES = 250

DAY = dt.date(2024, 2, 29)
HEADER = (
    "TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunULID,StackName,StackSlug,StackULID,IsStack,"
    "WorkerPoolName,WorkerPoolULID\n"
)
STATES = ("QUEUED", "READY", "PREPARING", "INITIALIZING", "PLANNING", "UNCONFIRMED", "APPLYING", "FINISHED")


def write_day(path: Path, *, rows: int) -> None:
    """A day of run-minutes rows with realistic names, about 190 bytes a line."""
    numbers = random.Random(4)

    def ulid() -> str:
        return "01HQS" + "".join(numbers.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=21))

    stacks = [
        (f"Network production region {number}", f"network-production-region-{number}", ulid())
        for number in range(400)
    ]
    pools = [("production-eu-west-1", ulid()), ("staging-eu-west-1", ulid()), ("", "")]
    runs = [(ulid(), numbers.choice(stacks), numbers.choice(pools)) for _ in range(max(rows // 9, 1))]
    midnight = int(dt.datetime.combine(DAY, dt.time(), dt.UTC).timestamp())
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(rows):
            run, (name, slug, stack), (pool, pool_ulid) = numbers.choice(runs)
            public = "false" if pool else "true"
            file.write(
                f"{midnight + 3600 * (number * 24 // rows)},{numbers.random() * 60:.6f},{public},"
                f"{numbers.choice(STATES)},TRACKED,{run},{name},{slug},{stack},true,{pool},{pool_ulid}\n"
            )


def serve(path: Path, ports: "multiprocessing.Queue[int]") -> None:
    """Answer every request with the file, for ever."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/csv")
            self.send_header("Content-Length", str(path.stat().st_size))
            if path.suffix == ".gz":
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            with path.open("rb") as file:
                self.connection.sendfile(file)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    ports.put(server.server_port)
    server.serve_forever()


@contextmanager
def served(path: Path) -> Iterator[str]:
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    process = multiprocessing.Process(target=serve, args=(path, ports), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get()}"
    finally:
        process.terminate()
        process.join()


def land_once(endpoint: str, database_url: str, archive_url: str) -> dict[str, float]:
    """The way of the daily run; its seconds, and the most memory that this process has had."""
    started = time.perf_counter()
    with (
        connect(database_url) as connection,
        SpaceliftClient(endpoint=endpoint, credentials=ReadyToken("benchmark")) as client,
    ):
        failed = ingest(
            [DAY],
            aspect=RUN_MINUTES,
            account="benchmark",
            client=client,
            archive=Archive(archive_url),
            connection=connection,
            run_id=None,
            on_progress=lambda day, load: None,
        )
    if failed:
        raise SystemExit(failed[0].error)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": time.perf_counter() - started, "megabytes": kilobytes / 1024}


def in_own_process(endpoint: str, database_url: str, archive_url: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--land", endpoint, database_url, archive_url]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return answer


def psql_copy(psql: str, database_url: str, path: Path) -> float:
    started = time.perf_counter()
    subprocess.run(
        [psql, "-q", "-X", database_url, "-c", rf"\copy raw.run_minutes from '{path}' csv header"], check=True
    )
    return time.perf_counter() - started


def empty_table(database_url: str, *, rows: int) -> None:
    """The same start for everyone; what was there must have been the whole file."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute("select count(*) from raw.run_minutes").fetchone()
        if found not in ((0,), (rows,)):
            raise SystemExit(f"{found} rows landed instead of {rows}")
        connection.execute("truncate raw.run_minutes")
        connection.execute("checkpoint")


def compare(*, rows: int, rounds: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="landing-benchmark-") as folder:
        home = Path(folder)
        plain, zipped = home / "day.csv", home / "day.csv.gz"
        write_day(plain, rows=rows)
        with plain.open("rb") as source, gzip.open(zipped, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target)
        psql = str(find_binaries(needed_major=None, server_user=ServerUser.current()).folder / "psql")
        try:
            database_url = embedded.ensure_running(home)
            with connect(database_url) as connection:
                ensure_schema(connection)
            with served(plain) as plain_endpoint, served(zipped) as zipped_endpoint:
                seconds: dict[str, list[float]] = {"psql": [], "plain": [], "gzip": []}
                megabytes = 0.0
                for _ in range(rounds):
                    empty_table(database_url, rows=rows)
                    seconds["psql"].append(psql_copy(psql, database_url, plain))
                    for name, endpoint in (("plain", plain_endpoint), ("gzip", zipped_endpoint)):
                        empty_table(database_url, rows=rows)
                        landed = in_own_process(endpoint, database_url, str(home / "archive"))
                        seconds[name].append(landed["seconds"])
                        megabytes = max(megabytes, landed["megabytes"])
                empty_table(database_url, rows=rows)
        finally:
            embedded.stop(home)
    psql_median, psql_best = statistics.median(seconds["psql"]), min(seconds["psql"])
    medians = {name: statistics.median(times) / psql_median for name, times in seconds.items()}
    best = {name: min(times) / psql_best for name, times in seconds.items()}
    print(f"landing {rows} rows, {rounds} rounds; psql \\copy = 1.00 ({psql_best:.2f} s at best)")
    print(f"  from HTTP to commit        {medians['plain']:.2f}  (at most {MOST_TIMES_PSQL})")
    print(f"  the best rounds alone      {best['plain']:.2f}")
    print(f"  sent as gzip               {medians['gzip']:.2f}, the best rounds {best['gzip']:.2f}")
    print(f"  peak memory                {megabytes:.0f} MB  (under {MOST_MEGABYTES})")
    return medians["plain"] <= MOST_TIMES_PSQL and megabytes < MOST_MEGABYTES


def main() -> None:
    parser = argparse.ArgumentParser(description="Landing against psql \\copy.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--land", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.land:
        print(json.dumps(land_once(*arguments.land)))
    elif not compare(rows=arguments.rows, rounds=arguments.rounds):
        sys.exit("slower or larger than it may be")


if __name__ == "__main__":
    main()
