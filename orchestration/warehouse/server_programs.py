"""Calls of `initdb` and `pg_ctl`, as the user that may run the server.

Here: arguments, users, streams, and paths below folders that this user may not enter. Not here: when to call
them (embedded.py).
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestration.warehouse.binaries import Binaries
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.server_user import ServerUser


def initdb(
    data: Path, *, superuser: str, password: str, binaries: Binaries, server_user: ServerUser, lock: int
) -> None:
    """Make a cluster in the empty folder `data`: UTF-8, code point order, a password for every connection.

    initdb inherits the file descriptor `lock`: should we be killed, it is held until initdb has ended too.

    Raises:
        WarehouseError: initdb failed; with its last lines.
    """
    # Upper and lower case of all of Unicode, the same on every machine; before 17 plain C comes closest.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    with (
        _password_file(data.parent, password=password, server_user=server_user) as password_file,
        _reachable(data, server_user=server_user) as (data_path, data_descriptors),
        _reachable(password_file, server_user=server_user) as (password_path, password_descriptors),
    ):
        answer = subprocess.run(
            [
                binaries.folder / "initdb",
                f"--pgdata={data_path}",
                f"--username={superuser}",
                "--auth=scram-sha-256",
                f"--pwfile={password_path}",
                "--encoding=UTF8",
                "--locale=C",
                *builtin,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            pass_fds=(*data_descriptors, *password_descriptors, lock),
            **server_user.subprocess_options(),
        )
    if answer.returncode != 0:
        tail = " | ".join(line.strip() for line in answer.stdout.splitlines()[-4:])
        raise WarehouseError(f"initdb failed for the embedded Postgres in {data.parent}: {tail}")


def pg_ctl(
    action: str,
    *,
    data: Path,
    binaries: Binaries,
    server_user: ServerUser,
    timeout_seconds: int,
    options: Sequence[str] = (),
    output: int = subprocess.DEVNULL,
) -> bool:
    """Whether `pg_ctl action` succeeded; returns when the action has ended or `timeout_seconds` are over.

    The server inherits these streams, so they are never our own: a pipe that our parent reads would stay open
    for as long as the server runs.
    """
    with _reachable(data, server_user=server_user) as (data_path, descriptors):
        answer = subprocess.run(
            [
                binaries.folder / "pg_ctl",
                action,
                f"--pgdata={data_path}",
                "--wait",
                f"--timeout={timeout_seconds}",
                "--silent",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            pass_fds=descriptors,
            **server_user.subprocess_options(),
        )
    return answer.returncode == 0


@contextlib.contextmanager
def _password_file(folder: Path, *, password: str, server_user: ServerUser) -> Iterator[Path]:
    """A file for the time of initdb, 0600, owned by who runs it."""
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix="initdb-") as file:
        file.write(password)
        file.flush()
        server_user.take(Path(file.name))
        yield Path(file.name)


@contextlib.contextmanager
def _reachable(path: Path, *, server_user: ServerUser) -> Iterator[tuple[Path, Sequence[int]]]:
    """A path under which the server's user reaches `path`, and the file descriptors to hand on for it.

    Root's USAGE_HOME may lie below a folder that only root can enter, such as /root. So root opens the path
    and hands it on: /proc/self/fd asks for no right on the folders above, as long as the server runs.
    """
    if not server_user.is_other or not Path("/proc/self/fd").exists():
        yield path, ()
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}"), (descriptor,)
    finally:
        os.close(descriptor)
