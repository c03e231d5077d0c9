"""Runs meet workers: who waits, for how long, and how many workers were there.

Here: a small simulation of each pool's queue, second by second of UTC. Not here: chance (runs.py, estate.py).
A pool's workers in an hour are what its autoscaler wanted, or as many as were busy at once when that is more:
a worker finishes its run before it is taken away.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestration.demo.dice import Dice
from orchestration.demo.estate import Estate, Pool, workers_wanted
from orchestration.demo.runs import Run, Steps

HOUR_SECONDS = 3600


@dataclass
class Activity:
    """What happened, by Unix hour: seconds of each run in each state, workers of each pool.

    Keys of `state_seconds[hour]` are the run's place in `runs` and the state; a terminal state has 0 seconds.
    `transitions`: place, state, and the second in which the run entered it, also outside the history.
    """

    runs: list[Run] = field(default_factory=list)
    state_seconds: defaultdict[int, dict[tuple[int, str], int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    workers: dict[str, dict[int, int]] = field(default_factory=dict)
    transitions: list[tuple[int, str, int]] = field(default_factory=list)


class _Queue:
    """The workers of one pool; runs are served in the order in which they became ready."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._busy_until: list[int] = []
        self._last_start = 0
        self.most_busy: defaultdict[int, int] = defaultdict(int)

    def start(self, *, ready_at: int, work_seconds: int) -> int:
        """The second in which a worker takes the run."""
        at = max(ready_at, self._last_start)
        while True:
            while self._busy_until and self._busy_until[0] <= at:
                heapq.heappop(self._busy_until)
            hour = at // HOUR_SECONDS
            if len(self._busy_until) < workers_wanted(self._pool, hour=hour):
                break
            next_hour = (hour + 1) * HOUR_SECONDS
            at = min(self._busy_until[0], next_hour) if self._busy_until else next_hour
        self._last_start = at
        heapq.heappush(self._busy_until, at + work_seconds)
        self.most_busy[hour] = max(self.most_busy[hour], len(self._busy_until))
        return at


def simulate(runs: Iterable[Run], *, estate: Estate, dice: Dice, first_hour: int, last_hour: int) -> Activity:
    """Let the runs happen; both hours are Unix hours and included, what lies outside them is left out."""
    activity = Activity(runs=sorted(runs, key=lambda run: (run.created_at, run.ulid)))
    queues = {pool.key: _Queue(pool) for pool in estate.pools}
    carried_over: dict[str, defaultdict[int, int]] = {pool.key: defaultdict(int) for pool in estate.pools}

    def spend(place: int, steps: Steps, *, begin: int) -> int:
        """Write down the states that follow each other from `begin`; returns the second after the last."""
        at = begin
        for state, seconds in steps:
            end = at + seconds
            activity.transitions.append((place, state, at))
            while at < end:
                hour = at // HOUR_SECONDS
                until = min(end, (hour + 1) * HOUR_SECONDS)
                if first_hour <= hour <= last_hour:
                    spent = activity.state_seconds[hour]
                    spent[place, state] = spent.get((place, state), 0) + until - at
                at = until
        return at

    # (second it becomes ready for a worker, place in runs, is it for the second stay on a worker)
    ready: list[tuple[int, int, bool]] = []
    for place, run in enumerate(activity.runs):
        at = spend(place, run.before, begin=run.created_at)
        if run.work:
            heapq.heappush(ready, (at, place, False))
        else:
            _end(activity, place, at, first_hour=first_hour, last_hour=last_hour)
    while ready:
        ready_at, place, is_second = heapq.heappop(ready)
        run = activity.runs[place]
        work = run.more_work if is_second else run.work
        work_seconds = sum(seconds for _, seconds in work)
        at = ready_at + dice.between(3, 15)
        pool = run.stack.pool
        if pool is not None:
            at = queues[pool.key].start(ready_at=at, work_seconds=work_seconds)
            first_full_hour = at // HOUR_SECONDS + 1
            for hour in range(first_full_hour, (at + work_seconds - 1) // HOUR_SECONDS + 1):
                carried_over[pool.key][hour] += 1
        spend(place, (("CONFIRMED" if is_second else "READY", at - ready_at),), begin=ready_at)
        at = spend(place, work, begin=at)
        if not is_second and (run.pause or run.more_work):
            at = spend(place, run.pause, begin=at)
        if not is_second and run.more_work:
            heapq.heappush(ready, (at, place, True))
        else:
            _end(activity, place, at, first_hour=first_hour, last_hour=last_hour)

    for pool in estate.pools:
        activity.workers[pool.key] = {
            hour: max(
                workers_wanted(pool, hour=hour),
                queues[pool.key].most_busy[hour],
                carried_over[pool.key][hour],
            )
            for hour in range(first_hour, last_hour + 1)
        }
    return activity


def _end(activity: Activity, place: int, at: int, *, first_hour: int, last_hour: int) -> None:
    """A terminal state is noted once, in the hour in which it was reached, and takes no time."""
    activity.transitions.append((place, activity.runs[place].ending, at))
    if first_hour <= at // HOUR_SECONDS <= last_hour:
        activity.state_seconds[at // HOUR_SECONDS].setdefault((place, activity.runs[place].ending), 0)
