"""Bodies in the archive: whole or not there, found by name, read again byte for byte."""

import datetime as dt
import gzip
import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from orchestration.landing.archive import Archive
from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.errors import ArchiveError
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT

LEAP_DAY = dt.date(2024, 2, 29)
MARCH = dt.date(2024, 3, 1)
APRIL = dt.date(2024, 4, 1)
BODY = b"Id,Count\r\n" + bytes(range(256)) * 4_000


@pytest.fixture(params=["folder", "memory"])
def archive_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "archive")
        return
    yield "memory://archive"
    fsspec.filesystem("memory").store.clear()


def put(archive: Archive, body: bytes, **changed: object) -> ArchivedBody:
    name = {"account": "acme", "aspect": WORKER_COUNT, "since": LEAP_DAY, "until": MARCH} | changed
    with archive.writer(**name) as writer:
        writer.write(body[:10])
        writer.write(body[10:])
        return writer.commit()


def files_of(archive_url: str) -> list[str]:
    files, root = fsspec.core.url_to_fs(archive_url)
    return files.find(root)


def test_a_body_is_kept_byte_for_byte_under_a_name_that_says_what_it_is(archive_url):
    archived = put(Archive(archive_url), BODY)
    sha256 = hashlib.sha256(BODY).hexdigest()
    assert (archived.sha256, archived.bytes) == (sha256, len(BODY))
    assert "/acme/worker-count/2024-02-29_2024-03-01/" in archived.uri
    assert archived.uri.endswith(f"Z-{sha256[:12]}.csv.gz")
    with fsspec.open(archived.uri) as file:
        assert gzip.decompress(file.read()) == BODY


def test_an_archived_body_is_found_by_account_and_aspect_and_read_again(archive_url):
    archive = Archive(archive_url)
    first, second = put(archive, b"first"), put(archive, BODY, since=dt.date(2024, 2, 1))
    put(archive, BODY, account="other")
    put(archive, BODY, aspect=RUN_MINUTES)
    entries = archive.entries(account="acme", aspect=WORKER_COUNT)
    assert [entry.uri for entry in entries] == [first.uri, second.uri]
    assert [(entry.since, entry.until) for entry in entries] == [
        (LEAP_DAY, MARCH),
        (dt.date(2024, 2, 1), MARCH),
    ]
    reader = archive.open(entries[1])
    assert b"".join(reader) == BODY
    assert reader.body() == second


def test_an_archive_that_holds_nothing_yet_has_no_entries(archive_url):
    assert Archive(archive_url).entries(account="acme", aspect=WORKER_COUNT) == []


def test_without_a_commit_nothing_is_left_behind(archive_url):
    archive = Archive(archive_url)
    with archive.writer(account="acme", aspect=WORKER_COUNT, since=LEAP_DAY, until=MARCH) as writer:
        writer.write(BODY)
    assert files_of(archive_url) == []


def test_what_others_put_into_the_archive_is_not_taken_for_a_body(archive_url):
    archive = Archive(archive_url)
    folder = put(archive, BODY).uri.rpartition("/")[0]
    for name in (".unfinished-x", "notes.csv.gz", "20240229T000000000000Z-0123456789ab.csv.gz.bak"):
        with fsspec.open(f"{folder}/{name}", "wb") as file:
            file.write(b"x")
    assert len(archive.entries(account="acme", aspect=WORKER_COUNT)) == 1


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda kept: kept[:-20], "is cut", id="cut"),
        pytest.param(lambda kept: b"", "is cut", id="emptied"),
        pytest.param(lambda kept: gzip.compress(b"other"), "its SHA-256 is", id="replaced"),
        pytest.param(lambda kept: b"no gzip" * 10, "cannot read", id="no gzip"),
    ],
)
def test_a_damaged_body_is_refused_at_its_end_at_the_latest(archive_url, damage, words):
    archive = Archive(archive_url)
    uri = put(archive, BODY).uri
    with fsspec.open(uri) as file:
        kept = file.read()
    with fsspec.open(uri, "wb") as file:
        file.write(damage(kept))
    (entry,) = archive.entries(account="acme", aspect=WORKER_COUNT)
    with pytest.raises(ArchiveError, match=words) as raised:
        list(archive.open(entry))
    assert uri in str(raised.value)


