"""What an archived body is called, and what its name says again when it is read.

A body is `<archive>/<account>/<aspect>/<since>_<until>/<fetched at>-<first 12 of its SHA-256>.csv.gz`: days
are UTC and `until` is exclusive, the time is UTC, the digest is that of the uncompressed bytes. Names say all
that a search needs, so no index can be lost or disagree.

Beside it, an empty file `<fetched at>-<digest>.<day>.suspicious` says that this day of the body was not
landed, because it has far fewer rows than before: who lands everything again from here leaves it out too. An
answer that is no usage file at all is kept as `….refused.gz`, for a person to look at; nothing lands it.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

BODY_SUFFIX = ".csv.gz"
REFUSED_SUFFIX = ".refused.gz"

_DIGEST_CHARACTERS = 12
_TIME_FORMAT = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(
    r"(?P<since>\d{4}-\d\d-\d\d)_(?P<until>\d{4}-\d\d-\d\d)/"
    r"(?P<fetched_at>\d{8}T\d{12}Z)-(?P<digest>[0-9a-f]{12})\.csv\.gz"
)
_SUSPICIOUS_NAME = re.compile(r"(?P<body>.*)\.(?P<day>\d{4}-\d\d-\d\d)\.suspicious")


@dataclass(frozen=True)
class ArchiveEntry:
    """What the names of an archived body say. Days are UTC, `until` is exclusive."""

    uri: str
    since: dt.date
    until: dt.date
    fetched_at: dt.datetime
    sha256_start: str
    suspicious_days: frozenset[dt.date] = frozenset()


def name_of_days(*, since: dt.date, until: dt.date) -> str:
    """The folder of the bodies that were asked for with these days."""
    return f"{since.isoformat()}_{until.isoformat()}"


def name_of_bytes(fetched_at: dt.datetime, sha256: str) -> str:
    """When some bytes came, and which; times in UTC."""
    return f"{fetched_at.strftime(_TIME_FORMAT)}-{sha256[:_DIGEST_CHARACTERS]}"


def suspicious_name(uri: str, day: dt.date) -> str:
    """The note beside a body that this day of it was not landed."""
    return f"{uri.removesuffix(BODY_SUFFIX)}.{day.isoformat()}.suspicious"


def entries_of(paths: Sequence[str], *, uri_of: Callable[[str], str]) -> list[ArchiveEntry]:
    """The bodies among these paths, the oldest first; whatever else lies there is left out."""
    suspicious: dict[str, set[dt.date]] = defaultdict(set)
    for path in paths:
        if match := _SUSPICIOUS_NAME.fullmatch(path):
            suspicious[match["body"] + BODY_SUFFIX].add(dt.date.fromisoformat(match["day"]))
    found = [_entry(path, uri=uri_of(path), suspicious_days=suspicious[path]) for path in paths]
    return sorted((entry for entry in found if entry), key=lambda entry: (entry.fetched_at, entry.uri))


def _entry(path: str, *, uri: str, suspicious_days: Iterable[dt.date]) -> ArchiveEntry | None:
    match = _NAME.fullmatch("/".join(path.rsplit("/", 2)[1:]))
    if match is None:
        return None
    fetched_at = dt.datetime.strptime(match["fetched_at"], _TIME_FORMAT).replace(tzinfo=dt.UTC)
    return ArchiveEntry(
        uri=uri,
        since=dt.date.fromisoformat(match["since"]),
        until=dt.date.fromisoformat(match["until"]),
        fetched_at=fetched_at,
        sha256_start=match["digest"],
        suspicious_days=frozenset(suspicious_days),
    )
