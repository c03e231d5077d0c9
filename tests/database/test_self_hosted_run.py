"""The report's step as Dagster runs it, against an instance whose answers are written here."""

import datetime as dt
import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psycopg
import pytest

from orchestration.assets import land_days, raw_selfhosted_rows
from orchestration.partitions import daily_partitions
from orchestration.resources import spacelift
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import VARIABLES
from orchestration.spacelift import transfer
from orchestration.spacelift.auth import ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from tests.pipeline.listening_public_api import listening_public_api

TOKEN = "eyJhbGciOiJub25lIn0.e30.signature"
ONE_DAY = dt.timedelta(days=1)
FIRST, SECOND, THIRD = (dt.date(2024, 2, 28) + ONE_DAY * number for number in range(3))

Answers = dict[dt.date, list[httpx.Response]]
Run = Callable[..., dg.ExecuteInProcessResult]


def report(day: dt.date, *, until: dt.date | None = None, **beat: str) -> bytes:
    """One worker's heartbeats of one day, in the report of that day or of more."""
    told = {"worker_ulid": "w", "first_heartbeat_time": f"{day}T08:00:00Z"}
    return json.dumps(
        {
            "account": {"ulid": "01ACCOUNT", "license_id": "license-7"},
            "time_range": {"start": f"{day}T00:00:00Z", "end": f"{until or day + ONE_DAY}T00:00:00Z"},
            "metrics": {
                "heartbeats": {str(day): [told | {"last_heartbeat_time": f"{day}T08:30:00Z"} | beat]}
            },
        }
    ).encode()


@pytest.fixture
def answers() -> Answers:
    """What is answered first to the request for each day; then its report."""
    return defaultdict(list)


