"""One usage file as a stream: blocks of bytes in, blocks of good rows per UTC day and bad rows out.

Here: the stream, its line numbers, which day a row belongs to, and the counts. Not here: what a good row is
(usage_rows.py), the header (usage_header.py), the database (raw_tables.py). No row is mended or dropped.

Good lines pass in whole blocks, untouched, through one compiled expression; only a line that it refuses is
looked at by itself. First as a line; when a quote is open at its end, as a record of several lines; and when
the quote is never closed, or the record is bad, only that one line is given up.

For every file that is read to its end:
    lines_received = lines = landed rows + rows outside + bad rows + continuation_lines + blank_lines_at_end
both the lines under the header, once counted in the bytes and once row by row. An empty line between rows is
a bad row.
"""

import codecs
import datetime as dt
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from orchestration.landing.errors import FileRefusedError, HeaderError
from orchestration.landing.usage_header import read_header
from orchestration.landing.usage_rows import (
    EARLIEST_UNIX_SECONDS,
    LATEST_UNIX_SECONDS,
    MAX_RECORD_BYTES,
    Broken,
    Record,
    fast_line_with_any_time,
    judge,
    selection,
    split_record,
    timestamp_of,
)
from orchestration.landing.usage_spans import Spans, unix_seconds
from orchestration.spacelift.aspects import Aspect

# Measured in November 2026: from 64 KiB to 1 MiB the same speed.
BLOCK_BYTES = 262_144
# A line is kept whole when it is bad; one longer than this is no usage file, and would fill the memory.
MAX_LINE_BYTES = 16 * 2**20


@dataclass(frozen=True)
class GoodRows:
    """`count` well-formed lines of one UTC day, in the columns of the layout, ready for COPY."""

    day: dt.date
    data: bytes
    count: int


@dataclass(frozen=True)
class BadRow:
    """One row that cannot be landed, whole; bytes that are no text are written as \\x escapes.

    `day` is the day of its timestamp; when that cannot be read, of the row before it, else the first day.
    """

    day: dt.date
    line_number: int
    raw_line: str
    reason: str


