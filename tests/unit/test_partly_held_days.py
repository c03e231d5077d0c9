"""When the first or the last day of a hand-made file counts as held only in part."""

import datetime as dt
from pathlib import Path

import pytest

from orchestration.landing.partly_held_days import reasons_against_edges
from orchestration.landing.usage_file import UsageFile
from orchestration.spacelift.aspects import WORKER_COUNT

DAY = dt.date(2024, 2, 28)
BEFORE, NEXT, AFTER = (DAY + dt.timedelta(days=days) for days in (-1, 1, 2))
LATER = dt.datetime(2024, 3, 9, tzinfo=dt.UTC)


def hour(day: dt.date, number: int) -> int:
    return int(dt.datetime.combine(day, dt.time(number), dt.UTC).timestamp())


def file(*hours: int, written_at: dt.datetime = LATER) -> UsageFile:
    """A file of two days."""
    return UsageFile(Path("usage.csv"), WORKER_COUNT, DAY, AFTER, "", hours, written_at)


BUSY = tuple(hour(DAY, number) for number in range(5, 24)) + tuple(hour(NEXT, number) for number in range(20))
QUIET_NIGHTS = tuple(hour(day, number) for day in (DAY, NEXT) for number in range(8, 20))


@pytest.mark.parametrize(
    ("hours", "landed", "reason"),
    [
        pytest.param(BUSY, {}, None, id="nothing landed"),
        pytest.param(BUSY, {BEFORE: [22], AFTER: [1]}, None, id="days beside it that were quiet at midnight"),
        pytest.param(
            BUSY,
            {BEFORE: [23]},
            "use went on up to 2024-02-28 00:00, and the file begins only at 2024-02-28 05:00",
            id="use that ends at midnight",
        ),
        pytest.param(
            BUSY,
            {AFTER: [0]},
            "use went on from 2024-03-01 00:00, and the file ends with 2024-02-29 19:00",
            id="use that begins at midnight",
        ),
        pytest.param(QUIET_NIGHTS, {BEFORE: [23], AFTER: [0]}, None, id="its own nights are as quiet"),
        pytest.param(
            QUIET_NIGHTS,
            {DAY: [7, 9]},
            "2024-02-28 has landed from 2024-02-28 07:00 on, the file begins at 2024-02-28 08:00",
            id="a first hour that landed before",
        ),
        pytest.param(
            QUIET_NIGHTS,
            {NEXT: [9, 23]},
            "2024-02-29 has landed up to 2024-02-29 23:00, the file ends with 2024-02-29 19:00",
            id="a last hour that landed before",
        ),
        pytest.param(QUIET_NIGHTS, {DAY: [8], NEXT: [19]}, None, id="the hours that landed before"),
        pytest.param(QUIET_NIGHTS, {DAY: [], BEFORE: [23]}, None, id="a first day that landed as empty"),
    ],
)
def test_what_has_landed_shows_whether_a_day_is_whole(hours, landed, reason):
    hours_landed = {
        day: frozenset(hour(day, number) for number in numbers) for day, numbers in landed.items()
    }
    assert reasons_against_edges(file(*hours), landed=hours_landed.get) == ([reason] if reason else [])


def test_a_file_that_was_written_before_its_last_day_was_over_does_not_hold_it_whole():
    early = dt.datetime(2024, 2, 29, 15, 30, tzinfo=dt.UTC)
    assert reasons_against_edges(file(*BUSY, written_at=early), landed={}.get) == [
        "2024-02-29 was not over when the file was written, 2024-02-29 15:30 UTC"
    ]
