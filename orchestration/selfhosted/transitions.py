"""Minutes per run, state and hour, counted from the state transitions of a self-hosted instance.

Here: pure counting, as the usage CSV has it: one sum per run, state and UTC hour, a terminal state once with
0 minutes. Not here: which stack and pool a run belongs to (reported_runs.py).

A transition says that a run entered a state; it leaves it with its next transition. The names of the
states are those of the usage CSV. One public reader of the reports takes them for numbers, and what a number
means is not published: then nothing can be counted by hour, and only the report's minutes by day are known.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from orchestration.selfhosted.report import Row, instant

# Source: the vendor's public schema, enum RunState; these end a run.
TERMINAL_STATES = frozenset({"FINISHED", "FAILED", "STOPPED", "CANCELED", "DISCARDED", "SKIPPED"})

_HOUR = dt.timedelta(hours=1)
_MICROSECOND = dt.timedelta(microseconds=1)


class HoursUnknownError(Exception):
    """Minutes cannot be counted by hour. One line: which row does not say what."""


@dataclass(frozen=True)
class Transition:
    """A run entered a state at an instant (UTC); `number` orders those of one instant."""

    run_ulid: str
    state: str
    at: dt.datetime
    number: int = 0


@dataclass(frozen=True)
class Spent:
    """Minutes of the UTC hour from `hour_at` that a run spent in a state, cut to millionths."""

    run_ulid: str
    state: str
    hour_at: dt.datetime
    minutes: Decimal


def transition_of(row: Row) -> Transition:
    """A row of `run_state_transitions`.

    Raises:
        HoursUnknownError: it does not say run, state or time in a way that is known.
    """
    run_ulid, state, number = row.get("run_ulid"), row.get("new_state"), row.get("id")
    if not isinstance(run_ulid, str) or not run_ulid:
        raise HoursUnknownError("run_ulid is missing")
    if not isinstance(state, str) or not state.strip() or state.strip().isdigit():
        raise HoursUnknownError(f"new_state is {state!r:.40}, and no name of a state")
    try:
        at = instant(row.get("created_at"))
    except ValueError as error:
        raise HoursUnknownError("created_at is no time") from error
    return Transition(run_ulid.upper(), state.strip().upper(), at, number if isinstance(number, int) else 0)


class Timelines:
    """The states in which runs are, carried from each window of days to the next."""

    def __init__(self) -> None:
        self._open: dict[str, Transition] = {}

    def spent(
        self, transitions: Iterable[Transition], *, since: dt.datetime, until: dt.datetime
    ) -> Iterator[Spent]:
        """What was spent from `since` to `until` (whole UTC hours), run by run.

        `transitions` are all up to `until` that were not given before; those before `since` only say in which
        state a run is. A state that has not ended lasts until `until`.
        """
        by_run: defaultdict[str, list[Transition]] = defaultdict(list)
        for run_ulid, entered in self._open.items():
            by_run[run_ulid].append(entered)
        for transition in transitions:
            by_run[transition.run_ulid].append(transition)
        for run_ulid, timeline in by_run.items():
            timeline.sort(key=lambda transition: (transition.at, transition.number))
            sums: defaultdict[tuple[dt.datetime, str], dt.timedelta] = defaultdict(dt.timedelta)
            ends = [*(transition.at for transition in timeline[1:]), until]
            for entered, left_at in zip(timeline, ends, strict=True):
                if entered.state in TERMINAL_STATES:
                    if since <= entered.at < until:
                        sums[_hour(entered.at), entered.state] += dt.timedelta()
                else:
                    for hour_at, length in _by_hour(max(entered.at, since), min(left_at, until)):
                        sums[hour_at, entered.state] += length
            if timeline[-1].state in TERMINAL_STATES:
                self._open.pop(run_ulid, None)
            else:
                self._open[run_ulid] = timeline[-1]
            for (hour_at, state), length in sums.items():
                # Microseconds by 60 are millionths of a minute; cut, so that an hour never exceeds 60.
                yield Spent(run_ulid, state, hour_at, Decimal(length // _MICROSECOND // 60).scaleb(-6))


def _by_hour(begin: dt.datetime, end: dt.datetime) -> Iterator[tuple[dt.datetime, dt.timedelta]]:
    at = begin
    while at < end:
        hour_at = _hour(at)
        stop = min(hour_at + _HOUR, end)
        yield hour_at, stop - at
        at = stop


def _hour(at: dt.datetime) -> dt.datetime:
    return at.replace(minute=0, second=0, microsecond=0)
