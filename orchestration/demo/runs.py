"""The runs of the demo account: which come when, and what each is meant to do.

Here: chance. Not here: how long a run really waits for a worker (scheduling.py), the files (account.py).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.demo.dice import Dice
from orchestration.demo.estate import Estate, Stack, burst_hours, is_month_end_rush

# Runs a person or a push starts on an ordinary working day, by UTC hour of the day.
_BY_HOUR = (1, 1, 1, 1, 1, 1, 2, 5, 12, 18, 18, 15, 12, 17, 18, 15, 11, 6, 3, 2, 2, 1, 1, 1)
_US_HOURS_LATER = 6
_WEEKEND_SHARE = 0.07
_MONTH_END_SHARE = 1.5
_DRIFT_HOUR = 3

Steps = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Run:
    """What a run is and means to do; durations in seconds.

    `before`: states ahead of the first worker. `work`, then `pause` and `more_work`: what it does on a
    worker, and where it waits for a person in between. `ending`: its terminal state.
    """

    ulid: str
    type: str
    stack: Stack
    created_at: int
    before: Steps
    work: Steps
    pause: Steps
    more_work: Steps
    ending: str


def runs_of_day(day: dt.date, *, estate: Estate, dice: Dice) -> Iterator[Run]:
    """The runs created on that UTC day, in no order."""
    midnight = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
    living = [stack for stack in estate.stacks if int(stack.born_at.timestamp()) < midnight]
    for hour, weight in enumerate(_BY_HOUR):
        for _ in range(_throws(weight * _share_of_day(day), dice=dice)):
            stack = dice.pick(living)
            shifted = hour + (
                _US_HOURS_LATER if stack.pool is not None and stack.pool.key == "us-east" else 0
            )
            if day.weekday() >= 5 and stack.pool is not None and stack.pool.key == "data":
                continue
            yield _run(stack, created_at=midnight + shifted % 24 * 3600 + dice.between(0, 3599), dice=dice)
    if day.weekday() < 5:
        yield from _pushes(living, midnight=midnight, dice=dice)
    hours, workers = burst_hours(day)
    production = [stack for stack in living if stack.pool is not None and stack.pool.key == "production"]
    for hour in hours:
        for _ in range(2 * workers):
            yield _run(
                dice.pick(production),
                created_at=midnight + hour * 3600 + dice.between(0, 3000),
                dice=dice,
                type_="TRACKED",
            )
    for stack in living:
        if stack.is_checked_for_drift:
            yield _run(
                stack,
                created_at=midnight + _DRIFT_HOUR * 3600 + dice.between(0, 1500),
                dice=dice,
                type_="PROPOSED",
            )


def stuck_run(stack: Stack, *, created_at: int, stuck_days: int, dice: Dice) -> Run:
    """A tracked run that nobody confirms for days, until somebody discards it."""
    return Run(
        ulid=dice.ulid(unix_seconds=created_at),
        type="TRACKED",
        stack=stack,
        created_at=created_at,
        before=(("QUEUED", 2),),
        work=_plan(dice),
        pause=(("UNCONFIRMED", stuck_days * 86_400 + dice.between(0, 50_000)),),
        more_work=(),
        ending="DISCARDED",
    )


def _share_of_day(day: dt.date) -> float:
    if day.weekday() >= 5:
        return _WEEKEND_SHARE
    return _MONTH_END_SHARE if is_month_end_rush(day) else 1.0


def _throws(expected: float, *, dice: Dice) -> int:
    """A whole number of events around the expected one."""
    low = int(expected * 0.7)
    return low + sum(dice.chance(0.5) for _ in range(int((expected - low) * 2))) + dice.chance(expected % 0.5)


def _pushes(living: list[Stack], *, midnight: int, dice: Dice) -> Iterator[Run]:
    """A push to a shared repository starts many stacks of one pool at once; they wait for each other."""
    for _ in range(dice.between(1, 3)):
        shared = dice.pick([stack for stack in living if stack.pool is not None and stack.is_stack]).pool
        at = midnight + dice.between(8 * 3600, 17 * 3600)
        for stack in living:
            if stack.pool is shared and stack.is_stack:
                yield _run(stack, created_at=at + dice.between(0, 40), dice=dice)


def _run(stack: Stack, *, created_at: int, dice: Dice, type_: str | None = None) -> Run:
    if not stack.is_stack:
        type_ = "TESTING"
    elif type_ is None:
        type_ = dice.pick(("PROPOSED", "TRACKED", "TASK", "DESTROY"), weights=(54, 40, 5, 1))
    ulid = dice.ulid(unix_seconds=created_at)
    before: Steps = (("QUEUED", dice.skewed(1, 25 * 60) if dice.chance(0.2) else dice.between(1, 5)),)
    if stack.slug.startswith("iam-") and type_ == "TRACKED":
        before = (("QUEUED", 1), ("PENDING_REVIEW", dice.skewed(120, 3 * 3600)), *before)
    pause: Steps = ()
    more_work: Steps = ()
    ending = "FAILED" if dice.chance(0.06) else "FINISHED"
    if dice.chance(0.02):
        # Canceled before a worker took it.
        return Run(ulid, type_, stack, created_at, before, (), (), (), "CANCELED")
    if type_ == "TASK":
        work: Steps = (*_start(dice), ("PERFORMING", dice.skewed(20, 1800)))
    elif type_ == "DESTROY":
        work = (*_start(dice), ("DESTROYING", dice.skewed(60, 2700)))
    elif type_ == "TESTING":
        work = (
            *_plan(dice),
            ("APPLYING", dice.skewed(60, 1500)),
            ("DESTROYING", dice.skewed(60, 1200)),
        )
    else:
        work = _plan(dice)
        if dice.chance(0.01):
            ending = "STOPPED"
        elif type_ == "TRACKED" and ending == "FINISHED" and dice.chance(0.6):
            pause, more_work, ending = _after_the_plan(dice)
    return Run(ulid, type_, stack, created_at, before, work, pause, more_work, ending)


def _after_the_plan(dice: Dice) -> tuple[Steps, Steps, str]:
    """A plan with changes: applied at once, or after a person confirmed it, or discarded."""
    apply: Steps = (("PREPARING_APPLY", dice.between(5, 30)), ("APPLYING", dice.skewed(30, 5400)))
    ending = "FAILED" if dice.chance(0.05) else "FINISHED"
    if dice.chance(0.5):
        return (), apply, ending
    longest = dice.pick((20 * 60, 4 * 3600, 60 * 3600), weights=(55, 37, 8))
    pause: Steps = (("UNCONFIRMED", dice.skewed(60, longest)),)
    if dice.chance(0.12):
        return pause, (), "DISCARDED"
    return pause, apply, ending


def _start(dice: Dice) -> Steps:
    return ("PREPARING", dice.between(8, 40)), ("INITIALIZING", dice.between(10, 70))


def _plan(dice: Dice) -> Steps:
    return (*_start(dice), ("PLANNING", dice.skewed(20, 900)))
