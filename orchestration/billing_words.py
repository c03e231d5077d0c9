"""How a billing period and the percentile that is billed are named, the same wherever people read them.

Here: words. Not here: figures, which are the marts' own.
"""

import datetime as dt
from decimal import Decimal


def said(day: dt.date) -> str:
    """A day, or the day of a UTC time, as people write it."""
    return f"{day.day} {day:%b %Y}"


def period_name(first_day: dt.date, last_day: dt.date) -> str:
    """`September 2026` for a calendar month, else both days, which are the contract's time zone's."""
    next_day = last_day + dt.timedelta(days=1)
    is_month = first_day.day == 1 and (next_day - first_day).days <= 31 and next_day.day == 1
    return f"{first_day:%B %Y}" if is_month else f"{said(first_day)} to {said(last_day)}"


def percentile_name(*, worker_metric: str, worker_percentile: Decimal) -> str:
    """What a contract bills workers by: `P95`, `P99.5`, `Maximum`; `P95` where it says nothing."""
    return "Maximum" if worker_metric == "max" else f"P{worker_percentile.normalize():f}"


def said_time(at: dt.datetime) -> str:
    """A UTC time to the minute."""
    return f"{said(at)} {at:%H:%M} UTC"


def burst_end(*, left: int, exhausted_at: dt.datetime | None, known_until_at: dt.datetime) -> str | None:
    """When the last burst hour is used; None where they last, or nothing is expected yet."""
    if exhausted_at is None:
        return None
    if left <= 0:
        return f"the last was used by {said_time(exhausted_at)}"
    if exhausted_at <= known_until_at:
        return f"with the unknown hours at the usual rhythm the last was used by {said_time(exhausted_at)}"
    return f"at the usual rhythm the last is used by {said_time(exhausted_at)}"
