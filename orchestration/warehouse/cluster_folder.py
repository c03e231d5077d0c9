"""The files of the embedded Postgres under USAGE_HOME/postgres, apart from the server that runs on them.

data/       the cluster, owned by the server's user, 0700
password    of the superuser, 0600
port        kept across restarts, chosen anew when something else listens on it
server.log  since the last start; server.log.previous is from the one before
lock        held while somebody makes, starts or stops the server
"""

import contextlib
import fcntl
import os
import secrets
import socket
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.warehouse.errors import WarehouseError

_FIRST_PORT, _PORTS = 15432, 1000
_LOG_TAIL_LINES = 4
_LOG_TAIL_CHARACTERS = 600


@dataclass(frozen=True)
class ClusterFolder:
    """USAGE_HOME/postgres and what stands in it."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Wait until no other process makes, starts or stops this server; gives the lock's descriptor."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)

    def data_major(self) -> int | None:
        """The major version that made the data; None before there are data."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def new_password(self) -> str:
        password = secrets.token_urlsafe(24)  # needs no quoting in a URL
        (self.path / "password").unlink(missing_ok=True)
        with os.fdopen(
            os.open(self.path / "password", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.write(password)
        return password

    def password(self) -> str:
        try:
            return (self.path / "password").read_text().strip()
        except FileNotFoundError:
            raise WarehouseError(
                f"the password of the embedded Postgres is gone: {self.path / 'password'}; put it back, or "
                f"move {self.path} away and land the history again from the archive"
            ) from None

    def port(self) -> int | None:
        """The port of the last start; None before the first."""
        try:
            return int((self.path / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def choose_port(self) -> int:
        """The port of the last start, or if that is taken another one, which is kept from now on."""
        saved = self.port()
        # The search starts at a place of this folder's own, so that two folders seldom want the same port.
        offset = zlib.crc32(bytes(self.path))
        others = (_FIRST_PORT + (offset + n) % _PORTS for n in range(_PORTS))
        for port in ([saved] if saved else []) + list(others):
            if _is_free(port):
                unfinished = self.path / "port.new"
                unfinished.write_text(f"{port}\n")
                unfinished.replace(self.path / "port")
                return port
        raise WarehouseError(f"no free port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} on 127.0.0.1")

    def open_new_log(self) -> int:
        """A file descriptor of an empty server.log."""
        if self.log.exists():
            self.log.replace(self.log.with_name("server.log.previous"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def log_tail(self) -> str:
        """The last lines of server.log in one."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "no log"
        return " | ".join(line.strip() for line in lines[-_LOG_TAIL_LINES:])[-_LOG_TAIL_CHARACTERS:]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does, so that connections just closed do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
