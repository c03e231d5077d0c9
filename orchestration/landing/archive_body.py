"""The bytes of one body into the archive and out of it: compressed, put in their place at once, checked.

Not here: what a body is called (archive_names.py), how it is found (archive.py), what its rows mean
(usage_csv.py).
"""

import contextlib
import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from isal import isal_zlib

from orchestration.landing.archive_names import BODY_SUFFIX, ArchiveEntry, name_of_bytes
from orchestration.landing.errors import ArchiveError
from orchestration.landing.unfinished import new_unfinished_file

# Measured in November 2026 on run-minutes rows: level 1 takes 1 ms/MB and leaves 22 %; 2 and 3 gain nothing.
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_READ_BYTES = 65_536
_BLOCK_BYTES = 262_144


@dataclass(frozen=True)
class ArchivedBody:
    """A body that is in the archive: where, the SHA-256 and the number of its uncompressed bytes."""

    uri: str
    sha256: str
    bytes: int


class ArchiveWriter:
    """Made by `Archive.writer`: `write` every block, then `commit`."""

    def __init__(self, files: Any, folder: str) -> None:
        self._files = files
        self._folder = folder
        self._is_local = isinstance(files, LocalFileSystem)
        self._fetched_at = dt.datetime.now(dt.UTC)
        self._digest = hashlib.sha256()
        self._gzip = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
        self._bytes = 0
        with write_errors(folder):
            if self._is_local:
                # In the folder of the body itself: a rename is atomic only within one file system.
                Path(folder).mkdir(parents=True, exist_ok=True)
            self._file = new_unfinished_file(Path(folder) if self._is_local else None)
        self.archived: ArchivedBody | None = None

    def write(self, block: bytes) -> None:
        """Take the next bytes of the body."""
        self._digest.update(block)
        self._bytes += len(block)
        with write_errors(self._folder):
            self._file.write(self._gzip.compress(block))

    def commit(self, *, suffix: str = BODY_SUFFIX) -> ArchivedBody:
        """Put the body in its place, all of it at once."""
        with write_errors(self._folder):
            self._file.write(self._gzip.flush())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        sha256 = self._digest.hexdigest()
        path = f"{self._folder}/{name_of_bytes(self._fetched_at, sha256)}{suffix}"
        with write_errors(self._folder):
            if self._is_local:
                Path(self._file.name).replace(path)
                _sync_folder(Path(self._folder))
            else:
                self._files.put_file(self._file.name, path)
        self.archived = ArchivedBody(self._files.unstrip_protocol(path), sha256, self._bytes)
        return self.archived

    def discard(self) -> None:
        """Remove what is not in its place; after a commit there is nothing to remove."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)
        if self._is_local and self.archived is None:
            with contextlib.suppress(OSError):
                Path(self._folder).rmdir()


class ArchiveReader(Iterator[bytes]):
    """The blocks of one archived body; `body` is known after the last one.

    Raises, in the iteration:
        ArchiveError: the file cannot be read, is cut, or is not what its name says.
    """

    def __init__(self, files: Any, entry: ArchiveEntry) -> None:
        self._entry = entry
        self._blocks = self._read(files)
        self._digest = hashlib.sha256()
        self._bytes = 0

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except (OSError, isal_zlib.error) as error:  # type: ignore[misc]  # its stub says instance, not class
            raise ArchiveError(f"cannot read {self._entry.uri}: {one_line(error)}") from error

    def body(self) -> ArchivedBody:
        """What was read, once it has been read to its end."""
        return ArchivedBody(self._entry.uri, self._digest.hexdigest(), self._bytes)

    def _read(self, files: Any) -> Iterator[bytes]:
        gzip = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
        with files.open(self._entry.uri, "rb") as file:
            while not gzip.eof:
                compressed = gzip.unconsumed_tail or file.read(_READ_BYTES)
                block = gzip.decompress(compressed, _BLOCK_BYTES)
                if not compressed and not block:
                    raise ArchiveError(f"{self._entry.uri} is cut: its gzip stream does not end")
                self._digest.update(block)
                self._bytes += len(block)
                if block:
                    yield block
        if not self._digest.hexdigest().startswith(self._entry.sha256_start):
            raise ArchiveError(f"{self._entry.uri} is damaged: its SHA-256 is {self._digest.hexdigest()}")


def write_at_once(files: Any, folder: str, *, name: str, data: bytes) -> ArchivedBody:
    """Put some bytes into a folder as they are.

    Raises:
        ArchiveError: the archive cannot be written.
    """
    path = f"{folder}/{name}"
    with write_errors(folder):
        if isinstance(files, LocalFileSystem):
            Path(folder).mkdir(parents=True, exist_ok=True)
            with new_unfinished_file(Path(folder)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            _sync_folder(Path(folder))
        else:
            files.pipe_file(path, data)
    return ArchivedBody(files.unstrip_protocol(path), hashlib.sha256(data).hexdigest(), len(data))


@contextlib.contextmanager
def write_errors(folder: str) -> Iterator[None]:
    """Whatever goes wrong in the block is an ArchiveError."""
    # Each kind of file system has errors of its own; all of them mean that the body is not in its place.
    try:
        yield
    except Exception as error:
        raise ArchiveError(f"cannot write to the archive folder {folder}: {one_line(error)}") from error


def _sync_folder(folder: Path) -> None:
    """Without this the new name may be lost when the machine stops, though the bytes are not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def one_line(error: BaseException) -> str:
    """What an error says, else its name."""
    return " ".join(str(error).split()) or type(error).__name__
