"""Days that follow each other, taken together: plain dates."""

import datetime as dt
from collections.abc import Iterable

ONE_DAY = dt.timedelta(days=1)


def windows(days: Iterable[dt.date], *, at_most: int) -> list[tuple[dt.date, ...]]:
    """Runs of consecutive days, the earliest first, none of them longer than `at_most`."""
    runs: list[list[dt.date]] = []
    for day in sorted(set(days)):
        if runs and day == runs[-1][-1] + ONE_DAY and len(runs[-1]) < at_most:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [tuple(run) for run in runs]
