"""Kills `spacelift-usage run` by SIGKILL at chosen and random moments, and runs it again: `make soak-kills`.

Every round begins with a warehouse of three days, kills a run that lands two more, and lets the next run end.
Then raw rows, coverage and marts must be what they are where nobody was killed, row for row, and nothing
unfinished may lie in the archive. Some rounds kill the Postgres server instead of the run.

The moments: while a body is written to the archive, inside COPY, inside COMMIT, while dbt builds, and any
time. Triggers in the database make COPY and COMMIT last a quarter of a second, a door before the demo account
makes the download last; otherwise they would be over before they are seen.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg import sql

from orchestration.demo.server import demo_server
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import ensure_schema

ROOT = Path(__file__).parents[2]
FIRST, NEW, UNTIL = "2026-05-29", "2026-06-01", "2026-06-03"
MOMENTS = ("archive", "copy", "commit", "dbt", "any time", "server")
LONGEST_RUN_SECONDS = 300
# A run begins with three seconds of imports.
ANY_TIME_SECONDS = (1.0, 14.0)

SLOW_DATABASE = """
create function raw.nap() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.25); return null; end $$;
create trigger nap before insert on raw.run_minutes for each statement execute function raw.nap();
create trigger nap before insert on raw.worker_count for each statement execute function raw.nap();
create constraint trigger nap after insert on raw.usage_loads deferrable initially deferred
    for each row execute function raw.nap();
"""
# What the database does now, as a moment's name.
DOING = """
    select case
        when application_name = 'dbt' then 'dbt'
        when query ilike 'copy %%' then 'copy'
        when query ilike 'commit%%' then 'commit'
    end
    from pg_stat_activity
    where datname = %s and state = 'active'
"""
COVERAGE = """
    select distinct on (aspect, usage_date)
        aspect, usage_date, sha256, bytes, rows_landed, rows_outside_window, rows_quarantined, lines
    from raw.usage_loads where status = 'succeeded'
    order by aspect, usage_date, load_id desc
"""
# They tell when and in which load something landed, not what.
OF_THE_LOAD = {"load_id", "previous_load_id", "restated_at", "last_landed_at", "built_at"}


class Door(ThreadingHTTPServer):
    """Hands everything on to the demo account, bodies piece by piece."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), DoorHandler)
        self.behind = httpx.Client(base_url=endpoint, timeout=30)

    def handle_error(self, *arguments: object) -> None:
        """Whoever asked was killed."""