@pytest.mark.parametrize("account", ["..", ".", "a/../../b", "/etc", "c:\\x"])
def test_an_account_cannot_leave_the_archive(tmp_path, account):
    archive = Archive(str(tmp_path / "archive"))
    archived = put(archive, BODY, account=account)
    path = Path(archived.uri.removeprefix("file://"))
    assert len(path.relative_to(tmp_path / "archive").parts) == 4
    assert [entry.uri for entry in archive.entries(account=account, aspect=WORKER_COUNT)] == [archived.uri]


def test_an_archive_of_an_unknown_kind_is_refused_in_one_line_without_its_password():
    with pytest.raises(
        ArchiveError, match=r"^USAGE_ARCHIVE_URL nosuch://bucket: Protocol not known: nosuch$"
    ):
        Archive("nosuch://me:hunter2/@bucket")


def test_a_refused_answer_is_kept_and_is_no_body_that_could_be_landed(archive_url):
    archive = Archive(archive_url)
    name = {"account": "acme", "aspect": WORKER_COUNT, "since": LEAP_DAY, "until": MARCH}
    kept = archive.keep_refused(b"<html>", **name)
    with fsspec.open(kept.uri) as file:
        assert gzip.decompress(file.read()) == b"<html>"
    assert kept.sha256 == hashlib.sha256(b"<html>").hexdigest()
    assert archive.entries(account="acme", aspect=WORKER_COUNT) == []


def test_a_suspicious_day_stands_beside_its_body_until_that_is_taken_back(archive_url):
    archive = Archive(archive_url)
    first, second = put(archive, b"first", until=dt.date(2024, 3, 2)), put(archive, BODY)

    def marked() -> list[set[dt.date]]:
        entries = archive.entries(account="acme", aspect=WORKER_COUNT)
        return [set(entry.suspicious_days) for entry in entries]

    assert [first.uri, second.uri] == [
        entry.uri for entry in archive.entries(account="acme", aspect=WORKER_COUNT)
    ]
    for day in (LEAP_DAY, MARCH, MARCH):
        archive.mark_suspicious(first.uri, day)
    assert marked() == [{LEAP_DAY, MARCH}, set()]
    archive.unmark_suspicious(first.uri, LEAP_DAY)
    assert marked() == [{MARCH}, set()]


def test_an_archive_that_cannot_be_written_says_so_in_one_line(tmp_path):
    (tmp_path / "archive").write_text("a file, not a folder")
    with pytest.raises(ArchiveError, match=r"^cannot write to the archive folder .*Not a directory"):
        put(Archive(str(tmp_path / "archive")), BODY)


def test_what_a_killed_process_left_unfinished_is_removed_and_what_is_being_written_is_not(tmp_path):
    archive = Archive(str(tmp_path))
    archived = put(archive, BODY)
    child = os.fork()
    if child == 0:
        with archive.writer(account="acme", aspect=RUN_MINUTES, since=LEAP_DAY, until=MARCH) as writer:
            writer.write(BODY)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = tmp_path.rglob(".unfinished-*")
    with archive.writer(account="acme", aspect=WORKER_COUNT, since=MARCH, until=APRIL) as writer:
        writer.write(BODY)
        archive.remove_unfinished()
        assert not left.parent.exists()
        writer.commit()
    assert [entry.uri for entry in archive.entries(account="acme", aspect=WORKER_COUNT)] == [
        archived.uri,
        writer.archived.uri,
    ]
    archive.remove_unfinished()
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
