"""The rows of a usage file: what a good one looks like, and what is wrong with a bad one.

Here: the regular expressions that pass good rows at the speed of COPY, and the slow judgement of one row.
Not here: the stream (usage_csv.py), the header (usage_header.py). Nothing here mends a value: a row is landed
as it came, or it is bad.

Whatever the fast expression matches, `judge` accepts too; a property test holds the two together.

Source: spacelift-io/user-documentation, docs/product/billing/usage.md (types); github.com/ulid/spec (ULIDs).
"""

import re
from dataclasses import dataclass

from orchestration.landing.usage_header import Layout, quoted
from orchestration.spacelift.aspects import Column

# 2010-01-01 to 2100-01-01 in UTC: a time outside is milliseconds, or a wrong number. All have ten digits.
EARLIEST_UNIX_SECONDS = 1_262_304_000
LATEST_UNIX_SECONDS = 4_102_444_799

# 1,900 years in a row of an hour. Below it a thousand rows still add up within the marts' numeric(18, 6).
MINUTES_BELOW = 1_000_000_000

# varchar(255) in the raw tables.
MAX_TEXT_CHARACTERS = 255
# Twelve fields of 255 four-byte characters are 12 kB, all of them doubled quotes 6 kB: more is no row.
MAX_RECORD_BYTES = 65_536

# The types of the raw tables.
_INTEGER_RANGES = {"id": (-(2**63), 2**63 - 1), "count": (0, 2**31 - 1)}

_SHOWN_CHARACTERS = 80

# Only spellings that Postgres and we read alike; single characters are possessive, so a line that does not
# match fails at once. Groups are not: Python before 3.11.5 matched possessive groups wrongly.
# What may be absent is an empty alternative, not `(…)?`, which made the whole a third slower.
# Classes name what they take, not what they do not (`[^",\r\n\x00]`): half the time for each character.
_PLAIN_CHARACTER = rb"[\x01-\t\x0b\x0c\x0e-!#-+\--\xff]"
_QUOTED_CHARACTER = rb"[\x01-\t\x0b\x0c\x0e-!#-\xff]"
_TEXT = (
    _PLAIN_CHARACTER + b"{1,255}+"
    b'|"' + _QUOTED_CHARACTER + b'{1,255}+"'
    b'|"(?:' + _QUOTED_CHARACTER + b'|""){1,255}"'
)
_FAST_PATTERNS = {
    # Six digits and two places more: far below MINUTES_BELOW, whatever the fraction rounds to.
    "minutes": rb"\d{1,6}+(?:\.\d{1,30}+|)(?:[eE](?:-\d{1,2}+|\+?0?[0-2])|)",
    "boolean": rb"true|false|[01tfTF]|True|False|TRUE|FALSE",
    "text": _TEXT,
    "integer": rb"\d{1,9}+",
    "ulid": rb"[0-7][0-9A-HJKMNP-TV-Z]{25}+",
    "left out": rb'(?:[^",\r\n]*+|"[^"\r\n]*+(?:""[^"\r\n]*+)*")',
}

_QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*"(?!")')
_PLAIN = re.compile(rb'[^",\r\n]*+')
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}")
_BOOLEANS = frozenset({"true", "false", "t", "f", "1", "0", "yes", "no", "y", "n"})


@dataclass(frozen=True)
class Record:
    """One row as it came: its fields with their quotes, and where its text ends (without the line end)."""

    fields: list[bytes]
    end: int


@dataclass(frozen=True)
class Broken:
    """Why no row can be read; `open_quote` when a quote is not closed before the end."""

    reason: str
    open_quote: bool = False


def fast_lines(layout: Layout, *, earliest: int, latest: int) -> re.Pattern[bytes]:
    """An expression that matches as many well-formed lines on end as it can.

    Only lines with a timestamp of `earliest` to `latest`, in Unix seconds of ten digits, both included.
    """
    return re.compile(b"(?:" + _line(layout, _digits_between(str(earliest), str(latest))) + b")+")


def fast_line_with_any_time(layout: Layout) -> re.Pattern[bytes]:
    """An expression that matches one well-formed line of any time; its group 1 is the timestamp."""
    return re.compile(_line(layout, rb"([1-4]\d{9})"))


def selection(layout: Layout) -> tuple[re.Pattern[bytes], bytes] | None:
    """Expression and replacement that leave unknown fields out of good lines; None if there are none."""
    if len(layout.columns) == len(layout.fields):
        return None
    any_field = _FAST_PATTERNS["left out"]
    line = b",".join(any_field if column is None else b"(" + any_field + b")" for column in layout.fields)
    kept = b",".join(rb"\g<%d>" % number for number in range(1, len(layout.columns) + 1))
    return re.compile(line + layout.line_end), kept + layout.line_end.replace(b"\r", rb"\r").replace(
        b"\n", rb"\n"
    )


