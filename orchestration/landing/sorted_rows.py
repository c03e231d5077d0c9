"""The rows of one body, each with its day, counted; the bad ones put aside until their day is written.

Here: also when a day has too many bad rows. Not here: what a bad row is (usage_rows.py), writing them
(raw_tables.py).
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator

from orchestration.landing.day_spool import DaySpool
from orchestration.landing.errors import TooManyBadRowsError
from orchestration.landing.loads import Request
from orchestration.landing.usage_csv import BadRow, UsageCsv

MAX_BAD_PERCENT = 1


class SortedRows:
    """The good rows of a body with their days; the bad ones go into a spool; all are counted by day."""

    def __init__(self, usage: UsageCsv, bad_rows: DaySpool) -> None:
        self.usage = usage
        self._bad_rows = bad_rows
        self.good: Counter[dt.date] = Counter()
        self.bad: Counter[dt.date] = Counter()
        self._first_bad: dict[dt.date, BadRow] = {}

    def __iter__(self) -> Iterator[tuple[dt.date, bytes]]:
        for rows in self.usage:
            if isinstance(rows, BadRow):
                self.bad[rows.day] += 1
                self._first_bad.setdefault(rows.day, rows)
                line = json.dumps([rows.line_number, rows.raw_line, rows.reason])
                self._bad_rows.append(rows.day, line.encode() + b"\n")
            else:
                self.good[rows.day] += rows.count
                yield rows.day, rows.data

    def refuse_if_bad(self, request: Request, day: dt.date) -> None:
        """Raise TooManyBadRowsError when the day is not fit to be landed."""
        bad = self.bad[day]
        total = bad + self.good[day]
        if bad * 100 > total * MAX_BAD_PERCENT:
            first = self._first_bad[day]
            raise TooManyBadRowsError(
                f"{request.aspect.name} of {day}: {bad} of {total} rows are bad, more than {MAX_BAD_PERCENT}"
                f" %; the first is line {first.line_number}: {first.reason}"
            )

    def bad_rows(self, day: dt.date) -> Iterator[tuple[int, str, str]]:
        """Line number, raw line and reason of every bad row of a day."""
        rest = b""
        for block in self._bad_rows.read(day):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                line_number, raw_line, reason = json.loads(line)
                yield line_number, raw_line, reason

    @property
    def lines(self) -> int:
        """Lines of the body that are rows, by their line ends; known once all have passed."""
        usage = self.usage
        return usage.lines_received - usage.continuation_lines - usage.blank_lines_at_end

    def outside(self, request: Request, day: dt.date) -> int:
        """Rows outside the window, each once: those before at its first day, those after at its last."""
        before = self.usage.rows_before if day == request.days[0] else 0
        after = self.usage.rows_after if day == request.days[-1] else 0
        return before + after
