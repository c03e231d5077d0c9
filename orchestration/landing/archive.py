"""The downloaded bytes, kept: every body as it came, compressed, with its digest in its name.

Here: keeping a body, finding it again. Not here: names (archive_names.py), the bytes (archive_body.py), what
the rows mean (usage_csv.py), when a body is complete (spacelift/client.py raises when it is not, and then
nothing is kept).
"""

import contextlib
import datetime as dt
import hashlib
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from orchestration.landing.archive_body import (
    ArchivedBody,
    ArchiveReader,
    ArchiveWriter,
    one_line,
    write_at_once,
    write_errors,
)
from orchestration.landing.archive_names import (
    REFUSED_SUFFIX,
    ArchiveEntry,
    entries_of,
    name_of_bytes,
    name_of_days,
    suspicious_name,
)
from orchestration.landing.errors import ArchiveError
from orchestration.landing.unfinished import remove_unfinished_files
from orchestration.spacelift.aspects import Aspect


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
            raise ArchiveError(f"USAGE_ARCHIVE_URL {self.url}: {one_line(error)}") from error

    @contextlib.contextmanager
    def writer(
        self, *, account: str, aspect: Aspect, since: dt.date, until: dt.date
    ) -> Iterator[ArchiveWriter]:
        """Take one body. It is kept when `commit` has returned; without that nothing is left behind.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        folder = f"{self._folder(account, aspect)}/{name_of_days(since=since, until=until)}"
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
            return writer.commit(suffix=REFUSED_SUFFIX)

    def keep_report(self, body: bytes, *, account: str, file_name: str) -> ArchivedBody:
        """Keep a self-hosted instance's report byte for byte, so that the file can be handed to Spacelift.

        It is `<archive>/<account>/self-hosted/<fetched at>-<first 12 of its SHA-256>/<file name>`.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        name = name_of_bytes(dt.datetime.now(dt.UTC), hashlib.sha256(body).hexdigest())
        folder = f"{self._account_folder(account)}/self-hosted/{name}"
        return write_at_once(self._files, folder, name=file_name, data=body)

    def report_body(self, archived: ArchivedBody) -> bytes:
        """The bytes of a report that is kept here.

        Raises:
            ArchiveError: the file cannot be read, or is not what was kept.
        """
        try:
            with self._files.open(archived.uri, "rb") as file:
                body: bytes = file.read()
        except OSError as error:
            raise ArchiveError(f"cannot read {archived.uri}: {one_line(error)}") from error
        if hashlib.sha256(body).hexdigest() != archived.sha256:
            raise ArchiveError(f"{archived.uri} is damaged: its SHA-256 is another than when it was kept")
        return body

    def mark_suspicious(self, uri: str, day: dt.date) -> None:
        """Note that a day of this body was not landed because it shrank; noting it again changes nothing.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with write_errors(uri):
            self._files.pipe_file(suspicious_name(uri, day), b"")

    def unmark_suspicious(self, uri: str, day: dt.date) -> None:
        """Take that note back: a person accepts the day as it is in this body.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with write_errors(uri):
            self._files.rm_file(suspicious_name(uri, day))

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
            raise ArchiveError(f"cannot list the archive {self.url}: {one_line(error)}") from error
        return entries_of(paths, uri_of=self._files.unstrip_protocol)

    def open(self, entry: ArchiveEntry) -> ArchiveReader:
        """The uncompressed bytes of a body, as an iterator of blocks that checks the digest at the end."""
        return ArchiveReader(self._files, entry)

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
