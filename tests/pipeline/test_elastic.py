"""Hours of the demo's marts in an Elasticsearch on loopback: whole, once, and what a refusal does."""

import csv
import datetime as dt
import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing

import dagster as dg
import httpx
import psycopg
import pytest

from orchestration import cli
from orchestration.assets.elastic import elastic
from orchestration.exports.elastic import DayRange, day_states, export_to_elastic, record_posted
from orchestration.exports.elastic_client import Document, ElasticClient, ElasticError, elastic_client
from orchestration.exports.elastic_csv import write_elastic_csv
from orchestration.exports.elastic_documents import GRAINS, INDEX, TEMPLATE
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import VARIABLES, Settings, SettingsError
from orchestration.warehouse.connection import connect
from orchestration.warehouse.lock import export_lock
from tests.pipeline.listening_elasticsearch import Elasticsearch, listening_elasticsearch

KEY = "c2VjcmV0LWlkOnNlY3JldC1rZXk="
DAYS = DayRange(dt.date(2026, 6, 10), dt.date(2026, 6, 12))


@pytest.fixture
def server() -> Iterator[Elasticsearch]:
    with listening_elasticsearch() as listening:
        yield listening


@pytest.fixture
def waits() -> list[float]:
    """What the client would have waited, in seconds."""
    return []


@pytest.fixture
def client(server: Elasticsearch, waits: list[float]) -> Iterator[ElasticClient]:
    variables = {"ELASTICSEARCH_URL": server.url, "ELASTICSEARCH_API_KEY": KEY}
    with elastic_client(Settings.from_environment(variables), wait=waits.append) as made:
        yield made


@pytest.fixture
def marts(demo_warehouse_url: str, server: Elasticsearch) -> Iterator[psycopg.Connection]:
    with closing(connect(demo_warehouse_url)) as connection:
        yield connection
        connection.rollback()
        connection.execute("delete from raw.elastic_exports where target = %s", [server.url])
        connection.commit()


def documents(count: int) -> list[Document]:
    return [Document(str(number), json.dumps({"account": "acme"})) for number in range(count)]


def test_three_days_arrive_whole_although_the_server_is_busy_and_agree_with_the_marts(
    marts, client, server, waits
):
    server.refusals = [429, {0: 429, 7: 503}, {1: 429}]
    exported = export_to_elastic(marts, client, target=server.url, days=DAYS)
    assert exported.documents == len(server.documents) == server.sent[0]
    # All of them again, then the two that were refused, then the one of these.
    assert server.sent == [exported.documents, exported.documents, 2, 1]
    assert waits == [1, 1, 2]
    assert server.authorizations == {f"ApiKey {KEY}"}
    sums: dict[tuple[str, bool], float] = {}
    for document in server.documents.values():
        if document["grain"] == "run_state_hour":
            key = document["run_state"], document["is_public"]
            sums[key] = sums.get(key, 0) + document["state_minutes"]
    of_the_mart = marts.execute(
        "select run_state, is_public, sum(state_minutes), count(*) from marts.fct_run_state_hourly"
        " where date_day between %s and %s group by 1, 2",
        [DAYS.first, DAYS.last],
    ).fetchall()
    assert sums == pytest.approx({(state, public): float(sum_) for state, public, sum_, _ in of_the_mart})
    assert {count for *_, count in of_the_mart} == {72}
    hours = [document for document in server.documents.values() if document["grain"] == "account_hour"]
    assert len(hours) == 72
    assert min(hour["@timestamp"] for hour in hours) == "2026-06-10T00:00:00Z"
    p95 = marts.execute(
        "select p95_workers from marts.billing_worker_percentiles"
        " where scope = 'account' and period_start_at = '2026-06-01'"
    ).fetchone()
    assert {hour["p95_workers"] for hour in hours} == set(p95)


def test_a_day_is_posted_again_only_when_it_changed_and_what_the_marts_lost_is_deleted(marts, client, server):
    export_to_elastic(marts, client, target=server.url, days=DAYS)
    posted = set(server.documents)
    record_posted(marts, day_states(marts), target=server.url)
    server.sent.clear()
    assert export_to_elastic(marts, client, target=server.url).days == 0
    record_posted(marts, {DAYS.first: "another state"}, target=server.url)
    lost = next(document for document in server.documents.values() if document["usage_date"] == "2026-06-10")
    server.documents["of a pool that turned out to be another"] = dict(lost)
    exported = export_to_elastic(marts, client, target=server.url)
    assert (exported.days, exported.deleted) == (1, 1)
    assert server.sent == [exported.documents]
    assert set(server.documents) == posted


def test_an_index_that_was_lost_gets_every_day_back_also_when_the_export_stops_part_way(
    marts, client, server
):
    states = {day: state for day, state in day_states(marts).items() if day <= DAYS.last}
    record_posted(marts, day_states(marts), target=server.url)
    # The index is gone, and the second part of the export is refused for good.
    server.refusals = [{}, 400]
    server.documents.clear()
    with pytest.raises(ElasticError, match="answered 400"):
        export_to_elastic(marts, client, target=server.url)
    assert server.index_exists
    export_to_elastic(marts, client, target=server.url)
    in_the_index = {document["usage_date"] for document in server.documents.values()}
    assert in_the_index >= {day.isoformat() for day in states}
    assert len(in_the_index) == len(day_states(marts))


