"""The demo account's answers to GraphQL `usage` and `workerPools`, counted from the history behind its files.

Here: the billing period that is open on the history's last day, a calendar month, and the pools of the last
hour. Not here: the history (account.py), HTTP (server.py). Prices are those of the demo's contract in
contracts.example.csv, in cents.
"""

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from orchestration.demo.account import LAST_DAY, history, unix_hour
from orchestration.demo.scheduling import HOUR_SECONDS

_WORKER_STATES = frozenset(
    {
        *("PREPARING", "PREPARING_APPLY", "PREPARING_REPLAN", "INITIALIZING"),
        *("PLANNING", "APPLYING", "PERFORMING", "DESTROYING"),
    }
)
_COMMITTED_WORKERS = 12
_WORKER_CENTS = 250_00
_SEAT_CENTS = 35_00
_MINUTE_CENTS = 5
_BASE_FEE_CENTS = 1500_00
_SEATS_INCLUDED = 10
SEATS_USED = 23
_MINUTES_INCLUDED = 4000


def vendor_figures(query: str) -> dict[str, Any]:
    """The figures that the question names; nothing when it names none."""
    words = set(re.findall(r"\w+", query))
    figures: dict[str, Any] = {}
    if "usage" in words:
        figures["usage"] = {name: value for name, value in _usage().items() if name in words}
    if "workerPools" in words:
        figures["workerPools"] = _worker_pools()
    return figures


@cache
def _usage() -> dict[str, int]:
    """The period so far; minutes rounded down, as integers."""
    _, activity = history()
    first_day = LAST_DAY.replace(day=1)
    period_end = (first_day + dt.timedelta(days=31)).replace(day=1)
    hours = range(unix_hour(first_day), unix_hour(LAST_DAY + dt.timedelta(days=1)))
    private_minutes = minutes_on_workers(hours, is_public=False)
    public_minutes = minutes_on_workers(hours, is_public=True)
    subscription = _BASE_FEE_CENTS + _COMMITTED_WORKERS * _WORKER_CENTS
    return {
        "billingPeriodStart": unix_hour(first_day) * HOUR_SECONDS,
        "billingPeriodEnd": unix_hour(period_end) * HOUR_SECONDS,
        "usedPrivateMinutes": private_minutes,
        "usedPublicMinutes": public_minutes,
        # The vendor's figure is a maximum, whatever percentile the contract bills.
        "usedWorkers": max(sum(pool[hour] for pool in activity.workers.values()) for hour in hours),
        "usedSeats": SEATS_USED,
        "allowedMinutes": _MINUTES_INCLUDED,
        "allowedSeats": _SEATS_INCLUDED,
        "pricePerSeat": _SEAT_CENTS,
        "pricePerWorker": _WORKER_CENTS,
        "pricePerRunMinute": _MINUTE_CENTS,
        "subscriptionPrice": subscription,
        "upcomingInvoiceTotalAmount": subscription
        + (SEATS_USED - _SEATS_INCLUDED) * _SEAT_CENTS
        + max(0, public_minutes - _MINUTES_INCLUDED) * _MINUTE_CENTS,
    }


def minutes_on_workers(hours: Iterable[int], *, is_public: bool) -> int:
    """Whole minutes of runs on workers in these Unix hours, rounded down."""
    _, activity = history()
    seconds = sum(
        spent
        for hour in hours
        for (place, state), spent in activity.state_seconds.get(hour, {}).items()
        if state in _WORKER_STATES and (activity.runs[place].stack.pool is None) == is_public
    )
    return seconds // 60


@cache
def _worker_pools() -> list[dict[str, Any]]:
    estate, activity = history()
    last_hour = unix_hour(LAST_DAY) + 23
    return [
        {
            "id": pool.ulid,
            "name": pool.name.now,
            "workers": [{"drained": False}] * activity.workers[pool.key][last_hour],
        }
        for pool in estate.pools
    ]
