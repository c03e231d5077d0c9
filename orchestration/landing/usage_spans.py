"""Which UTC day a row belongs to, and the expression that passes the rows of that day.

Here: the window of days that was asked for, cut into spans. Not here: the rows themselves (usage_rows.py).
"""

import datetime as dt
import re
from dataclasses import dataclass

from orchestration.landing.usage_header import Layout
from orchestration.landing.usage_rows import EARLIEST_UNIX_SECONDS, LATEST_UNIX_SECONDS, fast_lines

SECONDS_PER_DAY = 86_400
_EPOCH = dt.date(1970, 1, 1)


def unix_seconds(day: dt.date) -> int:
    """The first second of a UTC day."""
    return (day - _EPOCH).days * SECONDS_PER_DAY


@dataclass(frozen=True)
class Span:
    """Times that are treated alike: one wanted day, or (`day` is None) all times before or after the window.

    `earliest` is the first of them in Unix seconds; `lines` matches well-formed lines of the span.
    """

    day: dt.date | None
    earliest: int
    lines: re.Pattern[bytes]


class Spans:
    """The UTC days from `since` to `until` (exclusive), and what lies before and after."""

    def __init__(self, layout: Layout, *, since: dt.date, until: dt.date) -> None:
        self.since = unix_seconds(since)
        self.until = unix_seconds(until)
        self._layout = layout
        self._spans: dict[int, Span] = {}

    def of(self, timestamp: int) -> Span:
        """The span of a plausible time. An expression is made when the first row needs it (about 5 ms)."""
        if timestamp < self.since:
            return self._span(None, EARLIEST_UNIX_SECONDS, self.since - 1)
        if timestamp >= self.until:
            return self._span(None, self.until, LATEST_UNIX_SECONDS)
        first = timestamp - timestamp % SECONDS_PER_DAY
        return self._span(
            _EPOCH + dt.timedelta(days=first // SECONDS_PER_DAY), first, first + SECONDS_PER_DAY - 1
        )

    def _span(self, day: dt.date | None, earliest: int, latest: int) -> Span:
        if earliest not in self._spans:
            lines = fast_lines(self._layout, earliest=earliest, latest=latest)
            self._spans[earliest] = Span(day, earliest, lines)
        return self._spans[earliest]
