"""Which days a run is about."""

import datetime as dt

import pytest

from orchestration.partitions import DayRangeError, days_asked_for, days_of_daily_run

START = dt.date(2024, 1, 1)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("today", "lookback_days", "first", "last"),
    [
        pytest.param("2026-05-20", 3, "2026-05-16", "2026-05-19", id="within a month"),
        pytest.param("2024-03-02", 3, "2024-02-27", "2024-03-01", id="over 29 February"),
        pytest.param("2026-01-01", 3, "2025-12-28", "2025-12-31", id="over the new year"),
        pytest.param("2026-05-20", 0, "2026-05-19", "2026-05-19", id="no look-back"),
        pytest.param("2024-01-03", 3, "2024-01-01", "2024-01-02", id="cut at the start date"),
    ],
)
def test_the_daily_run_is_yesterday_and_the_look_back(today, lookback_days, first, last):
    days = days_of_daily_run(today=day(today), lookback_days=lookback_days, start_date=START)
    assert (days.first, days.last) == (day(first), day(last))
    assert days.tags == {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        pytest.param(None, None, "2026-05-16", "2026-05-19", id="as the schedule"),
        pytest.param("2026-05-01", None, "2026-05-01", "2026-05-19", id="until now"),
        pytest.param(None, "2026-02-01", "2026-01-28", "2026-01-31", id="look-back before until"),
        pytest.param("2026-02-28", "2026-03-01", "2026-02-28", "2026-02-28", id="until is exclusive"),
    ],
)
def test_a_run_by_hand_is_about_the_days_named(since, until, first, last):
    days = days_asked_for(
        since=day(since) if since else None,
        until=day(until) if until else None,
        today=day("2026-05-20"),
        lookback_days=3,
        start_date=START,
    )
    assert (days.first, days.last) == (day(first), day(last))


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        pytest.param(None, None, "2026-02-25", "2026-02-28", id="its last days"),
        pytest.param("2026-01-01", None, "2026-01-01", "2026-02-28", id="until its end"),
        pytest.param("2026-01-01", "2026-02-01", "2026-01-01", "2026-01-31", id="days before"),
    ],
)
def test_a_run_of_an_account_that_ended_is_about_days_that_it_had(since, until, first, last):
    days = days_asked_for(
        since=day(since) if since else None,
        until=day(until) if until else None,
        today=day("2026-05-20"),
        lookback_days=3,
        start_date=START,
        end_date=day("2026-03-01"),
    )
    assert (days.first, days.last) == (day(first), day(last))


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        pytest.param("2026-02-01", "2026-03-02", "2026-03-02 is after USAGE_END_DATE=2026-03-01", id="until"),
        pytest.param("2026-03-01", None, "no day lies between", id="since"),
    ],
)
def test_days_after_the_end_of_an_account_are_refused(since, until, message):
    with pytest.raises(DayRangeError, match=message):
        days_asked_for(
            since=day(since),
            until=day(until) if until else None,
            today=day("2026-05-20"),
            lookback_days=3,
            start_date=START,
            end_date=day("2026-03-01"),
        )


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        pytest.param("2026-05-19", "2026-05-21", "--until 2026-05-21 is after today", id="today is not over"),
        pytest.param("2026-05-19", "2026-05-19", "no day lies between", id="empty range"),
        pytest.param("2026-05-19", "2026-05-01", "no day lies between", id="turned around"),
        pytest.param("2023-12-31", "2024-01-02", "before USAGE_START_DATE=2024-01-01", id="too early"),
    ],
)
def test_days_that_cannot_be_loaded_are_refused(since, until, message):
    with pytest.raises(DayRangeError, match=message):
        days_asked_for(
            since=day(since), until=day(until), today=day("2026-05-20"), lookback_days=3, start_date=START
        )


def test_a_start_date_that_is_not_over_is_named():
    with pytest.raises(DayRangeError, match="USAGE_START_DATE=2024-01-01 leaves no day"):
        days_of_daily_run(today=START, lookback_days=3, start_date=START)
