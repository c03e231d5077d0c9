"""The embedded Postgres: a server of our own under USAGE_HOME/postgres, made on first use.

Here: making, starting, finding and stopping it. Not here: which programs (binaries.py), their calls
(server_programs.py), as whom (server_user.py), its files (cluster_folder.py), whether it runs
(postmaster.py), what is in the database (schema.py).

It listens on 127.0.0.1 alone, without unix sockets, and asks for the password (SCRAM). There is no exit hook:
it runs until `stop`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from orchestration.warehouse.binaries import find_binaries
from orchestration.warehouse.cluster_folder import ClusterFolder
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.postmaster import disown_stale_pid, mark, running_postmaster
from orchestration.warehouse.server_programs import initdb, pg_ctl
from orchestration.warehouse.server_user import ServerUser

_USER = _DATABASE = "usage"
_CONNECT_TIMEOUT_SECONDS = 10
# Recovery after a crash replays up to max_wal_size.
_START_TIMEOUT_SECONDS = 120
_STOP_TIMEOUT_SECONDS = 60
_START_ATTEMPTS = 5
_START_PAUSE_SECONDS = 0.5

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
    """What `check` reports. `port` is None before the first start."""

    state: Literal["absent", "stopped", "starting", "running"]
    folder: Path
    port: int | None = None


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
    with _in_one_line(folder):
        if folder.data_major() is None:
            return False
        with folder.locked():
            if running_postmaster(folder.data) is None:
                return False
            user = ServerUser.for_data(folder.data)
            stopped = pg_ctl(
                "stop",
                data=folder.data,
                binaries=find_binaries(needed_major=folder.data_major(), server_user=user),
                server_user=user,
                timeout_seconds=_STOP_TIMEOUT_SECONDS,
                options=["--mode=fast"],
            )
            if not stopped:
                raise WarehouseError(
                    f"the embedded Postgres in {folder.path} did not stop: {folder.log_tail()}"
                )
            return True


def status(home: Path) -> Status:
    """How the server under `home` is; changes nothing."""
    folder = ClusterFolder(home.resolve() / "postgres")
    with _in_one_line(folder):
        if folder.data_major() is None:
            return Status("absent", folder.path)
        postmaster = running_postmaster(folder.data)
        if postmaster is None:
            return Status("stopped", folder.path, folder.port())
        state: Literal["running", "starting"] = "running" if postmaster.is_ready else "starting"
        return Status(state, folder.path, postmaster.port or folder.port())


def _create(folder: ClusterFolder, *, lock: int) -> None:
    user = ServerUser.for_data(folder.data)
    # Made aside and renamed when complete: an initdb that was killed leaves nothing that looks like data.
    unfinished = folder.path / "data.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    user.take(unfinished)
    initdb(
        unfinished,
        superuser=_USER,
        password=folder.new_password(),
        binaries=find_binaries(needed_major=None, server_user=user),
        server_user=user,
        lock=lock,
    )
    with (unfinished / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS + (_SETTINGS_ON_LINUX if sys.platform == "linux" else ""))
    unfinished.rename(folder.data)


def _start(folder: ClusterFolder) -> None:
    user = ServerUser.for_data(folder.data)
    binaries = find_binaries(needed_major=folder.data_major(), server_user=user)
    for attempt in range(_START_ATTEMPTS):
        if attempt:
            # Another process took the port meanwhile, or processes of a crashed server have yet to end.
            time.sleep(_START_PAUSE_SECONDS)
        disown_stale_pid(folder.data)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": folder.choose_port(),
            "unix_socket_directories": "''",
            "cluster_name": mark(folder.data),
        }
        log = folder.open_new_log()
        try:
            started = pg_ctl(
                "start",
                data=folder.data,
                binaries=binaries,
                server_user=user,
                timeout_seconds=_START_TIMEOUT_SECONDS,
                options=["--options=" + " ".join(f"-c {name}={value}" for name, value in settings.items())],
                output=log,
            )
        finally:
            os.close(log)
        # It may run although pg_ctl failed: recovery can take longer than pg_ctl waits.
        if started or running_postmaster(folder.data) is not None:
            return
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
        f"the embedded Postgres in {folder.path} is still starting after {_START_TIMEOUT_SECONDS} s, "
        f"try again later: {folder.log_tail()}"
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


@contextlib.contextmanager
def _in_one_line(folder: ClusterFolder) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise WarehouseError(
            f"cannot run the embedded Postgres in {folder.path}: {error}; "
            "set USAGE_HOME to a folder of your own on a local disk, or DATABASE_URL"
        ) from error
