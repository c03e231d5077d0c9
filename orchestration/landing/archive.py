"""The downloaded bytes, kept: every body as it came, compressed, with its digest in its name.

Here: writing a body atomically, finding and reading it again. Not here: what the rows mean (usage_csv.py),
when a body is complete (spacelift/client.py raises when it is not, and then nothing is kept).

A body is `<archive>/<account>/<aspect>/<since>_<until>/<fetched at>-<first 12 of its SHA-256>.csv.gz`: days
are UTC and `until` is exclusive, the time is UTC, the digest is that of the uncompressed bytes. Names say all
that a search needs, so no index can be lost or disagree.

Beside it, an empty file `<fetched at>-<digest>.<day>.suspicious` says that this day of the body was not
landed, because it has far fewer rows than before: who lands everything again from here leaves it out too. An
answer that is no usage file at all is kept as `….refused.gz`, for a person to look at; nothing lands it.
"""

import contextlib
import datetime as dt
import hashlib
import os
import re
import tempfile
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from isal import isal_zlib

from orchestration.landing.errors import ArchiveError
from orchestration.landing.unfinished import new_unfinished_file, remove_unfinished_files
from orchestration.spacelift.aspects import Aspect

# Measured in November 2026 on run-minutes rows: level 1 takes 1 ms/MB and leaves 22 %; 2 and 3 gain nothing.
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_READ_BYTES = 65_536
_BLOCK_BYTES = 262_144
_DIGEST_CHARACTERS = 12
_PROBE = b"Can this be written?"
_TIME_FORMAT = "%Y%m%dT%H%M%S%fZ"

_NAME = re.compile(
    r"(?P<since>\d{4}-\d\d-\d\d)_(?P<until>\d{4}-\d\d-\d\d)/"
    r"(?P<fetched_at>\d{8}T\d{12}Z)-(?P<digest>[0-9a-f]{12})\.csv\.gz"
)
_SUSPICIOUS_NAME = re.compile(r"(?P<body>.*)\.(?P<day>\d{4}-\d\d-\d\d)\.suspicious")
_BODY_SUFFIX = ".csv.gz"
_REFUSED_SUFFIX = ".refused.gz"


@dataclass(frozen=True)
class ArchivedBody:
    """A body that is in the archive: where, the SHA-256 and the number of its uncompressed bytes."""

    uri: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class ArchiveEntry:
    """What the names of an archived body say. Days are UTC, `until` is exclusive."""

    uri: str
    since: dt.date
    until: dt.date
    fetched_at: dt.datetime
    sha256_start: str
    suspicious_days: frozenset[dt.date] = frozenset()


