"""What Spacelift itself says about the billing period and the worker pools, over GraphQL.

Here: the two questions and what their answers mean. Not here: HTTPS (client.py), keeping the answers
(landing/raw_vendor_usage.py).
Source: the vendor's public schema, types Usage and WorkerPool. Prices and amounts are in cents, times in Unix
seconds. All of it is optional: a key may not be allowed to ask, and an account's schema may lack fields, so
what is refused or missing becomes a remark and never an error.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import SpaceliftError
from orchestration.spacelift.graphql import GraphqlError

# GraphQL fields and how they are asked for.
_USAGE_FIELDS = {
    name: name
    for name in (
        "billingPeriodStart",
        "billingPeriodEnd",
        "usedPrivateMinutes",
        "usedPublicMinutes",
        "usedWorkers",
        "usedSeats",
        "allowedMinutes",
        "allowedSeats",
        "pricePerSeat",
        "pricePerWorker",
        "pricePerRunMinute",
        "subscriptionPrice",
        "upcomingInvoiceTotalAmount",
    )
}
_WORKER_POOL_FIELDS = {"id": "id", "name": "name", "workers": "workers { drained }"}

# What the numeric columns of the staging models hold.
_NUMBER_BELOW = Decimal(10) ** 12
_FIRST_INSTANT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LAST_INSTANT = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
# What the usage files call a pool by; its time of creation is read from it.
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
# Servers suggest other fields behind a complaint; those are not what is wrong.
_SUGGESTION = re.compile(r"did you mean.*", re.IGNORECASE)


@dataclass(frozen=True)
class VendorUsage:
    """The vendor's figures for its current billing period. None: not told. Bounds UTC, the end exclusive."""

    billing_period_start_at: dt.datetime | None
    billing_period_end_at: dt.datetime | None
    used_private_minutes: Decimal | None
    used_public_minutes: Decimal | None
    allowed_minutes: Decimal | None
    used_workers: Decimal | None
    used_seats: Decimal | None
    allowed_seats: Decimal | None
    price_per_worker_cents: Decimal | None
    price_per_seat_cents: Decimal | None
    price_per_run_minute_cents: Decimal | None
    subscription_price_cents: Decimal | None
    upcoming_invoice_total_cents: Decimal | None
    # The fields as they came, for whoever doubts the columns.
    response: Mapping[str, Any]


@dataclass(frozen=True)
class VendorWorkerPool:
    """A private worker pool as the vendor lists it; drained workers are among its workers. None: not told."""

    worker_pool_ulid: str
    worker_pool_name: str
    worker_count: int | None
    drained_worker_count: int | None


@dataclass(frozen=True)
class VendorFigures:
    """Both answers, None where there was none; `remarks` says, a line each, what was not told and why."""

    usage: VendorUsage | None
    worker_pools: list[VendorWorkerPool] | None
    remarks: list[str]


def fetch_vendor_figures(client: SpaceliftClient) -> VendorFigures:
    """Ask both questions, each again without the fields that the vendor does not know."""
    remarks: list[str] = []
    usage = _ask(client, root="usage", fields=_USAGE_FIELDS, remarks=remarks)
    pools = _ask(client, root="workerPools", fields=_WORKER_POOL_FIELDS, remarks=remarks)
    return VendorFigures(
        usage=_vendor_usage(usage, remarks) if isinstance(usage, dict) else None,
        worker_pools=_vendor_worker_pools(pools, remarks) if isinstance(pools, list) else None,
        # What is wrong with a key is wrong with both questions.
        remarks=list(dict.fromkeys(remarks)),
    )


def _ask(client: SpaceliftClient, *, root: str, fields: Mapping[str, str], remarks: list[str]) -> object:
    """What the answer holds under `root`; None when it holds nothing."""
    known = dict(fields)
    while True:
        try:
            answer = client.ask_graphql(
                f"{{ {root} {{ {' '.join(known.values())} }} }}", asked=f"GraphQL {root}"
            )
        except SpaceliftError as error:
            remarks.append(str(error))
            return None
        value: object = answer.data.get(root)
        if value is not None:
            remarks.extend(f"Spacelift on {root}: {error.message}" for error in answer.errors)
            return value
        unknown = [name for name, asked in known.items() if _is_named(asked, answer.errors)]
        if not unknown or len(unknown) == len(known):
            words = "; ".join(error.message for error in answer.errors) or "it answered with nothing"
            remarks.append(f"Spacelift does not tell {root}: {words}")
            return None
        remarks.append(f"Spacelift does not tell {', '.join(unknown)} of {root}")
        for name in unknown:
            del known[name]


