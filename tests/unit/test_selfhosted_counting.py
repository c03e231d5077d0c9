"""Heartbeats to workers per hour, transitions to minutes per hour: against the slowest way to count."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.selfhosted.heartbeats import HEARTBEAT_GAP, Stay, stay_of, workers_by_hour
from orchestration.selfhosted.transitions import HoursUnknownError, Timelines, Transition, transition_of

DAY = dt.date(2024, 2, 29)
MIDNIGHT = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
STEP = dt.timedelta(seconds=20)


def at(hours: float) -> dt.datetime:
    return MIDNIGHT + dt.timedelta(hours=hours)


@st.composite
def stays(draw: st.DrawFn) -> list[Stay]:
    made = []
    for _ in range(draw(st.integers(0, 8))):
        first = draw(st.integers(-7200, 50 * 3600))
        length = draw(st.one_of(st.integers(0, 300), st.integers(0, 30 * 3600)))
        made.append(
            Stay(
                draw(st.sampled_from(["w1", "w2", "w3", "w4"])),
                draw(st.sampled_from(["one", "two"])),
                MIDNIGHT + dt.timedelta(seconds=first, microseconds=draw(st.sampled_from([0, 1]))),
                MIDNIGHT + dt.timedelta(seconds=first + length + 1),
            )
        )
    return made


def there(pieces: list[Stay], minute: dt.datetime) -> bool:
    """Within a piece, or between two that are at most the gap apart."""
    before = [piece.last_at for piece in pieces if piece.first_at <= minute]
    after = [piece.first_at for piece in pieces if piece.first_at > minute]
    if any(last_at >= minute for last_at in before):
        return True
    return bool(before and after) and min(after) - max(before) <= HEARTBEAT_GAP


@settings(max_examples=40, deadline=None)
@given(stays())
def test_workers_of_an_hour_are_the_most_at_any_of_its_minutes(made):
    expected: dict[tuple[str, dt.datetime], int] = {}
    for pool in ("one", "two"):
        workers = [
            [stay for stay in made if (stay.worker, stay.pool) == (worker, pool)]
            for worker in ("w1", "w2", "w3", "w4")
        ]
        for number in range(2 * 24 * 60):
            minute = MIDNIGHT + number * MINUTE
            if count := sum(there(pieces, minute) for pieces in workers if pieces):
                hour = pool, minute.replace(minute=0)
                expected[hour] = max(expected.get(hour, 0), count)
    counted = workers_by_hour(made, since=DAY, until=DAY + dt.timedelta(days=2))
    assert {
        (pool, hour): count for pool, hours in counted.items() for hour, count in hours.items()
    } == expected


def test_one_worker_that_takes_anothers_place_within_a_minute_is_one_and_cut_stays_are_whole():
    relay = [Stay("a", "p", at(1), at(2) + MINUTE / 3), Stay("b", "p", at(2) + MINUTE / 2, at(3))]
    cut = [Stay("c", "q", at(22), at(24) - MINUTE / 3), Stay("c", "q", at(24) + MINUTE / 3, at(25))]
    counted = workers_by_hour(relay + cut, since=DAY, until=DAY + dt.timedelta(days=2))
    assert counted["p"] == {at(1): 1, at(2): 1, at(3): 1}
    assert counted["q"] == {at(22): 1, at(23): 1, at(24): 1, at(25): 1}


@pytest.mark.parametrize(("gap", "most"), [(HEARTBEAT_GAP, 2), (HEARTBEAT_GAP + MINUTE / 60, 1)])
def test_a_worker_that_is_silent_for_longer_than_the_gap_is_not_there_meanwhile(gap, most):
    silent = [Stay("a", "p", at(0), at(1)), Stay("a", "p", at(1) + gap, at(1.5))]
    meanwhile = Stay("b", "p", at(1) + MINUTE / 2, at(1) + MINUTE * 1.5)
    counted = workers_by_hour([*silent, meanwhile], since=DAY, until=DAY + dt.timedelta(days=1))
    assert counted["p"] == {at(0): 1, at(1): most}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first_heartbeat_time": None}, "first_heartbeat_time is no time"),
        ({"last_heartbeat_time": "soon"}, "last_heartbeat_time is no time"),
        ({"last_heartbeat_time": "2024-02-28T00:00:00Z"}, "is before"),
        ({"worker_ulid": "", "worker_id": None}, "neither worker_ulid nor worker_id"),
    ],
)
def test_a_heartbeat_that_cannot_be_counted_says_why(change, words):
    row = {
        "first_heartbeat_time": "2024-02-29T01:00:00.5+01:00",
        "last_heartbeat_time": 1709164900,
        "worker_id": 7,
        "worker_pool_id": 3,
    }
    assert stay_of(row) == Stay(
        "worker-7", "worker_pool-3", at(0) + dt.timedelta(seconds=0.5), at(0) + 100 * dt.timedelta(seconds=1)
    )
    with pytest.raises(ValueError, match=words):
        stay_of(row | change)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        # Steps of 20 seconds.
        st.tuples(st.integers(-360, 49 * 180), st.sampled_from(["QUEUED", "PLANNING", "FINISHED"])),
        max_size=8,
    ),
    st.sampled_from([24, 48]),
)
def test_minutes_are_the_seconds_in_each_state_however_many_windows_they_are_counted_in(entered, cut):
    entered = sorted(entered, key=lambda entry: entry[0])
    transitions = [
        Transition("R", state, MIDNIGHT + step * STEP, number) for number, (step, state) in enumerate(entered)
    ]
    steps: Counter[tuple[int, str]] = Counter()
    for step in range(48 * 180):
        states = [state for begin, state in entered if begin <= step]
        if states and states[-1] != "FINISHED":
            steps[step // 180, states[-1]] += 1
    ended = {(step // 180, state) for step, state in entered if state == "FINISHED" and 0 <= step < 48 * 180}

    timelines = Timelines()
    spent = list(timelines.spent([t for t in transitions if t.at < at(cut)], since=at(0), until=at(cut)))
    if cut < 48:
        rest = [t for t in transitions if at(cut) <= t.at < at(48)]
        spent += timelines.spent(rest, since=at(cut), until=at(48))
    counted = {((part.hour_at - MIDNIGHT) // HOUR, part.state): part.minutes for part in spent}
    assert len(counted) == len(spent)
    assert {key: minutes for key, minutes in counted.items() if minutes} == {
        key: Decimal(count * 1_000_000 // 3).scaleb(-6) for key, count in steps.items()
    }
    assert {key for key, minutes in counted.items() if not minutes} == ended


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"new_state": 5}, "new_state is 5, and no name"),
        ({"new_state": "5"}, "no name of a state"),
        ({"run_ulid": None}, "run_ulid is missing"),
        ({"created_at": True}, "created_at is no time"),
    ],
)
def test_a_transition_that_names_no_state_run_or_time_leaves_hours_unknown(change, words):
    row = {"id": 1, "run_ulid": "01R", "new_state": "planning", "created_at": "2024-02-29 00:00:00"}
    assert transition_of(row) == Transition("01R", "PLANNING", at(0), 1)
    with pytest.raises(HoursUnknownError, match=words):
        transition_of(row | change)
