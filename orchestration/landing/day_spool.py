"""A temporary file that keeps bytes apart by UTC day, for bodies of several days in whatever order.

Here: bytes of a day in, the same bytes out in the same order, in constant memory. Not here: what they mean.
"""

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

# Held in memory for all days together before they are written; small bodies never reach the disk.
BUFFER_BYTES = 16 * 2**20
READ_BYTES = 262_144


class DaySpool(AbstractContextManager["DaySpool"]):
    """Append in any order of days, then read day by day. The file is gone when the context ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="spacelift-usage-")  # noqa: SIM115 - closed by __exit__
        self._buffers: dict[dt.date, list[bytes]] = defaultdict(list)
        self._buffered_bytes = 0
        self._extents: dict[dt.date, list[tuple[int, int]]] = defaultdict(list)
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, day: dt.date, data: bytes) -> None:
        """Add bytes behind those that the day has already."""
        self._buffers[day].append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes >= BUFFER_BYTES:
            self._write_buffers()

    def read(self, day: dt.date) -> Iterator[bytes]:
        """All bytes of a day, in the order in which they came; nothing when there are none."""
        for start, size in self._extents[day]:
            for position in range(start, start + size, READ_BYTES):
                self._file.seek(position)
                yield self._file.read(min(READ_BYTES, start + size - position))
        yield from self._buffers[day]

    def _write_buffers(self) -> None:
        for day, pieces in self._buffers.items():
            data = b"".join(pieces)
            self._file.seek(self._end)
            self._file.write(data)
            self._extents[day].append((self._end, len(data)))
            self._end += len(data)
        self._buffers.clear()
        self._buffered_bytes = 0
