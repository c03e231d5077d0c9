"""Whether the server of a data folder runs: postmaster.pid, and what it can be wrong about.

After a crash or a reboot the file stays, and its pid may be anybody's. So the server is known by a mark on
its command line, the device and inode of its data folder: a moved folder keeps it, a copied one has another,
and every user may read it, unlike the working directory of a process.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PS_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Postmaster:
    """A running server; `port` is None and `is_ready` False while it is still starting."""

    pid: int
    port: int | None
    is_ready: bool


def mark(data: Path) -> str:
    """The `cluster_name` of the server of this data folder."""
    folder = data.stat()
    return f"spacelift-usage-{folder.st_dev}-{folder.st_ino}"


def running_postmaster(data: Path) -> Postmaster | None:
    """The server of this data folder; None if it does not run, whatever postmaster.pid says."""
    lines = _pid_file_lines(data)
    if not lines or not lines[0].isdecimal():
        return None
    pid = int(lines[0])
    if f"cluster_name={mark(data)}" not in _command_line(pid):
        return None
    # Lines: pid, data folder, start, port, socket folder, address, shared memory, status.
    port = int(lines[3]) if len(lines) > 3 and lines[3].isdecimal() else None
    return Postmaster(pid=pid, port=port, is_ready=len(lines) > 7 and lines[7].strip() == "ready")


def disown_stale_pid(data: Path) -> None:
    """Let a server start although the pid in postmaster.pid has become that of some other process.

    The file is kept, because its shared memory key is how PostgreSQL finds survivors of a crashed server. Its
    pid becomes that of this process: PostgreSQL takes the pid of whoever called pg_ctl for a leftover.
    """
    lines = _pid_file_lines(data)
    if lines is not None:
        (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")


def _pid_file_lines(data: Path) -> list[str] | None:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None


def _command_line(pid: int) -> list[str]:
    """The arguments of a process; empty if there is no such process or it has ended."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return []
    answer = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=_PS_TIMEOUT_SECONDS,
    )
    return answer.stdout.split()
