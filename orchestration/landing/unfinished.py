"""Files on their way into the archive, and what is left of those whose process was killed.

Whoever writes such a file holds a lock on it, which the kernel takes back when the process ends, however it
ends. So one that can be locked belongs to nobody.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PREFIX = ".unfinished-usage-"


def new_unfinished_file(folder: Path | None) -> IO[bytes]:
    """An empty file in this folder, in that for temporary files if None; it is not removed by closing it."""
    file = tempfile.NamedTemporaryFile(dir=folder, prefix=_PREFIX, delete=False)  # noqa: SIM115 - for the caller
    # A file system without such locks cannot tell, and then nothing is removed either.
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def remove_unfinished_files(folder: Path | None) -> None:
    """Remove what killed processes left below this folder, or among the temporary files if None."""
    for path in _below(folder) if folder else Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Gone meanwhile, or another user's: not ours to clean.
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            if folder:
                path.parent.rmdir()


def _below(folder: Path) -> Iterator[Path]:
    # Unlike rglob it does not mind that folders go while it looks.
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if name.startswith(_PREFIX))