@pytest.fixture
def run(
    answers: Answers, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    """One report a day, landed by Dagster with waits of a moment."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/selfhosted/metrics"
        day, until = (
            dt.datetime.fromtimestamp(int(request.url.params[f"{name}_timestamp"]), dt.UTC).date()
            for name in ("start", "end")
        )
        return answers[day].pop(0) if answers[day] else httpx.Response(200, content=report(day, until=until))

    def client(_: object) -> SpaceliftClient:
        return SpaceliftClient(
            endpoint="https://instance.example.com",
            credentials=ReadyToken(jwt=TOKEN),
            transport=httpx.MockTransport(answer),
        )

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "SPACELIFT_ACCOUNT": "acme",
        "DATABASE_URL": database_url,
        "USAGE_ARCHIVE_URL": str(tmp_path / "archive"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(spacelift, "spacelift_client", client)
    monkeypatch.setattr(land_days, "FIRST_WAIT_SECONDS", 0.001)
    days = daily_partitions(dt.date(2024, 1, 1))
    definitions = dg.Definitions(
        assets=[raw_selfhosted_rows.raw_selfhosted_rows(days)],
        jobs=[dg.define_asset_job("landing", selection=[raw_selfhosted_rows.SELFHOSTED_ROWS])],
        resources={"postgres": PostgresResource(), "spacelift": spacelift.SpaceliftResource()},
        executor=dg.in_process_executor,
    )

    def run(**config: Any) -> dg.ExecuteInProcessResult:
        return definitions.resolve_job_def("landing").execute_in_process(
            tags={
                "dagster/asset_partition_range_start": str(FIRST),
                "dagster/asset_partition_range_end": str(THIRD),
            },
            run_config={"ops": {"raw__selfhosted_rows": {"config": {"batch_days": 1, **config}}}},
            raise_on_error=False,
        )

    return run


def what_failed(result: dg.ExecuteInProcessResult) -> str:
    """What the run tells a person at its end."""
    return " ".join(
        event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure
    )


def waits(result: dg.ExecuteInProcessResult) -> list[float]:
    """Seconds before each new attempt."""
    return [
        event.event_specific_data.seconds_to_wait
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY
    ]


def landed(connection: psycopg.Connection) -> list[dt.date]:
    """Days whose workers are known."""
    with connection.transaction():
        rows = connection.execute(
            "select usage_date from raw.usage_loads where aspect = 'worker-count' and status = 'succeeded'"
            " order by 1"
        ).fetchall()
    return [day for (day,) in rows]


def test_a_day_that_did_not_land_fails_the_run_also_when_a_later_one_had_to_be_asked_for_again(
    run: Run, answers: Answers, connection: psycopg.Connection
) -> None:
    answers[FIRST] = [httpx.Response(200, content=report(FIRST, last_heartbeat_time="?"))]
    answers[SECOND] = [httpx.Response(503)]
    result = run()
    assert len(waits(result)) == 1
    assert not result.success
    assert what_failed(result) == (
        f"days that did not land: worker-count of {FIRST}: heartbeats of {FIRST}, row 1: "
        "last_heartbeat_time is no time"
    )
    assert landed(connection) == [SECOND, THIRD]


def test_a_report_with_days_that_were_sent_fails_the_run_and_those_after_it_are_sent_all_the_same(
    run: Run, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(
        "insert into raw.selfhosted_uploads (object_key, public_api, sha256, bytes, status)"
        f" values ('01ACCOUNT/license-7/usage_data_{FIRST}_{SECOND}.json', 'it', 'digest', 1, 'sent')"
    )
    connection.commit()
    with listening_public_api() as public_api:
        monkeypatch.setenv("SPACELIFT_PUBLIC_API", public_api.url)
        result = run(batch_days=2, send_to_spacelift=True)
    assert what_failed(result).startswith(f"landed, but not sent: {FIRST} to {FIRST} was sent at ")
    assert f"send the days that are left by themselves ({SECOND} to {SECOND})" in what_failed(result)
    assert [key for key, _, _ in public_api.objects] == [
        f"01ACCOUNT/license-7/usage_data_{THIRD}_{THIRD + ONE_DAY}.json"
    ]


def test_a_report_that_the_server_cut_is_asked_for_again_and_holds_up_none_after_it(
    run: Run, answers: Answers, connection: psycopg.Connection, tmp_path: Path
) -> None:
    cut = report(SECOND)[:-20] + TOKEN.encode()
    answers[SECOND] = [httpx.Response(200, content=cut), httpx.Response(200, content=b"")]
    # The last ones are asked for once: their day landed although the second's had not.
    answers[THIRD] = [httpx.Response(200, content=report(THIRD)), httpx.Response(403)]
    result = run()
    assert result.success
    assert len(waits(result)) == 2
    assert all(abs(seconds - 0.001 * 2**number) > 1e-9 for number, seconds in enumerate(waits(result)))
    assert landed(connection) == [FIRST, SECOND, THIRD]
    kept = sorted((tmp_path / "archive").glob("acme/self-hosted/*/*.refused"))
    assert [path.name for path in kept] == [f"usage_data_{SECOND}_{THIRD}.json.refused"] * 2
    assert kept[0].read_bytes() == cut.replace(TOKEN.encode(), b"[secret]")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>Log in</html>", "the JSON is cut or damaged"),
        (b'{"data": {}}', "is no usage report of a self-hosted instance"),
    ],
)
def test_what_is_no_report_is_not_asked_for_again_is_kept_and_holds_up_none_after_it(
    run: Run, answers: Answers, connection: psycopg.Connection, tmp_path: Path, body: bytes, words: str
) -> None:
    answers[FIRST] = [httpx.Response(200, content=body)]
    result = run()
    assert what_failed(result).startswith(f"the usage report of {FIRST} to {FIRST}: {words}")
    assert waits(result) == []
    assert landed(connection) == [SECOND, THIRD]
    (kept,) = (tmp_path / "archive").glob("acme/self-hosted/*/*.refused")
    assert kept.read_bytes() == body


def test_a_report_that_drips_or_ends_within_its_gzip_is_asked_for_again(
    run: Run, answers: Answers, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for letter in report(FIRST):
                time.sleep(0.01)
                yield bytes([letter])

    monkeypatch.setattr(transfer, "WAITING_SECONDS_AT_MOST", 0.1)
    answers[FIRST] = [
        httpx.Response(200, stream=Drip()),
        httpx.Response(
            200,
            headers={"Content-Encoding": "gzip"},
            stream=httpx.ByteStream(gzip.compress(report(FIRST))[:-9]),
        ),
        httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(report(FIRST)))
        ),
    ]
    result = run()
    assert result.success
    assert len(waits(result)) == 2
    assert landed(connection) == [FIRST, SECOND, THIRD]