class Archive:
    """A folder, or any URL that fsspec knows (`s3://…`, `gs://…`); `url` is what may be shown of it.

    Raises:
        ArchiveError: the URL is of no known kind, or the package for its kind is not installed.
    """

    def __init__(self, url: str) -> None:
        # Without the user and password that some kinds of URL carry.
        self.url = re.sub("://.*@", "://", url, count=1)
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ArchiveError(f"USAGE_ARCHIVE_URL {self.url}: {_one_line(error)}") from error

    @contextlib.contextmanager
    def writer(
        self, *, account: str, aspect: Aspect, since: dt.date, until: dt.date
    ) -> Iterator["ArchiveWriter"]:
        """Take one body. It is kept when `commit` has returned; without that nothing is left behind.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        folder = f"{self._folder(account, aspect)}/{since.isoformat()}_{until.isoformat()}"
        writer = ArchiveWriter(self._files, folder)
        try:
            yield writer
        finally:
            writer.discard()

    def keep_refused(
        self, body: bytes, *, account: str, aspect: Aspect, since: dt.date, until: dt.date
    ) -> ArchivedBody:
        """Keep an answer that is no usage file, so that a person can see what came.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with self.writer(account=account, aspect=aspect, since=since, until=until) as writer:
            writer.write(body)
            return writer.commit(suffix=_REFUSED_SUFFIX)

    def keep_report(self, body: bytes, *, account: str, file_name: str) -> ArchivedBody:
        """Keep a self-hosted instance's report byte for byte, so that the file can be handed to Spacelift.

        It is `<archive>/<account>/self-hosted/<fetched at>-<first 12 of its SHA-256>/<file name>`.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        fetched_at = dt.datetime.now(dt.UTC).strftime(_TIME_FORMAT)
        folder = f"{self._account_folder(account)}/self-hosted/{fetched_at}-{sha256[:_DIGEST_CHARACTERS]}"
        path = f"{folder}/{file_name}"
        with _write_errors(folder):
            if isinstance(self._files, LocalFileSystem):
                Path(folder).mkdir(parents=True, exist_ok=True)
                with new_unfinished_file(Path(folder)) as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(path)
                _sync_folder(Path(folder))
            else:
                self._files.pipe_file(path, body)
        return ArchivedBody(self._files.unstrip_protocol(path), sha256, len(body))

    def mark_suspicious(self, uri: str, day: dt.date) -> None:
        """Note that a day of this body was not landed because it shrank; noting it again changes nothing.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with _write_errors(uri):
            self._files.pipe_file(_suspicious_name(uri, day), b"")

    def unmark_suspicious(self, uri: str, day: dt.date) -> None:
        """Take that note back: a person accepts the day as it is in this body.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with _write_errors(uri):
            self._files.rm_file(_suspicious_name(uri, day))

    def entries(self, *, account: str, aspect: Aspect) -> list[ArchiveEntry]:
        """All bodies of one aspect, the oldest first; read from their names alone.

        Raises:
            ArchiveError: the archive cannot be listed.
        """
        folder = self._folder(account, aspect)
        try:
            self._files.invalidate_cache()
            paths = self._files.find(folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ArchiveError(f"cannot list the archive {self.url}: {_one_line(error)}") from error
        suspicious: dict[str, set[dt.date]] = defaultdict(set)
        for path in paths:
            if match := _SUSPICIOUS_NAME.fullmatch(path):
                suspicious[match["body"] + _BODY_SUFFIX].add(dt.date.fromisoformat(match["day"]))
        found = [self._entry(path, suspicious_days=suspicious[path]) for path in paths]
        return sorted((entry for entry in found if entry), key=lambda entry: (entry.fetched_at, entry.uri))

    def open(self, entry: ArchiveEntry) -> "ArchiveReader":
        """The uncompressed bytes of a body, as an iterator of blocks that checks the digest at the end."""
        return ArchiveReader(self._files, entry)

    def try_to_write(self) -> None:
        """Write a few bytes where bodies go, and leave none behind.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with _write_errors(self.url):
            if isinstance(self._files, LocalFileSystem):
                # A folder that is not there yet is made by the first body, in the nearest one that is.
                folder = Path(self._root)
                while not folder.exists():
                    folder = folder.parent
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(_PROBE)
                return
            path = f"{self._root.rstrip('/')}/.usage-probe"
            self._files.pipe_file(path, _PROBE)
            # A bucket may keep all that it gets; the next probe has the same name.
            with contextlib.suppress(Exception):
                self._files.rm_file(path)

    def remove_unfinished(self) -> None:
        """Remove what processes that were killed had begun to write; no body is touched."""
        remove_unfinished_files(Path(self._root) if isinstance(self._files, LocalFileSystem) else None)

    def _folder(self, account: str, aspect: Aspect) -> str:
        return f"{self._account_folder(account)}/{aspect.name}"

    def _account_folder(self, account: str) -> str:
        # Percent-encoded, dots included: an account can neither leave the archive nor meet another.
        safe_account = urllib.parse.quote(account, safe="")
        if not safe_account.strip("."):
            safe_account = safe_account.replace(".", "%2E")
        return f"{self._root.rstrip('/')}/{safe_account}"

    def _entry(self, path: str, *, suspicious_days: Iterable[dt.date]) -> ArchiveEntry | None:
        match = _NAME.fullmatch("/".join(path.rsplit("/", 2)[1:]))
        if match is None:
            return None
        fetched_at = dt.datetime.strptime(match["fetched_at"], _TIME_FORMAT).replace(tzinfo=dt.UTC)
        return ArchiveEntry(
            uri=self._files.unstrip_protocol(path),
            since=dt.date.fromisoformat(match["since"]),
            until=dt.date.fromisoformat(match["until"]),
            fetched_at=fetched_at,
            sha256_start=match["digest"],
            suspicious_days=frozenset(suspicious_days),
        )


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
        with _write_errors(folder):
            if self._is_local:
                # In the folder of the body itself: a rename is atomic only within one file system.
                Path(folder).mkdir(parents=True, exist_ok=True)
            self._file = new_unfinished_file(Path(folder) if self._is_local else None)
        self.archived: ArchivedBody | None = None

    def write(self, block: bytes) -> None:
        """Take the next bytes of the body."""
        self._digest.update(block)
        self._bytes += len(block)
        with _write_errors(self._folder):
            self._file.write(self._gzip.compress(block))

    def commit(self, *, suffix: str = _BODY_SUFFIX) -> ArchivedBody:
        """Put the body in its place, all of it at once."""
        with _write_errors(self._folder):
            self._file.write(self._gzip.flush())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        sha256 = self._digest.hexdigest()
        fetched_at = self._fetched_at.strftime(_TIME_FORMAT)
        path = f"{self._folder}/{fetched_at}-{sha256[:_DIGEST_CHARACTERS]}{suffix}"
        with _write_errors(self._folder):
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
            raise ArchiveError(f"cannot read {self._entry.uri}: {_one_line(error)}") from error

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


def _suspicious_name(uri: str, day: dt.date) -> str:
    return f"{uri.removesuffix(_BODY_SUFFIX)}.{day.isoformat()}.suspicious"


@contextlib.contextmanager
def _write_errors(folder: str) -> Iterator[None]:
    # Each kind of file system has errors of its own; all of them mean that the body is not in its place.
    try:
        yield
    except Exception as error:
        raise ArchiveError(f"cannot write to the archive folder {folder}: {_one_line(error)}") from error


def _sync_folder(folder: Path) -> None:
    """Without this the new name may be lost when the machine stops, though the bytes are not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