def test_a_second_export_waits_for_the_first_and_says_so(
    marts, server, monkeypatch, demo_warehouse_url, capsys
):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", demo_warehouse_url)
    monkeypatch.setenv("ELASTICSEARCH_URL", server.url)
    arguments = ["export-elastic", "--since", str(DAYS.first), "--until", str(DAYS.last)]
    second = threading.Thread(target=cli.exit_code_of, args=[arguments])
    with export_lock(demo_warehouse_url, on_wait=lambda: None):
        second.start()
        deadline = time.monotonic() + 30
        while not is_waited_for(marts) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.sent == []
        assert capsys.readouterr().err == "Waiting for another export to Elasticsearch.\n"
    second.join(30)
    assert len(server.documents) == sum(server.sent) > 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("done: 2 days, ")


def is_waited_for(connection: psycopg.Connection) -> bool:
    with connection.transaction():
        return (
            connection.execute("select from pg_locks where locktype = 'advisory' and not granted").fetchone()
            is not None
        )


def test_the_asset_posts_what_changed_and_fails_in_one_line_when_that_is_refused(
    marts, server, monkeypatch, demo_warehouse_url
):
    record_posted(marts, {**day_states(marts), DAYS.first: "another state"}, target=server.url)
    server.index_exists = True
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", demo_warehouse_url)
    monkeypatch.setenv("ELASTICSEARCH_URL", server.url)
    monkeypatch.setenv("ELASTICSEARCH_USERNAME", "me")
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD", "secret")
    server.refusals = [{3: 400}]
    for is_refused in (True, False):
        result = dg.materialize([elastic], resources={"postgres": PostgresResource()}, raise_on_error=False)
        assert result.success != is_refused
        if is_refused:
            error = result.failure_data_for_node("exports__elasticsearch").user_failure_data.description
            assert error.startswith("Elasticsearch refused 1 of ")
    metadata = result.asset_materializations_for_node("exports__elasticsearch")[0].metadata
    assert metadata["days"].value == 1
    assert metadata["documents"].value == len(server.documents)
    assert server.authorizations == {"Basic bWU6c2VjcmV0"}


def test_a_document_that_is_refused_for_good_fails_the_export_at_once(client, server, waits):
    client.prepare_index(INDEX, template=TEMPLATE)
    wrong = Document("wrong", json.dumps({"nobody_described": 1}))
    with pytest.raises(
        ElasticError, match=r"refused 1 of 3 documents; the first with 400: .*nobody_described"
    ):
        client.index_documents(INDEX, [*documents(2), wrong])
    assert server.sent == [3]
    assert waits == []


def test_a_server_that_stays_busy_fails_the_export_in_the_end(client, server, waits):
    client.prepare_index(INDEX, template=TEMPLATE)
    server.refusals = [{0: 429}] * 99
    with pytest.raises(ElasticError, match="refused 1 of 2 documents; the first with 429"):
        client.index_documents(INDEX, documents(2))
    assert server.sent == [2, *[1] * 6]
    assert waits == [1, 2, 4, 8, 16, 32]


def test_a_refused_key_is_told_without_the_key(client, server, monkeypatch):
    monkeypatch.setattr(server, "bulk", lambda lines: (401, {"error": f"not {KEY}"}))
    with pytest.raises(ElasticError, match=r"answered 401 to POST .*check ELASTICSEARCH_API_KEY") as refused:
        client.index_documents(INDEX, documents(1))
    assert KEY not in str(refused.value)


def test_a_header_that_cannot_be_sent_is_in_no_cause_either():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value b'{request.headers['Authorization']}'")

    headers = {"Authorization": f"ApiKey {KEY}"}
    transport = httpx.MockTransport(refuse)
    with httpx.Client(base_url="https://elastic.example", headers=headers, transport=transport) as http:
        client = ElasticClient(http, secrets=[], wait=lambda seconds: None, tries=1)
        with pytest.raises(ElasticError, match="is not valid HTTP") as refused:
            client.prepare_index(INDEX, template=TEMPLATE)
    assert KEY not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ELASTICSEARCH_URL": "http://elastic.example"}, "is not an https:// URL"),
        ({"ELASTICSEARCH_URL": "https://me:secret@elastic.example"}, "go into ELASTICSEARCH_USERNAME"),
        ({"ELASTICSEARCH_API_KEY": "secret\nsecret"}, "ELASTICSEARCH_API_KEY is no API key: it has a line"),
        ({"ELASTICSEARCH_API_KEY": "secr\u00e9t"}, "ELASTICSEARCH_API_KEY is no API key: it has a line"),
        ({"ELASTICSEARCH_USERNAME": "me"}, "set both ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD"),
        (
            {
                "ELASTICSEARCH_API_KEY": "secret",
                "ELASTICSEARCH_USERNAME": "me",
                "ELASTICSEARCH_PASSWORD": "s",
            },
            "set ELASTICSEARCH_API_KEY or ELASTICSEARCH_USERNAME, not both",
        ),
    ],
)
def test_wrong_variables_are_refused_without_showing_them(variables, words):
    with pytest.raises(SettingsError, match=words) as refused:
        Settings.from_environment(variables)
    assert "secret" not in str(refused.value)


def test_csv_files_stay_below_the_limit_and_hold_every_hour_once(marts, tmp_path):
    paths = write_elastic_csv(marts, tmp_path, first=DAYS.first, last=DAYS.last, file_bytes=50_000)
    assert all(path.stat().st_size <= 50_000 for path in paths)
    seen: dict[str, list[dict[str, str]]] = {}
    for path in paths:
        with path.open(newline="") as file:
            seen.setdefault(path.name[:-8], []).extend(csv.DictReader(file))
    assert set(seen) == {grain.name for grain in GRAINS}
    states = seen["run_state_hour"]
    assert len([path for path in paths if path.name.startswith("run_state_hour")]) > 1
    assert len({(row["@timestamp"], row["run_state"], row["is_public"]) for row in states}) == len(states)
    assert len(states) % 72 == 0
    assert {row["is_public"] for row in states} == {"true", "false"}
