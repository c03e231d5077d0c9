"""Rows for the charts as compact JSON.

Here: how rows are written. Not here: how the browser turns them back into rows (page.js), the queries.
A frame with a field `period` or `pool` shows the rows of the chosen one; one with `at` and no `period` those
whose time lies within the chosen period; one with neither is shown whole.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

HOUR_MILLISECONDS = 3_600_000
DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS


@dataclass(frozen=True)
class Spread:
    """One row holds a list; in the browser it becomes a row for each member, with the member's position."""

    values: str
    position: str
    # Name of the field with the first member's position; without one it is 0.
    first: str | None = None
    step: int = 1


@dataclass(frozen=True)
class Frame:
    """Rows of one chart: times are milliseconds since 1970 in UTC, null is unknown."""

    fields: Sequence[str]
    rows: Sequence[Sequence[Any]]
    spread: Spread | None = None

    def as_json_object(self) -> dict[str, Any]:
        """What page.js reads."""
        spread = None if self.spread is None else vars(self.spread)
        return {"fields": list(self.fields), "rows": list(self.rows), "spread": spread}


def compact_json(value: Any) -> str:
    """JSON without spaces that may stand inside a script element: no text in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), default=_plain, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def milliseconds(at: dt.datetime | dt.date) -> int:
    """A UTC time, or the UTC midnight that a day begins with, as the browser counts it."""
    if not isinstance(at, dt.datetime):
        at = dt.datetime(at.year, at.month, at.day, tzinfo=dt.UTC)
    return round(at.timestamp() * 1000)


def _plain(value: Any) -> Any:
    match value:
        case dt.date():
            return milliseconds(value)
        case Decimal():
            # Charts draw it; figures that must be exact are text (tiles.py).
            return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
