"""What a ULID says of itself: 26 characters of Crockford's base32, the first ten are Unix milliseconds."""

import datetime as dt
import re

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(f"[0-7][{_CROCKFORD}]{{25}}")


def is_ulid(text: str) -> bool:
    """In capitals, as they are kept."""
    return _ULID.fullmatch(text) is not None


def created_at(ulid: str) -> dt.datetime:
    """When a ULID was made."""
    milliseconds = 0
    for letter in ulid[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(letter)
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
