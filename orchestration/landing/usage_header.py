"""The header line of a usage file: which field of the file is which column of the raw table.

Here: names to columns, and what is wrong with a header. Not here: the rows (usage_rows.py), the stream
(usage_csv.py), the columns themselves (spacelift/aspects.py).

The vendor publishes the order of the fields and shows only a few of its header names, so the match is wide:

1. By name: case, spaces, underscores and a byte order mark do not count (`RunULID`, `run_ulid` and
   `Run Ulid` are the same), nor does the order. Fields with other names are left out and reported.
2. By position, for a field with a name that we do not know: only when the file has exactly as many fields
   as the vendor documents, and every name that we do know stands at its documented place. Reported as well.
3. Otherwise the file is refused. So it is when a known name comes twice, or when the first line is data.

Source: spacelift-io/user-documentation, docs/product/billing/usage.md (names and order of the columns).
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from orchestration.landing.errors import HeaderError
from orchestration.spacelift.aspects import Aspect, Column

# Nothing reads it downstream, and its meaning is not documented: a file without it is still whole.
OPTIONAL_COLUMNS = frozenset({"id"})

_FIELD = re.compile(r'"((?:[^"]|"")*)"|([^,]*)')
_BYTE_ORDER_MARK = "\ufeff"
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Layout:
    """What stands where in one file.

    `fields` has one entry per field of the file, None for a field that is left out; `unknown_fields` are the
    names of those. `fields_by_position` say which column was read from which name because of its place alone.
    """

    aspect: Aspect
    fields: tuple[Column | None, ...]
    line_end: bytes
    unknown_fields: tuple[str, ...] = ()
    fields_by_position: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns to be landed, in the order of the file."""
        return tuple(column for column in self.fields if column is not None)

    @cached_property
    def timestamp_index(self) -> int:
        """Which field of the file holds `timestamp_unix`."""
        return [column.name if column else "" for column in self.fields].index("timestamp_unix")


def read_header(line: bytes, *, aspect: Aspect, origin: str) -> Layout:
    """Match the first line of a file, its line end included, with the columns of an aspect.

    `origin` names the file in messages.

    Raises:
        HeaderError: the line is not a header of this aspect.
    """
    names = _names(line)
    normalised = [_normalise(name) for name in names]
    by_name = {_normalise(column.name): column for column in aspect.columns}
    twice = [name for name, times in Counter(normalised).items() if times > 1 and name in by_name]
    if twice:
        raise HeaderError(
            f"{origin}: column {by_name[twice[0]].name} stands twice in the header {_shown(line)}"
        )

    fields = tuple(by_name.get(name) for name in normalised)
    missing = [
        column.name
        for column in aspect.columns
        if column not in fields and column.name not in OPTIONAL_COLUMNS
    ]
    line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    unknown = tuple(name for name, column in zip(names, fields, strict=True) if column is None)
    if not missing:
        return Layout(aspect, fields, line_end, unknown_fields=unknown)
    if _is_data(names):
        raise HeaderError(f"{origin}: has no header line; its first line is {_shown(line)}")
    in_place = len(fields) == len(aspect.columns) and all(
        column in (None, documented) for column, documented in zip(fields, aspect.columns, strict=False)
    )
    if in_place:
        by_position = tuple(
            f"{documented.name} from {quoted(name, at_most=_SHOWN_CHARACTERS)}"
            for name, column, documented in zip(names, fields, aspect.columns, strict=True)
            if column is None
        )
        return Layout(aspect, aspect.columns, line_end, fields_by_position=by_position)
    raise HeaderError(
        f"{origin}: no column {', '.join(missing)} in the header {_shown(line)};"
        f" a {aspect.name} file has {', '.join(column.name for column in aspect.columns)}"
    )


def _names(line: bytes) -> list[str]:
    """The fields of a header line; whatever cannot be read stays in the name, where it matches nothing."""
    text = line.decode("utf-8", "backslashreplace").removeprefix(_BYTE_ORDER_MARK).rstrip("\r\n")
    names = []
    position = 0
    while position <= len(text):
        match = _FIELD.match(text, position)
        if match is None or text[match.end() : match.end() + 1] not in ("", ","):
            return [text]
        names.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        position = match.end() + 1
    return names


def _normalise(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_data(names: list[str]) -> bool:
    """A name is no number; a row of either aspect has one."""
    return any(re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", name) for name in names)


def quoted(text: str, *, at_most: int) -> str:
    """Text of a file for a message: in quotes, escaped, and cut to so many characters."""
    escaped = repr(text)
    # Cut afterwards: a character that has to be escaped becomes several.
    return escaped if len(escaped) <= at_most + 2 else f"{escaped[: at_most + 1]}…{escaped[0]}"


def _shown(line: bytes) -> str:
    return quoted(line.decode("utf-8", "backslashreplace").strip(), at_most=_SHOWN_CHARACTERS)
