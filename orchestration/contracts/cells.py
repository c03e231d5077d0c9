"""What a cell of a hand-kept file may say: each function reads one cell, or says what is allowed there.

Numbers are Decimal, never float: 0.1 is a tenth. Cells come without spaces around them, and empty only where
a column is required.
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from functools import cache

from orchestration.contracts.currencies import ISO_4217_CODES

CHARACTERS_AT_MOST = 200
# What the marts keep, numeric(18, 6): more would overflow or be rounded there.
DIGITS_BEFORE_POINT = 12
DIGITS_AFTER_POINT = 6
WHOLE_NUMBER_AT_MOST = 1_000_000
# A year before the vendor existed is a slip of the pen.
FIRST_DAY = dt.date(2000, 1, 1)

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class CellError(ValueError):
    """The cell cannot be used; the message says what is allowed."""


def text(cell: str) -> str:
    """Any printable text.

    Raises:
        CellError: empty, too long, or with control characters.
    """
    if not cell:
        raise CellError("must not be empty")
    if len(cell) > CHARACTERS_AT_MOST or not cell.isprintable():
        raise CellError(f"must be printable text of at most {CHARACTERS_AT_MOST} characters")
    return cell


def day(cell: str) -> dt.date:
    """A UTC date.

    Raises:
        CellError: not written as 2026-01-31, or before 2000.
    """
    try:
        date = dt.date.fromisoformat(cell)
    except ValueError:
        date = None
    if date is None or date.isoformat() != cell or date < FIRST_DAY:
        raise CellError(f"must be a day from {FIRST_DAY} on, written as 2026-01-31")
    return date


def signed_amount(cell: str) -> Decimal:
    """A number with a point, exactly as written.

    Raises:
        CellError: text, an exponent, a comma, or more digits than we keep.
    """
    if not _NUMBER.fullmatch(cell):
        raise CellError("must be a number such as 12.50: a point for decimals, no other signs, no thousands")
    before, _, after = cell.removeprefix("-").partition(".")
    if len(before.lstrip("0")) > DIGITS_BEFORE_POINT or len(after) > DIGITS_AFTER_POINT:
        raise CellError(
            f"must have at most {DIGITS_BEFORE_POINT} digits before the point, {DIGITS_AFTER_POINT} after it"
        )
    return Decimal(cell)


def amount(cell: str) -> Decimal:
    """A number of 0 or more: a price in major units, or minutes.

    Raises:
        CellError: no number, or below 0.
    """
    number = signed_amount(cell)
    if number < 0:
        raise CellError("must be 0 or more")
    return number


def percentile(cell: str) -> Decimal:
    """A percentile in percent, to two decimals.

    Raises:
        CellError: not above 0, above 100, or finer than a hundredth.
    """
    number = signed_amount(cell)
    if not 0 < number <= 100 or number != round(number, 2):
        raise CellError("must be above 0 and at most 100, with at most two decimals, such as 95")
    return number


def whole_number(*, at_least: int = 0, at_most: int = WHOLE_NUMBER_AT_MOST) -> Callable[[str], int]:
    """A reader of whole numbers in a range, both ends included; it raises CellError."""

    def read(cell: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(cell) or not at_least <= int(cell) <= at_most:
            raise CellError(f"must be a whole number from {at_least} to {at_most}")
        return int(cell)

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """A reader of one of the words; it raises CellError."""

    def read(cell: str) -> str:
        if cell not in words:
            raise CellError(f"must be one of {', '.join(words)}")
        return cell

    return read


def currency(cell: str) -> str:
    """An ISO 4217 code.

    Raises:
        CellError: not a code of money in use.
    """
    if cell not in ISO_4217_CODES:
        raise CellError("must be an ISO 4217 currency code in capitals, such as USD or EUR")
    return cell


def time_zone(cell: str) -> str:
    """A name of the IANA time zone database.

    Raises:
        CellError: not such a name.
    """
    if cell not in _time_zones():
        raise CellError("must be an IANA time zone such as UTC or Europe/Warsaw")
    return cell


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