def split_record(data: bytes, *, start: int, stop: int, layout: Layout) -> Record | Broken:
    """Read the fields of the record that begins at `start` and ends at a line end or at `stop`.

    A quoted field may hold line ends, so a record can be several lines long when `stop` lies behind them.
    """
    fields: list[bytes] = []
    position = start
    while len(fields) < len(layout.fields):
        quoted = data[position : position + 1] == b'"' and position < stop
        match = (_QUOTED if quoted else _PLAIN).match(data, position, stop)
        if match is None:
            return Broken(
                f"{_field_name(layout, len(fields))}: a quote is opened and never closed", open_quote=True
            )
        fields.append(match.group())
        position = match.end()
        if position == stop or data.startswith((b"\n", b"\r\n"), position):
            break
        if data[position : position + 1] != b",":
            name = _field_name(layout, len(fields) - 1)
            return Broken(f"{name}: text after a closing quote, or a quote inside plain text")
        position += 1
    else:
        return Broken(f"more than {len(layout.fields)} fields")
    if len(fields) < len(layout.fields):
        return Broken(f"{len(fields)} fields instead of {len(layout.fields)}")
    return Record(fields, position)


def timestamp_of(record: Record, *, layout: Layout) -> int | None:
    """The Unix seconds of a record, None when they cannot be read or are no plausible time."""
    value = _unquoted(record.fields[layout.timestamp_index]).decode("utf-8", "backslashreplace")
    return int(value) if _reason_against_timestamp(value) is None else None


def judge(record: Record, *, layout: Layout) -> str | None:
    """Why a record cannot be landed, naming column and value; None when it can."""
    for column, field in zip(layout.fields, record.fields, strict=True):
        if column is not None and (reason := _reason_against(column, _unquoted(field))):
            return f"{column.name}: {reason}"
    return None


def shown(value: str) -> str:
    """A value for a message: quoted, escaped, and cut when it is long."""
    return quoted(value, at_most=_SHOWN_CHARACTERS)


def _reason_against(column: Column, field: bytes) -> str | None:
    if not field:
        return None if column.nullable else "is empty"
    if b"\x00" in field:
        return "has a NUL byte"
    try:
        value = field.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 at byte {error.start + 1}: {shown(field.decode('utf-8', 'backslashreplace'))}"
    match column.kind:
        case "unix_seconds":
            return _reason_against_timestamp(value)
        case "minutes":
            return _reason_against_minutes(value)
        case "boolean":
            return None if value.lower() in _BOOLEANS else f"{shown(value)} is not true or false"
        case "integer":
            return _reason_against_integer(value, *_INTEGER_RANGES[column.name])
        case "ulid":
            if _ULID.fullmatch(value):
                return None
            return f"{shown(value)} is not a ULID (26 characters of Crockford base32, the first one 0 to 7)"
        case "text":
            return _reason_against_text(value)


def _reason_against_timestamp(value: str) -> str | None:
    if _INTEGER.fullmatch(value) and EARLIEST_UNIX_SECONDS <= int(value) <= LATEST_UNIX_SECONDS:
        return None
    return f"{shown(value)} is not a time in Unix seconds between 2010 and 2100"


def _reason_against_minutes(value: str) -> str | None:
    if not _NUMBER.fullmatch(value):
        return f"{shown(value)} is not a number"
    minutes = float(value)
    mantissa = re.split("[eE]", value)[0]
    if minutes == float("inf") or (minutes == 0 and re.search("[1-9]", mantissa)):
        return f"{shown(value)} is out of range"
    if minutes < 0:
        return f"{shown(value)} is negative"
    return f"{shown(value)} is not below {MINUTES_BELOW}" if minutes >= MINUTES_BELOW else None


def _reason_against_integer(value: str, low: int, high: int) -> str | None:
    if not _INTEGER.fullmatch(value):
        return f"{shown(value)} is not a whole number"
    return None if low <= int(value) <= high else f"{shown(value)} is not between {low} and {high}"


def _reason_against_text(value: str) -> str | None:
    if len(value) > MAX_TEXT_CHARACTERS:
        return f"{len(value)} characters, at most {MAX_TEXT_CHARACTERS} fit: {shown(value)}"
    return None


def _unquoted(field: bytes) -> bytes:
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field


def _field_name(layout: Layout, index: int) -> str:
    column = layout.fields[index]
    return column.name if column else f"field {index + 1}"


def _line(layout: Layout, timestamp: bytes) -> bytes:
    return b",".join(_field(column, timestamp) for column in layout.fields) + re.escape(layout.line_end)


def _field(column: Column | None, timestamp: bytes) -> bytes:
    if column is None:
        return _FAST_PATTERNS["left out"]
    pattern = timestamp if column.kind == "unix_seconds" else _FAST_PATTERNS[column.kind]
    return b"(?:" + pattern + (b"|)" if column.nullable else b")")


def _digits_between(low: str, high: str) -> bytes:
    """An expression for the whole numbers from `low` to `high`, both with the same number of digits."""
    if low == high:
        return low.encode()
    if set(low) == {"0"} and set(high) == {"9"}:
        return rb"\d{%d}" % len(low)
    if low[0] == high[0]:
        return low[0].encode() + _digits_between(low[1:], high[1:])
    rest = len(low) - 1
    branches = [low[0].encode() + _digits_between(low[1:], "9" * rest)]
    between = range(int(low[0]) + 1, int(high[0]))
    if between:
        branches.append(rb"[%d-%d]\d{%d}" % (between[0], between[-1], rest))
    branches.append(high[0].encode() + _digits_between("0" * rest, high[1:]))
    return b"(?:" + b"|".join(branches) + b")"