class DoorHandler(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        self._hand_on(self.server.behind.get(self.path, headers=self._authorization()), pieces=4)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {"Content-Type": self.headers["Content-Type"], **self._authorization()}
        self._hand_on(self.server.behind.post(self.path, content=body, headers=headers), pieces=1)

    def _authorization(self) -> dict[str, str]:
        given = self.headers.get("Authorization")
        return {"Authorization": given} if given else {}

    def _hand_on(self, answer: httpx.Response, *, pieces: int) -> None:
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        size = len(answer.content) // pieces + 1
        for start in range(0, len(answer.content), size):
            self.wfile.write(answer.content[start : start + size])
            self.wfile.flush()
            time.sleep(0.15 if pieces > 1 else 0)

    def log_message(self, *arguments: object) -> None:
        """Silent."""


class Place:
    """A database and a home, copies of another place's."""

    def __init__(self, folder: Path, *, server: str, name: str, like: "Place | None" = None) -> None:
        self.folder, self.server, self.name = folder / name, server, name
        with connect(server, autocommit=True) as connection:
            # Copied by way of the log, a sequence goes back to its beginning when the server is killed.
            template = sql.Identifier(like.name) if like else sql.Identifier("template0")
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), template
                )
            )
        if like:
            shutil.copytree(like.folder, self.folder)
        self.folder.mkdir(exist_ok=True)
        self.url = urlsplit(server)._replace(path=f"/{name}").geturl()

    def start(self, account: dict[str, str], *, since: str, until: str) -> subprocess.Popen[str]:
        """The command that a person types, in a process of its own."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("USAGE_", "DAGSTER_"))
        }
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "run", "--since", since, "--until", until],
            cwd=self.folder,
            env={
                **kept,
                **account,
                "PYTHONPATH": str(ROOT),
                "DATABASE_URL": self.url,
                "USAGE_HOME": str(self.folder / "home"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, account: dict[str, str], *, since: str, until: str) -> None:
        """A run that nobody disturbs."""
        process = self.start(account, since=since, until=until)
        said, _ = process.communicate(timeout=LONGEST_RUN_SECONDS)
        if process.returncode:
            raise SystemExit(f"a run that nobody killed failed:\n{said}")

    def unfinished(self) -> list[Path]:
        """Files of the archive that are still being written, or were when their process ended."""
        return list((self.folder / "home" / "archive").rglob(".unfinished*"))

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """All that counts: raw rows, coverage and marts, each in an order of its own."""
        with connect(self.url) as connection:
            found = {"coverage": connection.execute(COVERAGE).fetchall()}
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables where table_schema = 'marts'"
                " or (table_schema = 'raw' and table_name in ('run_minutes', 'worker_count'))"
            ).fetchall()
            for schema, table in tables:
                rows = connection.execute(
                    sql.SQL("select to_jsonb(whole) - %s::text[] from {} as whole order by 1").format(
                        sql.Identifier(schema, table)
                    ),
                    [list(OF_THE_LOAD)],
                )
                found[f"{schema}.{table}"] = rows.fetchall()
        return found

    def drop(self) -> None:
        with connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(self.name)))
        shutil.rmtree(self.folder)


def wait_for(moment: str, *, place: Place, process: subprocess.Popen[str], dice: random.Random) -> None:
    """Return in the middle of the moment, or when the run has ended before it came."""
    if moment == "any time":
        time.sleep(dice.uniform(*ANY_TIME_SECONDS))
        return
    with psycopg.connect(place.server, autocommit=True) as watcher:
        seen = 0
        # Not always the first time that it comes.
        wanted = dice.randint(1, {"archive": 2, "copy": 3, "commit": 4}.get(moment, 1))
        was_in_it = False
        while process.poll() is None and seen < wanted:
            if moment == "archive":
                is_in_it = bool(place.unfinished())
            else:
                doing = {row[0] for row in watcher.execute(DOING, [place.name])}
                is_in_it = bool(doing & ({"copy", "commit", "dbt"} if moment == "server" else {moment}))
            seen += is_in_it and not was_in_it
            was_in_it = is_in_it
            time.sleep(0.002)
    time.sleep(dice.uniform(0, {"dbt": 8.0, "server": 4.0}.get(moment, 0.2)))


def kill_server(home: Path) -> None:
    """Postgres and all its processes end at once, without a word."""
    pid = int(next((home / "postgres").rglob("postmaster.pid")).read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)


@contextmanager
def account_behind_a_door() -> Iterator[dict[str, str]]:
    with demo_server() as demo, Door(demo.endpoint) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        try:
            yield {
                "SPACELIFT_API_KEY_ENDPOINT": f"http://127.0.0.1:{door.server_port}",
                "SPACELIFT_API_KEY_ID": demo.key_id,
                "SPACELIFT_API_KEY_SECRET": demo.key_secret,
                "SPACELIFT_ACCOUNT": "demo",
            }
        finally:
            door.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    killed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="soak-kills-") as name, account_behind_a_door() as account:
        folder = Path(name)
        server = embedded.ensure_running(folder)
        try:
            before = Place(folder, server=server, name="before")
            with connect(before.url) as connection:
                ensure_schema(connection)
                connection.execute(SLOW_DATABASE)
            before.run(account, since=FIRST, until=NEW)
            undisturbed = Place(folder, server=server, name="undisturbed", like=before)
            undisturbed.run(account, since=NEW, until=UNTIL)
            expected = undisturbed.contents()
            rows = sum(map(len, expected.values()))
            for number in range(arguments.kills):
                moment = MOMENTS[number % len(MOMENTS)]
                place = Place(folder, server=server, name=f"round_{number}", like=before)
                process = place.start(account, since=NEW, until=UNTIL)
                wait_for(moment, place=place, process=process, dice=dice)
                if process.poll() is not None:
                    print(f"{number + 1:3} {moment}: the run ended before it came", flush=True)
                elif moment == "server":
                    kill_server(folder)
                    process.communicate(timeout=LONGEST_RUN_SECONDS)
                    assert embedded.ensure_running(folder) == server
                    killed[moment] += 1
                else:
                    process.kill()
                    process.communicate()
                    killed[moment] += 1
                place.run(account, since=NEW, until=UNTIL)
                found = place.contents()
                wrong = [table for table in expected if found.get(table) != expected[table]]
                if wrong or found.keys() != expected.keys() or place.unfinished():
                    raise SystemExit(f"round {number + 1}, {moment}: {wrong} {place.unfinished()} differ")
                print(f"{number + 1:3} {moment}: repaired", flush=True)
                place.drop()
        finally:
            embedded.stop(folder)
    figures = ", ".join(f"{count} in {moment}" for moment, count in killed.items())
    print(f"{sum(killed.values())} kills survived ({figures}); {rows:,} rows compared each time, lost: 0")


if __name__ == "__main__":
    main()
