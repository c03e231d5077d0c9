"""Workers per pool and hour, counted from the heartbeats of a self-hosted instance.

Here: pure counting. Not here: where the rows come from (usage_days.py).

A row says when a worker was first and last heard. What happens between and after heartbeats is not
published, so this module assumes, and nothing else does:

- a worker is there from its first heartbeat to its last, both instants included;
- rows of one worker in one pool that are at most HEARTBEAT_GAP apart are one stay: reports may cut a stay at
  midnight or into pieces;
- concurrency is sampled at every whole minute of UTC, as customers were told that Spacelift does. The hour's
  count is its highest sample. So a worker that takes another's place within a minute counts once, and one
  that stays for less than a minute may not count at all.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from orchestration.selfhosted.report import Row, instant

HEARTBEAT_GAP = dt.timedelta(minutes=2)

_MINUTE_SECONDS = 60
_MINUTES_PER_HOUR = 60
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Stay:
    """A worker in a pool, from its first heartbeat to its last (UTC)."""

    worker: str
    pool: str
    first_at: dt.datetime
    last_at: dt.datetime


def stay_of(row: Row) -> Stay:
    """A row of `heartbeats`. Pools are known by ULID, by their number where the row has no ULID.

    Raises:
        ValueError: a value that the count needs is missing or cannot be read; the message names it.
    """
    times = []
    for column in ("first_heartbeat_time", "last_heartbeat_time"):
        try:
            times.append(instant(row.get(column)))
        except ValueError as error:
            raise ValueError(f"{column} is no time") from error
    first_at, last_at = times
    if last_at < first_at:
        raise ValueError("last_heartbeat_time is before first_heartbeat_time")
    worker, pool = _identity(row, "worker"), _identity(row, "worker_pool")
    if worker is None:
        raise ValueError("neither worker_ulid nor worker_id is there")
    return Stay(worker, pool or "", first_at, last_at)


def workers_by_hour(
    stays: Iterable[Stay], *, since: dt.date, until: dt.date
) -> dict[str, dict[dt.datetime, int]]:
    """The most workers of each pool at once in each hour of the UTC days (`until` exclusive), no zeros."""
    begin = _midnight_minute(since)
    minutes = _midnight_minute(until) - begin
    changes: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (minutes + 1))
    for stay in _joined(stays):
        # The whole minutes at which the worker was there.
        first = max(-(-_seconds(stay.first_at) // _MINUTE_SECONDS) - begin, 0)
        last = min(_seconds(stay.last_at, is_end=True) // _MINUTE_SECONDS - begin, minutes - 1)
        if first <= last:
            changes[stay.pool][first] += 1
            changes[stay.pool][last + 1] -= 1
    return {pool: _highest_by_hour(change, begin=begin) for pool, change in changes.items()}


def _joined(stays: Iterable[Stay]) -> Iterable[Stay]:
    """The same stays; those of one worker and pool that touch, overlap or nearly do are one."""
    by_worker: defaultdict[tuple[str, str], list[Stay]] = defaultdict(list)
    for stay in stays:
        by_worker[stay.worker, stay.pool].append(stay)
    for (worker, pool), pieces in by_worker.items():
        pieces.sort(key=lambda piece: piece.first_at)
        first_at, last_at = pieces[0].first_at, pieces[0].last_at
        for piece in pieces[1:]:
            if piece.first_at - last_at > HEARTBEAT_GAP:
                yield Stay(worker, pool, first_at, last_at)
                first_at, last_at = piece.first_at, piece.last_at
            last_at = max(last_at, piece.last_at)
        yield Stay(worker, pool, first_at, last_at)


def _highest_by_hour(change: list[int], *, begin: int) -> dict[dt.datetime, int]:
    counts = list(accumulate(change[:-1]))
    highest = {}
    for start in range(0, len(counts), _MINUTES_PER_HOUR):
        if most := max(counts[start : start + _MINUTES_PER_HOUR]):
            highest[_EPOCH + dt.timedelta(minutes=begin + start)] = most
    return highest


def _identity(row: Mapping[str, object], name: str) -> str | None:
    ulid, number = row.get(f"{name}_ulid"), row.get(f"{name}_id")
    if isinstance(ulid, str) and ulid.strip():
        return ulid.strip().upper()
    return None if number in (None, "") else f"{name}-{number}"


def _seconds(at: dt.datetime, *, is_end: bool = False) -> int:
    """Unix seconds: a start's fraction is rounded up, an end's down, so that neither reaches a sample."""
    whole = int((at - _EPOCH) // dt.timedelta(seconds=1))
    return whole if is_end or not at.microsecond else whole + 1


def _midnight_minute(day: dt.date) -> int:
    return (day - _EPOCH.date()).days * 24 * _MINUTES_PER_HOUR
