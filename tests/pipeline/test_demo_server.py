"""The demo account over real HTTP on loopback, asked by the client that a real account gets."""

import csv
import datetime as dt
import io
import logging
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from orchestration.demo.account import LAST_DAY, usage_csv
from orchestration.demo.server import DemoServer, demo_server
from orchestration.spacelift.aspects import ASPECTS, RUN_MINUTES, WORKER_COUNT
from orchestration.spacelift.auth import ApiKey, ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.endpoint import endpoint_of_token
from orchestration.spacelift.errors import SpaceliftRejectedError
from orchestration.spacelift.vendor_usage import fetch_vendor_figures

DAY = dt.date(2026, 6, 10)
NEXT_DAY = dt.date(2026, 6, 11)
SEED = Path(__file__).parents[2] / "dbt_project/seeds/run_states.csv"
QUERY = {"since": "2026-06-10", "until": "2026-06-11", "aspect": "worker-count"}


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with demo_server() as running:
        yield running


def client_of(server: DemoServer) -> SpaceliftClient:
    return SpaceliftClient(
        endpoint=server.endpoint, credentials=ApiKey(id=server.key_id, secret=server.key_secret)
    )


def token_of(server: DemoServer) -> str:
    question = {
        "query": "mutation($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }",
        "variables": {"id": server.key_id, "secret": server.key_secret},
    }
    answer = httpx.post(f"{server.endpoint}/graphql", json=question).json()
    return answer["data"]["apiKeyUser"]["jwt"]


@pytest.mark.parametrize("aspect", ASPECTS.values(), ids=list(ASPECTS))
def test_the_client_downloads_what_the_account_holds(server, aspect):
    with client_of(server) as client, client.open_usage_csv(aspect, since=DAY, until=NEXT_DAY) as blocks:
        assert b"".join(blocks) == b"".join(usage_csv(aspect, since=DAY, until=NEXT_DAY))


def test_the_file_comes_without_gzip_too(server):
    headers = {"Authorization": f"Bearer {token_of(server)}", "Accept-Encoding": "identity"}
    answer = httpx.get(f"{server.endpoint}/usageanalytics/csv", params=QUERY, headers=headers)
    assert "content-encoding" not in answer.headers
    assert answer.content == b"".join(usage_csv(WORKER_COUNT, since=DAY, until=NEXT_DAY))


def test_a_token_names_the_server_and_can_be_used_as_a_ready_one(server):
    token = token_of(server)
    assert endpoint_of_token(token) == server.endpoint
    with SpaceliftClient(endpoint=server.endpoint, credentials=ReadyToken(token)) as client:
        client.verify_credentials()
        with client.open_usage_csv(WORKER_COUNT, since=DAY, until=NEXT_DAY) as blocks:
            assert b"".join(blocks).startswith(b"Id,Count,")


def test_a_wrong_key_gets_no_token(server):
    key = ApiKey(id=server.key_id, secret="wrong")
    with (
        SpaceliftClient(endpoint=server.endpoint, credentials=key) as client,
        pytest.raises(SpaceliftRejectedError, match=f"refused the API key {server.key_id}"),
    ):
        client.verify_credentials()


@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}])
def test_without_a_token_of_ours_the_answer_is_401(server, authorization):
    answer = httpx.get(f"{server.endpoint}/usageanalytics/csv", params=QUERY, headers=authorization)
    assert answer.status_code == 401


def test_a_token_that_has_ended_is_refused():
    with (
        demo_server(token_life_seconds=0) as server,
        client_of(server) as client,
        pytest.raises(SpaceliftRejectedError, match="401"),
        client.open_usage_csv(RUN_MINUTES, since=DAY, until=NEXT_DAY),
    ):
        pass


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"until": "2026-09-19"}, "history ends on 2026-09-17", id="after the history"),
        pytest.param({"since": "2026-06-11"}, "must be before", id="no days"),
        pytest.param({"since": "10.06.2026"}, "since must be a date", id="not a date"),
        pytest.param({"since": "20260610"}, "since must be a date", id="another form of date"),
        pytest.param({"aspect": "seats"}, "aspect must be one of", id="unknown aspect"),
        pytest.param({"groupBy": "run-state"}, "only for run-minutes", id="grouping of worker counts"),
        pytest.param({"aspect": "run-minutes", "groupBy": "stack"}, "groupBy must be", id="other grouping"),
    ],
)
def test_a_question_it_cannot_answer_gets_400_and_one_line(server, change, reason):
    headers = {"Authorization": f"Bearer {token_of(server)}"}
    answer = httpx.get(f"{server.endpoint}/usageanalytics/csv", params=QUERY | change, headers=headers)
    assert answer.status_code == 400
    assert reason in answer.text
    assert answer.text.count("\n") == 1


def test_graphql_errors_come_with_status_200(server):
    answer = httpx.post(f"{server.endpoint}/graphql", json={"query": "{ stacks { id } }"})
    assert answer.status_code == 200
    assert "only knows apiKeyUser" in answer.json()["errors"][0]["message"]


def test_a_proxy_of_the_environment_is_not_asked_about_loopback(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with client_of(server) as client:
        client.verify_credentials()


def test_nothing_secret_is_logged_at_any_level(server, caplog):
    caplog.set_level(logging.DEBUG)
    with client_of(server) as client:
        with client.open_usage_csv(RUN_MINUTES, since=DAY, until=NEXT_DAY) as blocks:
            read = sum(len(block) for block in blocks)
        token = client._tokens.token()
    assert read > 0
    assert caplog.text
    assert server.key_secret not in f"{caplog.text}{server!r}"
    assert token not in caplog.text


def test_nothing_is_left_running_afterwards():
    with demo_server() as server:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{server.endpoint}/graphql", json={})


def test_the_account_tells_its_own_figures_as_its_files_have_them(server):
    with client_of(server) as client:
        told = fetch_vendor_figures(client)
    assert told.remarks == []
    assert told.usage is not None
    september = dt.date(2026, 9, 1)
    assert told.usage.billing_period_start_at == dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
    assert told.usage.billing_period_end_at == dt.datetime(2026, 10, 1, tzinfo=dt.UTC)

    def rows(aspect):
        until = LAST_DAY + dt.timedelta(days=1)
        text = b"".join(usage_csv(aspect, since=september, until=until)).decode()
        end = dt.datetime.combine(until, dt.time(), dt.UTC).timestamp()
        return [row for row in csv.DictReader(io.StringIO(text)) if int(row["TimestampUnix"]) < end]

    workers = Counter()
    for row in rows(WORKER_COUNT):
        workers[row["TimestampUnix"]] += int(row["Count"])
    assert told.usage.used_workers == max(workers.values())
    with SEED.open() as states:
        billable = {row["run_state"] for row in csv.DictReader(states) if row["is_billable"] == "true"}
    minutes = Counter()
    for row in rows(RUN_MINUTES):
        if row["RunState"] in billable:
            minutes[row["Public"]] += Decimal(row["StateDurationMinutes"])
    assert told.usage.used_private_minutes - int(minutes["false"]) in (0, 1)
    assert told.usage.used_public_minutes - int(minutes["true"]) in (0, 1)
    assert told.worker_pools is not None
    assert {pool.worker_pool_name for pool in told.worker_pools} == {
        "production",
        "non-production",
        "data-platform",
        "us-east",
    }


def test_the_account_tells_no_figures_without_a_token(server):
    answer = httpx.post(f"{server.endpoint}/graphql", json={"query": "{ usage { usedWorkers } }"}).json()
    assert answer == {"data": None, "errors": [{"message": "unauthorized"}]}
