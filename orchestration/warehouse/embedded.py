"""The embedded Postgres: a server of our own under USAGE_HOME/postgres, made on first use.

Here: making, starting, finding and stopping it with nothing but `initdb` and `pg_ctl`. Not here: which programs
(binaries.py), as whom (server_user.py), its files (cluster_folder.py), whether it runs (postmaster.py), what is in
the database (schema.py).

It listens on 127.0.0.1 alone, without unix sockets, and asks for the password (SCRAM). There is no exit hook: it
runs until `stop`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from orchestration.warehouse.binaries import Binaries, find_binaries
from orchestration.warehouse.cluster_folder import ClusterFolder
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.postmaster import disown_stale_pid, mark, running_postmaster
from orchestration.warehouse.server_user import ServerUser

_USER = _DATABASE = "usage"
_CONNECT_TIMEOUT_SECONDS = 10
# Recovery after a crash replays up to max_wal_size.
_START_TIMEOUT_SECONDS = 120
_STOP_TIMEOUT_SECONDS = 60
_START_ATTEMPTS = 5

# Appended to postgresql.conf when the cluster is made; whoever wants others edits them there.
_SETTINGS = """
# A small analytical warehouse on a machine that does other work too.
timezone = 'UTC'
log_timezone = 'UTC'
# The vendor's `\\copy run_minutes` and `\\copy worker_count` name no schema.
search_path = 'public, raw'
# Compiling costs more than a small increment takes.
jit = off
shared_buffers = 256MB
work_mem = 64MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
checkpoint_timeout = 15min
log_checkpoints = off
random_page_cost = 1.1
# No standby, so tables that are built anew need not go through the log as well.
wal_level = minimal
max_wal_senders = 0
"""
# Containers have 64 MB of /dev/shm by default, which a parallel query can exceed.
_SETTINGS_ON_LINUX = "dynamic_shared_memory_type = sysv\n"


@dataclass(frozen=True)
class Status:
    """What `check` reports. `port` is None before the first start, `major_version` before there are data."""

    state: Literal["absent", "stopped", "starting", "running"]
    folder: Path
    port: int | None = None
    major_version: int | None = None


def ensure_running(home: Path) -> str:
    """The URL of the server under `home`, with its password, after making and starting it where needed.

    Several processes may call it at once, and after any crash.

    Raises:
        WarehouseError: it cannot be made or started; the message ends with the last lines of its log.
    """
    folder = ClusterFolder(home.resolve() / "postgres")
    with _in_one_line(folder), folder.locked() as lock:
        if folder.data_major() is None:
            _create(folder, lock=lock)
        if running_postmaster(folder.data) is None:
            _start(folder)
        port = _wait_until_ready(folder)
        _ensure_database(folder, port=port)
        return _url(folder, port=port, database=_DATABASE)


def stop(home: Path) -> bool:
    """Stop the server under `home` and wait for its end; False if none was running."""
    folder = ClusterFolder(home.resolve() / "postgres")
    if not folder.data.exists():
        return False
    with _in_one_line(folder), folder.locked():
        if running_postmaster(folder.data) is None:
            return False
        answer = _pg_ctl(
            folder, "stop", "--mode=fast", timeout_seconds=_STOP_TIMEOUT_SECONDS, output=subprocess.DEVNULL
        )
        if answer != 0:
            raise WarehouseError(f"the embedded Postgres in {folder.path} did not stop: {folder.log_tail()}")
        return True


def status(home: Path) -> Status:
    """How the server under `home` is; changes nothing."""
    folder = ClusterFolder(home.resolve() / "postgres")
    with _in_one_line(folder):
        if folder.data_major() is None:
            return Status("absent", folder.path)
        postmaster = running_postmaster(folder.data)
        if postmaster is None:
            return Status("stopped", folder.path, folder.port(), folder.data_major())
        state: Literal["running", "starting"] = "running" if postmaster.is_ready else "starting"
        return Status(state, folder.path, postmaster.port or folder.port(), folder.data_major())


def _create(folder: ClusterFolder, *, lock: int) -> None:
    user = ServerUser.for_data(folder.data)
    binaries = find_binaries(needed_major=None, server_user=user, home_copy=folder.path / "binaries")
    # Made aside and renamed when complete, so that an initdb that was killed leaves nothing that looks like data.
    unfinished = folder.path / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    password = folder.new_password()
    with tempfile.NamedTemporaryFile("w", dir=folder.path, prefix="initdb-") as password_file:
        password_file.write(password)
        password_file.flush()
        for path in (unfinished, Path(password_file.name)):
            os.chown(path, user.uid, user.gid)
        # initdb holds the lock too: should we be killed, nobody starts another one beside it.
        _run_initdb(unfinished, Path(password_file.name), user=user, binaries=binaries, lock=lock)
    with (unfinished / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS + (_SETTINGS_ON_LINUX if sys.platform == "linux" else ""))
    unfinished.rename(folder.data)


def _run_initdb(data: Path, password_file: Path, *, user: ServerUser, binaries: Binaries, lock: int) -> None:
    # Code point order and UTF-8 upper case, the same on every machine; before 17 plain C comes closest.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    with (
        _reachable(data, user=user) as (data_path, data_fds),
        _reachable(password_file, user=user) as (file, fds),
    ):
        answer = subprocess.run(
            [
                binaries.folder / "initdb",
                f"--pgdata={data_path}",
                f"--username={_USER}",
                "--auth=scram-sha-256",
                f"--pwfile={file}",
                "--encoding=UTF8",
                "--locale=C",
                *builtin,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            pass_fds=(*data_fds, *fds, lock),
            **user.subprocess_options(),
        )
    if answer.returncode != 0:
        tail = " | ".join(line.strip() for line in answer.stdout.splitlines()[-4:])
        raise WarehouseError(f"initdb failed for the embedded Postgres in {data.parent}: {tail}")


def _start(folder: ClusterFolder) -> None:
    for attempt in range(1, _START_ATTEMPTS + 1):
        disown_stale_pid(folder.data)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": folder.choose_port(),
            "unix_socket_directories": "''",
            "cluster_name": mark(folder.data),
        }
        log = folder.open_new_log()
        try:
            answer = _pg_ctl(
                folder,
                "start",
                "--options=" + " ".join(f"-c {name}={value}" for name, value in options.items()),
                timeout_seconds=_START_TIMEOUT_SECONDS,
                output=log,
            )
        finally:
            os.close(log)
        # Not 0 although it runs: recovery takes longer than pg_ctl waits, or somebody else started it.
        if answer == 0 or running_postmaster(folder.data) is not None:
            return
        # Another process took the port meanwhile, or processes of a crashed server still end.
        if attempt < _START_ATTEMPTS:
            time.sleep(0.5)
    raise WarehouseError(f"the embedded Postgres in {folder.path} does not start: {folder.log_tail()}")


def _wait_until_ready(folder: ClusterFolder) -> int:
    """The port of the server once it takes connections."""
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        postmaster = running_postmaster(folder.data)
        if postmaster is None:
            raise WarehouseError(f"the embedded Postgres in {folder.path} ended: {folder.log_tail()}")
        if postmaster.is_ready and postmaster.port is not None:
            return postmaster.port
        time.sleep(0.05)
    raise WarehouseError(
        f"the embedded Postgres in {folder.path} is still starting after {_START_TIMEOUT_SECONDS} s, try again later: "
        f"{folder.log_tail()}"
    )


def _ensure_database(folder: ClusterFolder, *, port: int) -> None:
    try:
        with psycopg.connect(
            _url(folder, port=port, database="postgres"),
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            # Whoever listens there has to know the password as well, and learns nothing about it.
            require_auth="scram-sha-256",
        ) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [_DATABASE]).fetchone()
            if known is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(_DATABASE)))
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise WarehouseError(
            f"the embedded Postgres in {folder.path} runs but refuses us: {reason} ({folder.log_tail()})"
        ) from error


def _url(folder: ClusterFolder, *, port: int, database: str) -> str:
    return f"postgresql://{_USER}:{folder.password()}@127.0.0.1:{port}/{database}"


def _pg_ctl(folder: ClusterFolder, action: str, *options: str, timeout_seconds: int, output: int) -> int:
    """The exit code of pg_ctl, which waits for the end of the action.

    What it starts inherits its streams, so they are never ours: a pipe that a parent reads would stay open for
    as long as the server runs.
    """
    user = ServerUser.for_data(folder.data)
    binaries = find_binaries(
        needed_major=folder.data_major(), server_user=user, home_copy=folder.path / "binaries"
    )
    with _reachable(folder.data, user=user) as (data, data_fds):
        return subprocess.run(
            [
                binaries.folder / "pg_ctl",
                action,
                f"--pgdata={data}",
                "--wait",
                f"--timeout={timeout_seconds}",
                "--silent",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            pass_fds=data_fds,
            **user.subprocess_options(),
        ).returncode


@contextlib.contextmanager
def _reachable(path: Path, *, user: ServerUser) -> Iterator[tuple[Path, Sequence[int]]]:
    """A path under which the server's user reaches `path`, and the descriptors to hand on for it.

    Root's USAGE_HOME may lie below a folder that only root can enter, such as /root. So root opens the path and
    hands it on: /proc/self/fd asks for no right on the folders above, neither now nor as long as the server runs.
    """
    if not user.is_other or not Path("/proc/self/fd").exists():
        yield path, ()
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}"), (descriptor,)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _in_one_line(folder: ClusterFolder) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise WarehouseError(
            f"cannot run the embedded Postgres in {folder.path}: {error}; "
            "set USAGE_HOME to a folder of your own on a local disk, or DATABASE_URL"
        ) from error
