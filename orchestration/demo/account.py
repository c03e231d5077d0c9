"""The demo account's two usage files: a made-up platform team, 120 days, a fixed seed.

Here: the history in the vendor's format. Not here: what the team owns (estate.py), its runs (runs.py,
scheduling.py), HTTP (server.py). Every figure is reproducible; the seed belongs to the interface.
Source of the format: spacelift-io/user-documentation, docs/product/billing/usage.md.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from functools import cache

from orchestration.demo.dice import Dice
from orchestration.demo.estate import Estate, demo_estate
from orchestration.demo.runs import Run, runs_of_day, stuck_run
from orchestration.demo.scheduling import HOUR_SECONDS, Activity, simulate
from orchestration.spacelift.aspects import RUN_MINUTES, Aspect

FIRST_DAY = dt.date(2026, 5, 21)
LAST_DAY = dt.date(2026, 9, 17)

_SEED = "spacelift-usage-demo"
_STUCK_RUNS = 14
_BLOCK_BYTES = 64 * 1024


class DemoRangeError(ValueError):
    """The days asked for cannot be answered; the message is the one-line reason."""


def usage_csv(aspect: Aspect, *, since: dt.date, until: dt.date) -> Iterator[bytes]:
    """Header and rows from `since` 00:00 UTC to `until` 00:00 UTC, that last hour included.

    The vendor probably includes the bucket of the `until` instant too. Days before FIRST_DAY have no rows.

    Raises:
        DemoRangeError: no days, or days after LAST_DAY.
    """
    if since >= until:
        raise DemoRangeError(f"since {since} must be before until {until}")
    if until > LAST_DAY + dt.timedelta(days=1):
        raise DemoRangeError(f"the demo account's history ends on {LAST_DAY}, until may be the day after it")
    by_hour = _run_minutes_by_hour() if aspect == RUN_MINUTES else _worker_count_by_hour()
    return _blocks(aspect, by_hour, hours=range(unix_hour(since), unix_hour(until) + 1))


def _blocks(aspect: Aspect, by_hour: dict[int, bytes], *, hours: range) -> Iterator[bytes]:
    yield _line([_vendor_spelling(column.name) for column in aspect.columns])
    gathered = bytearray()
    for hour in hours:
        gathered += by_hour.get(hour, b"")
        if len(gathered) >= _BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


@cache
def history() -> tuple[Estate, Activity]:
    """What the account owns, and all that happened; made once per process."""
    dice = Dice(_SEED)
    estate = demo_estate(dice)
    # A day more at both ends: work goes on over midnight, and the `until` hour of the last day is delivered.
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(-1, (LAST_DAY - FIRST_DAY).days + 2)]
    runs = [run for day in days for run in runs_of_day(day, estate=estate, dice=dice)]
    runs += _stuck_runs(estate, dice=dice)
    return estate, simulate(
        runs,
        estate=estate,
        dice=dice,
        first_hour=unix_hour(FIRST_DAY),
        last_hour=unix_hour(LAST_DAY + dt.timedelta(days=1)),
    )


def _stuck_runs(estate: Estate, *, dice: Dice) -> Iterator[Run]:
    """Some stuck since before the history begins, some still stuck when it ends."""
    old = [stack for stack in estate.stacks if stack.is_stack and stack.born_at.date() < FIRST_DAY]
    for number in range(_STUCK_RUNS):
        day = unix_hour(FIRST_DAY) // 24 - 6 + number * 9
        created_at = (day * 24 + dice.between(8, 16)) * HOUR_SECONDS + dice.between(0, 3599)
        yield stuck_run(dice.pick(old), created_at=created_at, stuck_days=dice.between(3, 32), dice=dice)


@cache
def _run_minutes_by_hour() -> dict[int, bytes]:
    _, activity = history()
    by_hour = {}
    for hour, spent in activity.state_seconds.items():
        day = _day(hour)
        by_hour[hour] = b"".join(
            _run_minutes_row(activity.runs[place], state, seconds, hour=hour, day=day)
            for (place, state), seconds in sorted(spent.items(), key=lambda entry: entry[0][0])
        )
    return by_hour


def _run_minutes_row(run: Run, state: str, seconds: int, *, hour: int, day: dt.date) -> bytes:
    pool = run.stack.pool
    return _line(
        [
            str(hour * HOUR_SECONDS),
            _minutes(seconds),
            "true" if pool is None else "false",
            state,
            run.type,
            run.ulid,
            run.stack.name.on(day),
            run.stack.slug,
            run.stack.ulid,
            "true" if run.stack.is_stack else "false",
            "" if pool is None else pool.name.on(day),
            "" if pool is None else pool.ulid,
        ]
    )


@cache
def _worker_count_by_hour() -> dict[int, bytes]:
    """Hours of a pool without workers have no row, as at the vendor; `Id` numbers the rows of the history."""
    estate, activity = history()
    by_hour: dict[int, bytes] = {}
    number = 0
    for hour in range(unix_hour(FIRST_DAY), unix_hour(LAST_DAY + dt.timedelta(days=1)) + 1):
        for pool in estate.pools:
            workers = activity.workers[pool.key][hour]
            if workers:
                number += 1
                row = _line([str(number), str(workers), str(hour * HOUR_SECONDS), pool.name.on(_day(hour))])
                by_hour[hour] = by_hour.get(hour, b"") + row
    return by_hour


def _line(fields: list[str]) -> bytes:
    if not any("," in text for text in fields):
        return (",".join(fields) + "\n").encode()
    quoted = io.StringIO()
    csv.writer(quoted, lineterminator="\n").writerow(fields)
    return quoted.getvalue().encode()


def _minutes(seconds: int) -> str:
    """Rounded down to millionths, so that the states of one hour never sum to more than 60."""
    millionths = seconds * 1_000_000 // 60
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06}".rstrip("0").rstrip(".")


def _vendor_spelling(column: str) -> str:
    return "".join(word.capitalize() for word in column.split("_"))


def unix_hour(day: dt.date) -> int:
    """The Unix hour that begins with the UTC day."""
    return (day - dt.date(1970, 1, 1)).days * 24


def _day(hour: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=hour // 24)
