"""The folder into which people put usage files, and what becomes of each file there.

    <folder>/                waiting
    <folder>/working/        the one that a run is about
    <folder>/done/           landed, and beside each file `<file>.txt` that says so
    <folder>/failed/         not landed, and beside each file `<file>.txt` with the reason

A file that is taken gets the time in front of its name, so that no two are ever the same. Moves are renames
within the folder: they happen whole or not at all. Not here: when to look (drop_folder_sensor.py), what a
file is (hand_made.py).
"""

import datetime as dt
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WORKING, DONE, FAILED = "working", "done", "failed"

# Programs give unfinished files such names; and a name with a dot in front is hidden on purpose.
_UNFINISHED_SUFFIXES = frozenset({".part", ".tmp", ".crdownload", ".download", ".filepart"})

_NAME_BYTES = 200


@dataclass(frozen=True)
class Look:
    """What a waiting file looked like, once."""

    size: int
    modified_ns: int


@dataclass(frozen=True)
class DropFolder:
    """A folder that exists; its own folders are made when they are needed."""

    path: Path

    def waiting(self) -> dict[str, Look]:
        """Ordinary files by name, the longest unchanged first; no links, nothing hidden or unfinished."""
        looks: dict[str, Look] = {}
        for path in self.path.iterdir():
            if path.name.startswith(".") or path.suffix.lower() in _UNFINISHED_SUFFIXES:
                continue
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                looks[path.name] = Look(status.st_size, status.st_mtime_ns)
        return dict(sorted(looks.items(), key=lambda look: (look[1].modified_ns, look[0])))

    def working(self) -> list[Path]:
        """Files that were taken and are not finished, the earliest first."""
        folder = self.path / WORKING
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def failed(self) -> list[str]:
        """Names of the files that could not be landed, without the reasons beside them."""
        folder = self.path / FAILED
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        return sorted(name for name in names if name.removesuffix(".txt") not in names - {name})

    def trouble(self) -> str | None:
        """Why files in it cannot be moved on, in one line; nothing is tried, and None if all is well."""
        for folder in (self.path, *(self.path / name for name in (WORKING, DONE, FAILED))):
            if folder.is_dir():
                if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    return f"{folder}: may not be read and written to by this user"
            elif folder == self.path:
                return f"{folder}: is no folder"
            elif os.path.lexists(folder):
                return f"{folder}: is in the way of the folder of that name, and no folder"
        return None

    def take(self, name: str, *, now: dt.datetime) -> Path:
        """Move a waiting file to where a run works on it."""
        # Room for the time and for `.txt` within 255 bytes, and nothing that a database cannot store.
        kept = name.encode("utf-8", "replace")[-_NAME_BYTES:].decode("utf-8", "ignore")
        return _moved(self.path / name, self.path / WORKING, name=f"{now:%Y%m%dT%H%M%S%fZ}-{kept}")

    def finish(self, path: Path, *, succeeded: bool, reason: str) -> Path:
        """Move a taken file to `done` or `failed`, the reason beside it."""
        folder = self.path / (DONE if succeeded else FAILED)
        folder.mkdir(exist_ok=True)
        (folder / f"{path.name}.txt").write_text(f"{reason}\n", encoding="utf-8")
        return _moved(path, folder, name=path.name)


def settled(now: Mapping[str, Look], *, before: Mapping[str, Look]) -> list[str]:
    """Files that nobody has written to since the look before; empty ones are still to be written."""
    return [name for name, look in now.items() if before.get(name) == look and look.size]


def _moved(path: Path, folder: Path, *, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    return path.rename(folder / name)