def _is_named(asked: str, errors: Sequence[GraphqlError]) -> bool:
    """Whether an error is about one of the fields in this piece of the question."""
    names = set(re.findall(r"\w+", asked))
    for error in errors:
        words = re.findall(r"\w+", _SUGGESTION.sub("", error.message))
        if names.intersection(words) or names.intersection(error.path):
            return True
    return False


def _vendor_usage(told: Mapping[str, Any], remarks: list[str]) -> VendorUsage:
    def number(name: str) -> Decimal | None:
        return _number(told.get(name), name=name, remarks=remarks)

    def instant(name: str) -> dt.datetime | None:
        return _instant(number(name), name=name, remarks=remarks)

    return VendorUsage(
        billing_period_start_at=instant("billingPeriodStart"),
        billing_period_end_at=instant("billingPeriodEnd"),
        used_private_minutes=number("usedPrivateMinutes"),
        used_public_minutes=number("usedPublicMinutes"),
        allowed_minutes=number("allowedMinutes"),
        used_workers=number("usedWorkers"),
        used_seats=number("usedSeats"),
        allowed_seats=number("allowedSeats"),
        price_per_worker_cents=number("pricePerWorker"),
        price_per_seat_cents=number("pricePerSeat"),
        price_per_run_minute_cents=number("pricePerRunMinute"),
        subscription_price_cents=number("subscriptionPrice"),
        upcoming_invoice_total_cents=number("upcomingInvoiceTotalAmount"),
        response={name: _storable(told[name]) for name in _USAGE_FIELDS if name in told},
    )


def _vendor_worker_pools(told: list[Any], remarks: list[str]) -> list[VendorWorkerPool]:
    pools: dict[str, VendorWorkerPool] = {}
    for entry in told:
        pool = entry if isinstance(entry, dict) else {}
        ulid, name, workers = pool.get("id"), pool.get("name"), pool.get("workers")
        if not isinstance(ulid, str) or not _ULID.fullmatch(ulid.upper()) or not isinstance(name, str):
            remarks.append("Spacelift listed a worker pool without a ULID or a name: left out")
            continue
        listed = workers if isinstance(workers, list) else None
        pools[ulid.upper()] = VendorWorkerPool(
            worker_pool_ulid=ulid.upper(),
            worker_pool_name=_without_nul(name),
            worker_count=None if listed is None else len(listed),
            drained_worker_count=None if listed is None else sum(map(_is_drained, listed)),
        )
    return list(pools.values())


def _is_drained(worker: object) -> bool:
    return isinstance(worker, dict) and worker.get("drained") is True


def _number(value: object, *, name: str, remarks: list[str]) -> Decimal | None:
    if value is None:
        return None
    number = None
    if isinstance(value, int | float | str):
        # What is no number in writing, `True` too, is none here.
        with suppress(InvalidOperation):
            number = Decimal(str(value))
    if number is None or not number.is_finite() or abs(number) >= _NUMBER_BELOW:
        remarks.append(f"Spacelift's {name} is no usable number: left out")
        return None
    return number


def _instant(unix_seconds: Decimal | None, *, name: str, remarks: list[str]) -> dt.datetime | None:
    if unix_seconds is None:
        return None
    try:
        instant = dt.datetime.fromtimestamp(int(unix_seconds), dt.UTC)
    except (OverflowError, OSError, ValueError):
        instant = None
    if instant is None or not _FIRST_INSTANT <= instant < _LAST_INSTANT:
        remarks.append(f"Spacelift's {name} is no time in Unix seconds: left out")
        return None
    return instant


def _storable(value: object) -> str | int | float | bool | None:
    """The value if jsonb takes it; the fields asked for are single values."""
    if isinstance(value, str):
        return _without_nul(value)
    return value if value is None or isinstance(value, bool | int | float) else None


def _without_nul(text: str) -> str:
    """Postgres cannot hold that character."""
    return text.replace("\x00", "")
