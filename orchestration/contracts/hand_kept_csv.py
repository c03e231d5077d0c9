"""A small CSV file from a person's spreadsheet: all its rows, or all that is wrong with them.

Here: encoding, header, quotes, one parser a column, and how a problem is told. Not here: what a cell may say
(cells.py), rules between columns and rows (contracts_file.py, invoices_file.py).
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.contracts.cells import CellError
from orchestration.contracts.errors import ContractsError

BYTES_AT_MOST = 8 * 1024 * 1024

_SHOWN_CHARACTERS = 60
_BYTE_ORDER_MARK = "\ufeff"
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Column:
    """How a column's cells are read. An empty cell means `if_empty`, unless the column is required."""

    parse: Callable[[str], object]
    is_required: bool = False
    if_empty: object = None


@dataclass(frozen=True)
class Row:
    """One row, spaces around cells removed. `values` leaves out the columns whose cell is wrong."""

    line_number: int
    cells: Mapping[str, str]
    values: Mapping[str, Any]


class Problems:
    """Everything found wrong with one file so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[tuple[int, str]] = []

    def add(self, reason: str, *, line: int, column: str | None = None, value: str | None = None) -> None:
        """Remember one problem; `reason` says what is allowed or what to do."""
        where = f"{self._path}, line {line}" + (f", column {column}" if column else "")
        self._found.append(
            (line, f"{where}: {reason}" if value is None else f"{where}: {shown(value)}: {reason}")
        )

    def raise_if_any(self) -> None:
        """Raise ContractsError with all problems, in the order of their lines."""
        if self._found:
            raise ContractsError([text for _, text in sorted(self._found, key=lambda found: found[0])])


def read_rows(path: Path, *, columns: Mapping[str, Column], problems: Problems) -> list[Row]:
    """All rows of the file that have as many cells as the header; blank rows are skipped.

    What is wrong with single rows goes to `problems`.

    Raises:
        ContractsError: no row can be judged: the file cannot be read, is no UTF-8, or its header is wrong.
    """
    records = _records(_text(path, problems), problems=problems)
    line, header = next(records, (1, []))
    names = [name.strip() for name in header]
    _check_header(names, line=line, columns=columns, problems=problems)
    problems.raise_if_any()
    rows = []
    for line, record in records:
        cells = [cell.strip() for cell in record]
        if not any(cells):
            continue
        if len(cells) != len(names):
            problems.add(f"has {len(cells)} cells, the header has {len(names)}", line=line)
            continue
        rows.append(_row(dict(zip(names, cells, strict=True)), line=line, columns=columns, problems=problems))
    return rows


def shown(value: str) -> str:
    """The value quoted, on one line and short."""
    return repr(value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…")


def _text(path: Path, problems: Problems) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_AT_MOST + 1)
    except OSError as error:
        raise ContractsError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    if len(data) > BYTES_AT_MOST:
        raise ContractsError(
            [f"{path}: is larger than {BYTES_AT_MOST // 1024**2} MiB: is it the right file?"]
        )
    try:
        # Spreadsheets put a byte order mark before "CSV UTF-8".
        text = data.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add("is not UTF-8: save the file as CSV UTF-8", line=line, value=_around(data, error.start))
        problems.raise_if_any()
    if not text.strip():
        problems.add(f"the file is empty: a header line is expected, or remove {path.name}", line=1)
        problems.raise_if_any()
    return text


def _around(data: bytes, position: int) -> str:
    start = max(data.rfind(b"\n", 0, position) + 1, position - _SHOWN_CHARACTERS // 2)
    line = data[start : position + _SHOWN_CHARACTERS // 2].splitlines() or [b""]
    return line[0].decode("utf-8", "backslashreplace")


def _records(text: str, *, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # What follows may be inside the quotes or not: nobody knows.
            problems.add(f"the quotes do not match from here on ({error})", line=line)
            problems.raise_if_any()
        yield line, record


def _check_header(names: list[str], *, line: int, columns: Mapping[str, Column], problems: Problems) -> None:
    expected = ", ".join(columns)
    if len(names) == 1:
        for separator, word in _OTHER_SEPARATORS.items():
            if separator in names[0]:
                problems.add(f"the columns are separated by {word}: separate them by commas", line=line)
                return
    for name, count in Counter(names).items():
        if name not in columns:
            problems.add(f"is not a column of this file; its columns are {expected}", line=line, value=name)
        elif count > 1:
            problems.add(f"stands {count} times in the header", line=line, column=name)
    if missing := [name for name in columns if name not in names]:
        reason = (
            "is missing in the header; leave its cells empty instead"
            if len(missing) == 1
            else "are missing in the header; leave their cells empty instead"
        )
        problems.add(reason, line=line, column=", ".join(missing))


def _row(cells: Mapping[str, str], *, line: int, columns: Mapping[str, Column], problems: Problems) -> Row:
    values = {}
    for name, column in columns.items():
        cell = cells[name]
        if not cell and not column.is_required:
            values[name] = column.if_empty
            continue
        try:
            values[name] = column.parse(cell)
        except CellError as error:
            problems.add(str(error), line=line, column=name, value=cell)
    return Row(line_number=line, cells=cells, values=values)