class UsageCsv:
    """One usage file, read once from beginning to end.

    Rows outside the UTC days from `since` to `until` (exclusive) are counted and left out. `origin` names the
    file in messages. Counts are final when the iteration has ended.

    Raises, at once:
        HeaderError: the first line is not a header of this aspect, or there is none.
    Raises, in the iteration:
        FileRefusedError: a line is longer than MAX_LINE_BYTES.
    """

    def __init__(
        self, blocks: Iterable[bytes], *, aspect: Aspect, since: dt.date, until: dt.date, origin: str
    ) -> None:
        self._origin = origin
        self._blocks = iter(blocks)
        header, self._rest = self._first_line()
        self.layout = read_header(header, aspect=aspect, origin=origin)
        self._selection = selection(self.layout)
        self._any_time = fast_line_with_any_time(self.layout)
        self._spans = Spans(self.layout, since=since, until=until)
        self._span = self._spans.of(max(unix_seconds(since), EARLIEST_UNIX_SECONDS))
        self._last_day = since

        self.lines_received = self._rest.count(b"\n")
        self.lines = 0
        self.rows_before = 0
        self.rows_after = 0
        self.rows_bad = 0
        self.rows_read_slowly: Counter[dt.date] = Counter()
        self.continuation_lines = 0
        self.blank_lines_at_end = 0

    def __iter__(self) -> Iterator[GoodRows | BadRow]:
        wanted = BLOCK_BYTES
        pieces = [self._rest]
        size = len(self._rest)
        for block in self._blocks:
            self.lines_received += block.count(b"\n")
            pieces.append(block)
            size += len(block)
            if size < wanted:
                continue
            data = b"".join(pieces)
            rest = data[(yield from self._rows(data, is_last=False)) :]
            pieces, size = [rest], len(rest)
            if size > MAX_LINE_BYTES:
                raise self._line_too_long()
            # A line of many blocks is joined a few times, not once for every block.
            wanted = max(BLOCK_BYTES, 2 * size)
        data = b"".join(pieces)
        if data and not data.endswith(b"\n"):
            data += b"\n"
            self.lines_received += 1
        yield from self._rows(data, is_last=True)

    def _first_line(self) -> tuple[bytes, bytes]:
        """The header line, and what came with it."""
        head = b""
        for block in self._blocks:
            head += block
            if b"\n" in block or len(head) > MAX_RECORD_BYTES:
                break
        if not head:
            raise HeaderError(f"{self._origin}: is empty; even a day without use has a header line")
        line, line_end, rest = head.partition(b"\n")
        return line + line_end, rest

    def _rows(self, data: bytes, *, is_last: bool) -> Generator[GoodRows | BadRow, None, int]:
        """Read whole lines, and return the position of what has to wait for more bytes."""
        position = 0
        end = data.rfind(b"\n") + 1
        while position < end:
            match = self._span.lines.match(data, position, end)
            if match:
                yield from self._good_lines(data, position, match.end())
                position = match.end()
            elif not self._turn_to_span_at(data, position, end):
                row = self._read_slowly(data, position, may_wait=not is_last)
                if row is None:
                    break
                yield from self._slow_row(row)
                position = row.end
        return position

    def _turn_to_span_at(self, data: bytes, position: int, end: int) -> bool:
        """When the line is good but of another day, go on with the expression of that day."""
        match = self._any_time.match(data, position, end)
        if match is None or not EARLIEST_UNIX_SECONDS <= int(match[1]) <= LATEST_UNIX_SECONDS:
            return False
        former, self._span = self._span, self._spans.of(int(match[1]))
        return self._span is not former

    def _good_lines(self, data: bytes, start: int, stop: int) -> Iterator[GoodRows | BadRow]:
        """Well-formed lines of one span; all that is not known of them is whether they are UTF-8."""
        day = self._span.day
        while start < stop:
            good_stop = stop if day is None else _end_of_utf8_lines(data, start, stop)
            if good_stop > start:
                yield from self._bad_blank_lines()
                count = data.count(b"\n", start, good_stop)
                self.lines += count
                if day is None:
                    self._count_outside(self._span.earliest, count)
                else:
                    self._last_day = day
                    yield GoodRows(day, self._selected(data[start:good_stop]), count)
            start = good_stop
            if start < stop:
                row = self._read_slowly(data, start, may_wait=False)
                assert row is not None  # noqa: S101 - only an open quote waits, and these lines have none
                yield from self._slow_row(row)
                start = row.end

    def _read_slowly(self, data: bytes, start: int, *, may_wait: bool) -> "_SlowRow | None":
        """One line, or one record of several lines; None when it takes more bytes to tell."""
        line_stop = data.index(b"\n", start)
        text_stop = line_stop - 1 if data.endswith(b"\r", start, line_stop) else line_stop
        if text_stop - start > MAX_LINE_BYTES:
            raise self._line_too_long()
        if text_stop - start > MAX_RECORD_BYTES:
            broken = Broken(f"{text_stop - start} bytes, a row has at most {MAX_RECORD_BYTES}")
            return _SlowRow(data[start:text_stop], broken, line_stop + 1)
        record = split_record(data, start=start, stop=text_stop, layout=self.layout)
        if isinstance(record, Broken) and record.open_quote:
            stop = start + MAX_RECORD_BYTES
            if may_wait and len(data) < stop + len(b"\r\n"):
                return None
            longer = split_record(data, start=start, stop=min(stop, len(data)), layout=self.layout)
            if (
                isinstance(longer, Record)
                and data.startswith((b"\n", b"\r\n"), longer.end)
                and judge(longer, layout=self.layout) is None
            ):
                return _SlowRow(data[start : longer.end], longer, data.index(b"\n", longer.end) + 1)
        return _SlowRow(data[start:text_stop], record, line_stop + 1)

    def _slow_row(self, row: "_SlowRow") -> Iterator[GoodRows | BadRow]:
        self.lines += 1
        if not row.text:
            self.blank_lines_at_end += 1
            return
        yield from self._bad_blank_lines()
        line_number = self.lines + 1
        if isinstance(row.record, Broken):
            self.rows_read_slowly[self._last_day] += 1
            yield self._bad_row(line_number, row.text, row.record.reason)
            return
        further_lines = row.text.count(b"\n")
        self.lines += further_lines
        self.continuation_lines += further_lines
        timestamp = timestamp_of(row.record, layout=self.layout)
        if timestamp is not None:
            span = self._spans.of(timestamp)
            if span.day is None:
                self._count_outside(timestamp, 1)
                return
            self._last_day = span.day
        self.rows_read_slowly[self._last_day] += 1
        reason = judge(row.record, layout=self.layout)
        if reason is None:
            line = b",".join(row.record.fields) + self.layout.line_end
            yield GoodRows(self._last_day, self._selected(line), 1)
        else:
            yield self._bad_row(line_number, row.text, reason)

    def _bad_blank_lines(self) -> Iterator[BadRow]:
        """Called when a row follows: the empty lines before it were not the end of the file."""
        first = self.lines + 2 - self.blank_lines_at_end
        count, self.blank_lines_at_end = self.blank_lines_at_end, 0
        for line_number in range(first, first + count):
            yield self._bad_row(line_number, b"", "an empty line between rows")

    def _bad_row(self, line_number: int, text: bytes, reason: str) -> BadRow:
        self.rows_bad += 1
        raw_line = text.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
        return BadRow(self._last_day, line_number, raw_line, reason)

    def _count_outside(self, timestamp: int, count: int) -> None:
        if timestamp < self._spans.since:
            self.rows_before += count
        else:
            self.rows_after += count

    def _selected(self, lines: bytes) -> bytes:
        """The lines without the fields that are left out."""
        if self._selection is None:
            return lines
        expression, replacement = self._selection
        return expression.sub(replacement, lines)

    def _line_too_long(self) -> FileRefusedError:
        return FileRefusedError(
            f"{self._origin}: line {self.lines + 2} is longer than {MAX_LINE_BYTES} bytes;"
            " this is no usage file"
        )


@dataclass(frozen=True)
class _SlowRow:
    """`text` without its line end; `end` is where the next row begins."""

    text: bytes
    record: Record | Broken
    end: int


def _end_of_utf8_lines(data: bytes, start: int, stop: int) -> int:
    """Where the first line that is not UTF-8 begins, else `stop`."""
    lines = data[start:stop]
    if lines.isascii():
        return stop
    try:
        codecs.utf_8_decode(lines, "strict", True)
    except UnicodeDecodeError as error:
        return start + lines.rfind(b"\n", 0, error.start) + 1
    return stop
