"""The vendor's own figures: what it tells is kept exactly, what it refuses costs nothing else."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from orchestration.spacelift.auth import ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.vendor_usage import VendorFigures, VendorWorkerPool, fetch_vendor_figures

TOKEN = "e30.e30.c2lnbmF0dXJl"
USAGE = {
    "billingPeriodStart": 1769904000,
    "billingPeriodEnd": 1772323200,
    "usedPrivateMinutes": 81234,
    "usedPublicMinutes": 12.5,
    "usedWorkers": 14,
    "usedSeats": 23,
    "allowedMinutes": 4000,
    "allowedSeats": 10,
    "pricePerSeat": 3500,
    "pricePerWorker": None,
    "pricePerRunMinute": 0.1,
    "subscriptionPrice": 450000,
    "upcomingInvoiceTotalAmount": -125,
}
POOLS = [
    {
        "id": "01JHFXXPDC6J8XM2VB0M9CS338",
        "name": "private",
        "workers": [{"drained": True}, {"drained": False}],
    }
]

Answer = Callable[[str], httpx.Response]


def figures(answer: Answer) -> tuple[VendorFigures, list[str]]:
    """What is made of the answers, and the questions that were asked."""
    asked: list[str] = []

    def answering(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        asked.append(json.loads(request.content)["query"])
        return answer(asked[-1])

    with SpaceliftClient(
        endpoint="https://example.app.spacelift.io",
        credentials=ReadyToken(TOKEN),
        transport=httpx.MockTransport(answering),
    ) as client:
        return fetch_vendor_figures(client), asked


def telling(usage: Any = USAGE, pools: Any = POOLS) -> Answer:
    """Only the fields asked for, as GraphQL does."""

    def answer(query: str) -> httpx.Response:
        if "workerPools" in query:
            return httpx.Response(200, json={"data": {"workerPools": pools}})
        told = {name: value for name, value in usage.items() if name in query.split()}
        return httpx.Response(200, json={"data": {"usage": told}})

    return answer


def complaining(*messages: str, data: Any = None, **more: Any) -> httpx.Response:
    errors = [{"message": message, **more} for message in messages]
    return httpx.Response(200, json={"data": data, "errors": errors})


def test_everything_told_is_kept_exactly():
    told, asked = figures(telling())
    assert told.usage is not None
    assert told.usage.billing_period_start_at == dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    assert told.usage.billing_period_end_at == dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert told.usage.used_private_minutes == Decimal(81234)
    assert told.usage.used_public_minutes == Decimal("12.5")
    assert (told.usage.used_workers, told.usage.used_seats) == (14, 23)
    assert (told.usage.allowed_minutes, told.usage.allowed_seats) == (4000, 10)
    assert (told.usage.price_per_seat_cents, told.usage.price_per_worker_cents) == (3500, None)
    assert told.usage.price_per_run_minute_cents == Decimal("0.1")
    assert told.usage.subscription_price_cents == 450000
    assert told.usage.upcoming_invoice_total_cents == -125
    assert told.usage.response == USAGE
    assert told.worker_pools == [VendorWorkerPool("01JHFXXPDC6J8XM2VB0M9CS338", "private", 2, 1)]
    assert told.remarks == []
    assert len(asked) == 2


def test_unknown_fields_are_left_out_and_the_others_kept():
    def answer(query: str) -> httpx.Response:
        unknown = [name for name in ("usedSeats", "allowedSeats") if name in query]
        if unknown:
            return complaining(
                *(
                    f'Cannot query field "{name}" on type "Usage". Did you mean "usedWorkers"?'
                    for name in unknown
                )
            )
        return telling()(query)

    told, asked = figures(answer)
    assert told.usage is not None
    assert told.usage.used_seats is None
    assert told.usage.used_workers == 14
    assert told.remarks == ["Spacelift does not tell usedSeats, allowedSeats of usage"]
    assert len(asked) == 3


def test_a_server_that_names_one_unknown_field_at_a_time_is_asked_again():
    def answer(query: str) -> httpx.Response:
        for name in ("usedSeats", "allowedSeats"):
            if name in query:
                return complaining(f"Unknown field '{name}'")
        return telling()(query)

    told, _ = figures(answer)
    assert told.usage is not None
    assert told.usage.used_workers == 14


def test_a_field_refused_by_its_path_is_left_out():
    def answer(query: str) -> httpx.Response:
        if "pricePerSeat" in query:
            return complaining("forbidden", path=["usage", "pricePerSeat"], data={"usage": None})
        return telling()(query)

    told, _ = figures(answer)
    assert told.usage is not None
    assert told.usage.subscription_price_cents == 450000


def test_data_beside_errors_is_kept_and_the_error_told():
    def answer(query: str) -> httpx.Response:
        if "workerPools" in query:
            return telling()(query)
        return complaining("no prices for you", data={"usage": {**USAGE, "pricePerSeat": None}})

    told, _ = figures(answer)
    assert told.usage is not None
    assert told.remarks == ["Spacelift on usage: no prices for you"]


def test_pools_without_their_workers_have_unknown_counts():
    def answer(query: str) -> httpx.Response:
        if "drained" in query:
            return complaining('Cannot query field "drained" on type "Worker".')
        pool = {"id": POOLS[0]["id"], "name": "private"}
        return telling(pools=[pool])(query)

    told, _ = figures(answer)
    assert told.worker_pools == [VendorWorkerPool("01JHFXXPDC6J8XM2VB0M9CS338", "private", None, None)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            complaining("unauthorized"), "Spacelift does not tell usage: unauthorized", id="refused"
        ),
        pytest.param(
            complaining('Cannot query field "usage" on type "Query".'),
            "Spacelift does not tell usage: Cannot query",
            id="not in this schema",
        ),
        pytest.param(httpx.Response(200, json={"data": None}), "answered with nothing", id="nothing"),
        pytest.param(
            httpx.Response(200, html="<html>Log in</html>"), "did not answer with GraphQL", id="page"
        ),
        pytest.param(httpx.Response(200, json=[1]), "answered with nothing", id="other JSON"),
        pytest.param(httpx.Response(403), "answered 403 for GraphQL usage", id="forbidden"),
        pytest.param(httpx.Response(503), "answered 503 for GraphQL usage", id="maintenance"),
    ],
)
def test_a_refused_question_is_told_and_costs_nothing_else(answer, words):
    told, _ = figures(lambda query: telling()(query) if "workerPools" in query else answer)
    assert told.usage is None
    assert told.worker_pools is not None
    assert len(told.remarks) == 1
    assert words in told.remarks[0]
    assert "\n" not in told.remarks[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("usedWorkers", "many", id="text"),
        pytest.param("usedWorkers", True, id="a boolean"),
        pytest.param("usedWorkers", 10**12, id="more than the marts hold"),
        pytest.param("usedWorkers", {"count": 1}, id="an object"),
        pytest.param("billingPeriodStart", 1769904000000, id="milliseconds"),
        pytest.param("billingPeriodStart", -1, id="before the vendor"),
    ],
)
def test_a_value_that_cannot_be_used_is_left_out_alone(name, value):
    told, _ = figures(telling({**USAGE, name: value}))
    assert told.usage is not None
    assert told.usage.used_seats == 23
    assert None in (told.usage.used_workers, told.usage.billing_period_start_at)
    assert [remark for remark in told.remarks if name in remark] == told.remarks != []


@pytest.mark.parametrize("ulid", [None, "", "private-pool", "81JHFXXPDC6J8XM2VB0M9CS338"])
def test_a_pool_without_a_ulid_is_left_out_and_told(ulid):
    told, _ = figures(telling(pools=[{"id": ulid, "name": "x"}, *POOLS]))
    assert told.worker_pools is not None
    assert [pool.worker_pool_name for pool in told.worker_pools] == ["private"]
    assert len(told.remarks) == 1


def test_a_secret_that_the_server_repeats_is_not_told():
    told, _ = figures(lambda query: complaining(f"bad token {TOKEN}"))
    assert TOKEN not in "".join(told.remarks)
