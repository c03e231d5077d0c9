"""The demo account as a self-hosted instance tells of it: the same history, as a usage report.

Here: the report's tables. Not here: the history (account.py), HTTP (server.py).
Heartbeats are made from the hourly workers and cut at midnight; names of things are left out, as the vendor
says that its reports do. Source of envelope and columns: orchestration/selfhosted/report.py.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from orchestration.demo.account import FIRST_DAY, LAST_DAY, DemoRangeError, history, unix_hour
from orchestration.demo.dice import Dice
from orchestration.demo.scheduling import HOUR_SECONDS
from orchestration.demo.vendor_figures import SEATS_USED, minutes_on_workers

ACCOUNT_ULID = "01HPD3M0ACC0VNT0000000000A"
LICENSE_ID = "demo-license"

# Everybody logs in on every third day.
_DAYS_BETWEEN_LOGINS = 3
_ONE_DAY = dt.timedelta(days=1)
_SEED = "spacelift-usage-demo-workers"

Rows = list[dict[str, Any]]
ByDay = Mapping[dt.date, Rows]


def usage_report(*, since: dt.date, until: dt.date, tables: list[str] | None) -> bytes:
    """The report of the UTC days from `since` to `until` (exclusive); without `tables` all of them.

    Raises:
        DemoRangeError: no days, days after LAST_DAY, or a table that is not there.
    """
    if since >= until:
        raise DemoRangeError("start_timestamp must be before end_timestamp")
    if until > LAST_DAY + _ONE_DAY:
        raise DemoRangeError(f"the demo account's history ends on {LAST_DAY}")
    unknown = sorted(set(tables or ()) - _TABLES.keys())
    if unknown:
        raise DemoRangeError(f"unknown tables: {', '.join(unknown)}; valid tables: {', '.join(_TABLES)}")
    days = [since + _ONE_DAY * number for number in range((until - since).days)]
    metrics = {}
    for table in tables or _TABLES:
        by_day = _snapshot(table, last_day=days[-1]) if table in _SNAPSHOTS else _TABLES[table]()
        metrics[table] = {day.isoformat(): by_day[day] for day in days if by_day.get(day)}
    return json.dumps(
        {
            "account": {"name": "demo", "ulid": ACCOUNT_ULID, "license_id": LICENSE_ID},
            "spacelift_version": "v3.0.0-demo",
            "time_range": {"start": f"{since}T00:00:00Z", "end": f"{until}T00:00:00Z"},
            "metrics": metrics,
        }
    ).encode()


@cache
def _heartbeats() -> ByDay:
    """A worker stays as long as its pool has that many; it is heard every few seconds."""
    estate, activity = history()
    dice = Dice(_SEED)
    by_day: defaultdict[dt.date, Rows] = defaultdict(list)
    hours = range(unix_hour(FIRST_DAY), unix_hour(LAST_DAY + _ONE_DAY))
    for pool_id, pool in enumerate(estate.pools, start=1):
        counts = activity.workers[pool.key]
        for place in range(max(counts.values())):
            begin = None
            for hour in [*hours, hours.stop]:
                is_there = hour in hours and counts[hour] > place
                if is_there and begin is None:
                    begin, ulid = hour, dice.ulid(unix_seconds=hour * HOUR_SECONDS)
                # Cut at midnight, and where the worker goes.
                if begin is not None and (not is_there or hour % 24 == 0) and hour > begin:
                    by_day[_day(begin)].append(
                        {
                            "account_id": 1,
                            "worker_ulid": ulid,
                            "worker_pool_id": pool_id,
                            "worker_pool_ulid": pool.ulid,
                            "first_heartbeat_time": _time(begin * HOUR_SECONDS + dice.between(1, 20)),
                            "last_heartbeat_time": _time(hour * HOUR_SECONDS - dice.between(1, 20)),
                        }
                    )
                    begin = hour if is_there else None
    return by_day


@cache
def _runs() -> ByDay:
    estate, activity = history()
    numbers = {stack.ulid: number for number, stack in enumerate(estate.stacks, start=1)}
    by_day: defaultdict[dt.date, Rows] = defaultdict(list)
    for number, run in enumerate(activity.runs, start=1):
        by_day[_day(run.created_at // HOUR_SECONDS)].append(
            {
                "id": number,
                "account_id": 1,
                "ulid": run.ulid,
                "type": run.type,
                "stack_id": numbers[run.stack.ulid],
                "created_at": _time(run.created_at),
            }
        )
    return by_day


@cache
def _run_state_transitions() -> ByDay:
    _, activity = history()
    by_day: defaultdict[dt.date, Rows] = defaultdict(list)
    for number, (place, state, at) in enumerate(activity.transitions, start=1):
        by_day[_day(at // HOUR_SECONDS)].append(
            {
                "id": number,
                "run_ulid": activity.runs[place].ulid,
                "new_state": state,
                "created_at": _time(at),
            }
        )
    return by_day


@cache
def _daily_worker_usages() -> ByDay:
    """Whole minutes, rounded down."""
    by_day: dict[dt.date, Rows] = {}
    for number, day in enumerate(_days(), start=1):
        hours = range(unix_hour(day), unix_hour(day) + 24)
        by_day[day] = [
            {
                "id": number,
                "account_id": 1,
                "date": day.isoformat(),
                "private_minutes": minutes_on_workers(hours, is_public=False),
                "public_minutes": minutes_on_workers(hours, is_public=True),
            }
        ]
    return by_day


@cache
def _logins() -> ByDay:
    return {
        day: [
            {
                "id": day.toordinal() * 100 + user,
                "account_id": 1,
                "username": f"user-{user:02}",
                "created_at": f"{day}T08:{user:02}:00Z",
            }
            for user in range(SEATS_USED)
            if (day.toordinal() + user) % _DAYS_BETWEEN_LOGINS == 0
        ]
        for day in _days()
    }


def _stacks() -> Rows:
    estate, _ = history()
    pools = {pool.key: number for number, pool in enumerate(estate.pools, start=1)}
    return [
        {
            "id": number,
            "account_id": 1,
            "ulid": stack.ulid,
            "is_module": not stack.is_stack,
            "worker_pool_id": pools[stack.pool.key] if stack.pool else None,
            "created_at": stack.born_at.isoformat(),
        }
        for number, stack in enumerate(estate.stacks, start=1)
    ]


def _worker_pools() -> Rows:
    estate, _ = history()
    return [
        {"id": number, "account_id": 1, "created_at": pool.born_at.isoformat()}
        for number, pool in enumerate(estate.pools, start=1)
    ]


_SNAPSHOTS: Mapping[str, Callable[[], Rows]] = {"stacks": _stacks, "worker_pools": _worker_pools}
_TABLES: Mapping[str, Callable[[], Any]] = {
    "daily_worker_usages": _daily_worker_usages,
    "heartbeats": _heartbeats,
    "logins": _logins,
    "run_state_transitions": _run_state_transitions,
    "runs": _runs,
    **_SNAPSHOTS,
}


def _snapshot(table: str, *, last_day: dt.date) -> ByDay:
    """What there was at the end of the last day."""
    end = (last_day + _ONE_DAY).isoformat()
    return {last_day: [row for row in _SNAPSHOTS[table]() if row["created_at"] < end]}


def _days() -> Iterator[dt.date]:
    day = FIRST_DAY
    while day <= LAST_DAY:
        yield day
        day += _ONE_DAY


def _day(hour: int) -> dt.date:
    return dt.date(1970, 1, 1) + _ONE_DAY * (hour // 24)


def _time(unix_seconds: int) -> str:
    return dt.datetime.fromtimestamp(unix_seconds, dt.UTC).isoformat().replace("+00:00", "Z")
