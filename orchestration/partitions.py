"""The one partitioning: UTC days, and the ranges of days that runs are about.

The vendor counts in UTC, so a partition is a UTC day whatever the zone of the machine. The first day is
USAGE_START_DATE: by default the month in which the export first existed, so nothing older can be missed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

ONE_DAY = dt.timedelta(days=1)


class DayRangeError(Exception):
    """The days asked for cannot be loaded. One line: which, and what would do."""


@dataclass(frozen=True)
class DayRange:
    """UTC days, both ends included."""

    first: dt.date
    last: dt.date

    @property
    def tags(self) -> dict[str, str]:
        """Run tags that make one run about all of these days."""
        return {
            ASSET_PARTITION_RANGE_START_TAG: self.first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: self.last.isoformat(),
        }

    @property
    def days(self) -> list[dt.date]:
        """Every day of the range, in order."""
        return [self.first + ONE_DAY * number for number in range((self.last - self.first).days + 1)]


def daily_partitions(start_date: dt.date, end_date: dt.date | None = None) -> dg.DailyPartitionsDefinition:
    """UTC days from the start date to yesterday; of an account that ended, to the day before its end date."""
    return dg.DailyPartitionsDefinition(
        start_date=start_date.isoformat(),
        end_date=end_date.isoformat() if end_date else None,
        timezone="UTC",
    )


def days_of_daily_run(*, today: dt.date, lookback_days: int, start_date: dt.date) -> DayRange:
    """Yesterday and the look-back days before it, none before the start date.

    Raises:
        DayRangeError: the start date is not over yet, so there is no whole day.
    """
    yesterday = today - ONE_DAY
    if start_date > yesterday:
        raise DayRangeError(
            f"USAGE_START_DATE={start_date} leaves no day to load: the last whole UTC day is {yesterday}"
        )
    return DayRange(first=max(yesterday - ONE_DAY * lookback_days, start_date), last=yesterday)


def days_asked_for(
    *,
    since: dt.date | None,
    until: dt.date | None,
    today: dt.date,
    lookback_days: int,
    start_date: dt.date,
    end_date: dt.date | None = None,
) -> DayRange:
    """The range of a run by hand; `until` is exclusive, what is not given is as in the daily run.

    Raises:
        DayRangeError: no day lies in the range, or some day is not over yet, before the start date or not
            before the end date.
    """
    until = until or (min(today, end_date) if end_date else today)
    if until > today:
        raise DayRangeError(f"--until {until} is after today, {today} UTC: only whole days can be loaded")
    if end_date and until > end_date:
        raise DayRangeError(
            f"--until {until} is after USAGE_END_DATE={end_date}: ask for days before it, or unset that"
        )
    first = since or days_of_daily_run(today=until, lookback_days=lookback_days, start_date=start_date).first
    if first >= until:
        raise DayRangeError(f"no day lies between --since {first} and --until {until}, which is exclusive")
    if first < start_date:
        raise DayRangeError(
            f"--since {first} is before USAGE_START_DATE={start_date}: set that to {first} or earlier"
        )
    return DayRange(first=first, last=until - ONE_DAY)


def as_days(partition_keys: Sequence[str]) -> list[dt.date]:
    """Partition keys as days, in order."""
    return sorted(dt.date.fromisoformat(key) for key in partition_keys)
