"""Reports into the raw tables: tables and days replaced whole, usage counted, each sent at most once."""

import datetime as dt
import json
import pickle
import re
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orchestration.landing.archive import Archive
from orchestration.landing.errors import ArchiveError, FileRefusedError
from orchestration.selfhosted.ingest import LandedReport, land_report
from orchestration.selfhosted.report import read_report
from orchestration.selfhosted.upload import DaysSentError, UploadError, send_report, what_would_be_sent
from orchestration.selfhosted.usage_days import LandedUsage, land_usage_days
from tests.pipeline.listening_public_api import TICKET, listening_public_api

POOL = "01HMSGMXD00000000000000001"
STACK = "01HMSGMXD00000000000000002"
# Created on 2024-02-29 at 00:00 UTC, and three days earlier.
RUN = "01HQR13600" + "0" * 16
OLD_RUN = "01HQGGAQ00" + "0" * 16
WORKERS = "select timestamp_unix, worker_pool_name, count from raw.worker_count order by 1, 2"


def envelope(since: str, until: str, **metrics: Any) -> dict[str, Any]:
    return {
        "account": {"name": "acme", "ulid": "01ACCOUNT", "license_id": "license-7"},
        "spacelift_version": "v3.0.0",
        "time_range": {"start": f"{since}T00:00:00Z", "end": f"{until}T00:00:00Z"},
        "metrics": metrics,
    }


def heartbeat(worker: str, first: str, last: str, **more: Any) -> dict[str, Any]:
    return {
        "worker_ulid": worker,
        "worker_pool_ulid": POOL,
        "worker_pool_id": 3,
        "first_heartbeat_time": first,
        "last_heartbeat_time": last,
        **more,
    }


@pytest.fixture
def archive(tmp_path):
    return Archive(str(tmp_path / "archive"))


@pytest.fixture
def landing(connection, archive):
    """Land a report, and its usage days too."""

    def land(told: dict[str, Any]) -> tuple[LandedReport, LandedUsage]:
        body = json.dumps(told, indent=1).encode()
        landed = land_report(
            read_report(body, origin="report"),
            body,
            account="acme",
            archive=archive,
            connection=connection,
            source="api",
            run_id="run",
        )
        usage = land_usage_days(connection, account="acme", days=landed.days, run_id="run")
        return landed, usage

    return land


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.transaction():
        return connection.execute(query).fetchall()


def hour(day: str, hours: int) -> int:
    return int(dt.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) + 3600 * hours


def test_a_table_and_day_is_replaced_whole_also_by_nothing_and_unknown_things_are_kept(connection, landing):
    first, _ = landing(
        envelope(
            "2024-02-28",
            "2024-03-01",
            gadgets={"2024-02-28": [{"colour": "grün", "n": 1}], "2024-02-29": [{"n": 2}, {"n": 3}]},
            logins={"2024-02-28": [{"username": "ada"}], "2024-03-07": [{"username": "outside"}]},
        )
    )
    assert first.archived.uri.endswith("/usage_data_2024-02-28_2024-03-01.json")
    assert (first.rows_landed, first.rows) == (4, {"gadgets": 3, "logins": 2})
    assert rows(connection, "select rows_outside_window from raw.selfhosted_reports") == [(1,)]
    landing(envelope("2024-02-29", "2024-03-01", gadgets={"2024-02-29": None}))
    assert rows(
        connection,
        "select table_name, row_date::text, row from raw.selfhosted_rows order by 1, 2, row_number",
    ) == [
        ("gadgets", "2024-02-28", {"colour": "grün", "n": 1}),
        ("logins", "2024-02-28", {"username": "ada"}),
    ]
    with pytest.raises(FileRefusedError, match="Postgres refused a row"):
        landing(envelope("2024-02-28", "2024-02-29", gadgets={"2024-02-28": [{"text": "a\x00b"}]}))
    assert len(rows(connection, "select from raw.selfhosted_rows")) == 2


def test_a_worker_told_in_a_later_report_counts_on_the_days_before_it_too(connection, landing):
    day, next_day = "2024-02-28", "2024-02-29"
    _, usage = landing(
        envelope(day, next_day, heartbeats={day: [heartbeat("w1", f"{day}T22:10:00Z", f"{day}T23:59:50Z")]})
    )
    assert rows(connection, WORKERS) == [(hour(day, 22), POOL, 1), (hour(day, 23), POOL, 1)]
    assert [(load.aspect, load.status, load.rows_landed) for load in usage.loads] == [
        ("worker-count", "succeeded", 2)
    ]
    # No table of transitions came: minutes are not known, which is not the same as none.
    assert rows(connection, "select aspect, source, usage_date::text from raw.usage_loads") == [
        ("worker-count", "report", day)
    ]
    _, usage = landing(
        envelope(
            next_day,
            "2024-03-01",
            heartbeats={
                next_day: [
                    heartbeat("w1", f"{next_day}T00:00:20Z", f"{next_day}T00:30:00Z"),
                    heartbeat("w2", f"{day}T23:30:00Z", f"{next_day}T01:00:00Z"),
                ]
            },
        )
    )
    assert [load.usage_date.isoformat() for load in usage.loads] == [day, next_day]
    assert rows(connection, WORKERS) == [
        (hour(day, 22), POOL, 1),
        (hour(day, 23), POOL, 2),
        (hour(next_day, 0), POOL, 2),
        (hour(next_day, 1), POOL, 1),
    ]
    assert (
        rows(connection, "select worker_pool_ulid, worker_pool_name from raw.vendor_worker_pools")
        == [(POOL, POOL)] * 2
    )


def test_a_day_with_a_heartbeat_that_cannot_be_read_keeps_its_workers_and_the_others_land(
    connection, landing
):
    day, next_day = "2024-02-28", "2024-02-29"
    good = heartbeat("w1", f"{next_day}T05:00:00Z", f"{next_day}T05:30:00Z")
    _, usage = landing(
        envelope(day, "2024-03-01", heartbeats={day: [good | {"last_heartbeat_time": "?"}], next_day: [good]})
    )
    assert [(load.usage_date.isoformat(), load.error) for load in usage.loads] == [
        (day, "heartbeats of 2024-02-28, row 1: last_heartbeat_time is no time"),
        (next_day, None),
    ]
    assert rows(connection, WORKERS) == [(hour(next_day, 5), POOL, 1)]


def test_transitions_become_rows_of_the_run_minutes_file(connection, landing):
    day = "2024-02-29"
    told = envelope(
        day,
        "2024-03-01",
        heartbeats={day: [heartbeat("w1", f"{day}T00:00:00Z", f"{day}T01:00:00Z")]},
        worker_pools={day: [{"id": 3, "ulid": POOL, "name": "production"}]},
        stacks={day: [{"id": 9, "ulid": STACK, "is_module": False, "worker_pool_id": 3}]},
        runs={day: [{"id": 1, "ulid": RUN, "stack_id": 9, "type": "tracked"}]},
        run_state_transitions={
            day: [
                {"id": 2, "run_ulid": RUN, "new_state": "PLANNING", "created_at": f"{day}T00:50:00Z"},
                {"id": 1, "run_ulid": RUN, "new_state": "QUEUED", "created_at": f"{day}T00:49:59.5Z"},
                {"id": 3, "run_ulid": RUN, "new_state": "FINISHED", "created_at": f"{day}T01:10:00Z"},
                # Created before the first report: no report can have it.
                {"id": 4, "run_ulid": OLD_RUN, "new_state": "FINISHED", "created_at": f"{day}T01:10:00Z"},
            ]
        },
    )
    _, usage = landing(told)
    assert usage.notes == []
    assert rows(
        connection,
        "select timestamp_unix, run_state, state_duration_minutes::numeric, public, run_type, run_ulid,"
        " stack_ulid, is_stack, worker_pool_name, worker_pool_ulid from raw.run_minutes order by 1, 2",
    ) == [
        (hour(day, hours), state, Decimal(minutes), False, "TRACKED", RUN, STACK, True, "production", POOL)
        for hours, state, minutes in [
            (0, "PLANNING", "10"),
            (0, "QUEUED", "0.008333"),
            (1, "FINISHED", "0"),
            (1, "PLANNING", "10"),
        ]
    ]
    assert rows(connection, "select distinct worker_pool_name from raw.worker_count") == [("production",)]

    told["metrics"]["run_state_transitions"][day][0]["new_state"] = 4
    _, usage = landing(told)
    assert "new_state is 4, and no name of a state" in usage.notes[0]
    assert len(rows(connection, "select from raw.run_minutes")) == 4


@pytest.fixture
def public_api():
    with listening_public_api() as server:
        yield server


def test_a_report_is_sent_byte_for_byte_and_never_twice_unless_asked(
    connection, landing, archive, public_api
):
    landed, _ = landing(envelope("2024-02-28", "2024-02-29", logins={}))
    key = "01ACCOUNT/license-7/usage_data_2024-02-28_2024-02-29.json"
    assert key in what_would_be_sent(landed, public_api=public_api.url)
    assert public_api.objects == []

    def send(**options: bool) -> str:
        return send_report(
            landed,
            public_api=public_api.url,
            ca_bundle=None,
            archive=archive,
            connection=connection,
            run_id="run",
            **options,
        )

    assert send() == f"sent: {key}, {landed.archived.bytes} bytes"
    assert send().startswith("not sent again, 2024-02-28 to 2024-02-28 was sent at ")
    ((put_key, headers, body),) = public_api.objects
    assert (put_key, body, headers["x-kms"]) == (key, archive.report_body(landed.archived), "aws:kms")
    assert json.loads(body)["metrics"] == {"logins": {}}
    assert "Authorization" not in headers
    assert send(again=True).startswith("sent:")
    assert [
        (row[0], row[1]) for row in rows(connection, "select status, sha256 from raw.selfhosted_uploads")
    ] == [("sent", landed.archived.sha256)] * 2


def test_what_may_have_arrived_is_not_sent_again_and_what_was_refused_is(
    connection, landing, archive, public_api
):
    landed, _ = landing(envelope("2024-02-28", "2024-02-29", logins={}))

    def send() -> str:
        return send_report(
            landed,
            public_api=public_api.url,
            ca_bundle=None,
            archive=archive,
            connection=connection,
            run_id=None,
        )

    public_api.status = 403
    with pytest.raises(UploadError, match=r"answered 403 to 01ACCOUNT/.*: the ticket has ended") as refused:
        send()
    public_api.status, public_api.drops_the_answer = 200, True
    with pytest.raises(UploadError, match="did not say whether it took") as lost:
        send()
    assert TICKET not in f"{refused.value}{lost.value}"
    public_api.drops_the_answer = False
    assert "may have arrived at" in send()
    assert len(public_api.objects) == 1
    assert [
        row[0] for row in rows(connection, "select status from raw.selfhosted_uploads order by upload_id")
    ] == [
        "failed",
        "unknown",
    ]


def test_days_that_were_sent_with_other_days_are_not_sent_twice_and_those_that_are_left_are_named(
    connection, landing, archive, public_api
):
    def send(since: str, until: str, **options: bool) -> str:
        landed, _ = landing(envelope(since, until, logins={}))
        return send_report(
            landed,
            public_api=public_api.url,
            ca_bundle=None,
            archive=archive,
            connection=connection,
            run_id="run",
            **options,
        )

    send("2026-10-26", "2026-11-02")
    public_api.drops_the_answer = True
    with pytest.raises(UploadError, match="did not say"):
        send("2026-10-01", "2026-10-08")
    public_api.drops_the_answer = False
    assert len(public_api.objects) == 2
    with pytest.raises(DaysSentError) as refused:
        send("2026-10-01", "2026-11-01")
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d|[0-9a-f]{12}", "…", str(refused.value)) == (
        "2026-10-01 to 2026-10-07 may have arrived at … UTC with SHA-256 …, 2026-10-26 to 2026-10-31 was sent"
        " at … UTC with SHA-256 …; send the days that are left by themselves (2026-10-08 to 2026-10-25), or"
        " all of it with --again: 01ACCOUNT/license-7/usage_data_2026-10-01_2026-11-01.json"
    )
    assert send("2026-10-28", "2026-10-30").startswith(
        "not sent again, 2026-10-28 to 2026-10-29 was sent at "
    )
    assert send("2026-10-08", "2026-10-26").startswith("sent: ")
    assert "not sent again" in send("2026-10-01", "2026-11-01")
    assert len(public_api.objects) == 3
    assert send("2026-10-01", "2026-11-01", again=True).startswith("sent: ")


def test_what_stays_of_a_landed_report_is_small_and_only_what_was_landed_is_sent(
    connection, landing, archive, public_api, tmp_path
):
    day = "2024-02-28"
    landed, _ = landing(envelope(day, "2024-02-29", logins={day: [{"text": "a" * 1000}] * 1000}))
    assert landed.archived.bytes > 1_000_000
    assert len(pickle.dumps(landed)) < 2_000
    (kept,) = (tmp_path / "archive").glob("acme/self-hosted/*/*.json")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(ArchiveError, match="is damaged"):
        send_report(
            landed,
            public_api=public_api.url,
            ca_bundle=None,
            archive=archive,
            connection=connection,
            run_id=None,
        )
    assert public_api.objects == []
    assert rows(connection, "select from raw.selfhosted_uploads") == []


def test_a_server_that_fails_at_the_upload_may_have_kept_it(connection, landing, archive, public_api):
    landed, _ = landing(envelope("2024-02-28", "2024-02-29", logins={}))
    public_api.status = 504
    with pytest.raises(UploadError, match=r"answered 504 .*: it may have arrived"):
        send_report(
            landed,
            public_api=public_api.url,
            ca_bundle=None,
            archive=archive,
            connection=connection,
            run_id=None,
        )
    assert rows(connection, "select status from raw.selfhosted_uploads") == [("unknown",)]


@pytest.mark.parametrize(
    "upload_url", ["http://storage.example.com/x?ticket=s3cr3t", "file:///etc", "https//x"]
)
def test_an_upload_url_that_is_not_https_is_refused(connection, landing, archive, public_api, upload_url):
    landed, _ = landing(envelope("2024-02-28", "2024-02-29", logins={}))
    public_api.upload_url = upload_url
    with pytest.raises(UploadError, match="is not https://: nothing was sent") as refused:
        send_report(
            landed,
            public_api=public_api.url,
            ca_bundle=None,
            archive=archive,
            connection=connection,
            run_id=None,
        )
    assert "s3cr3t" not in str(refused.value)
    assert public_api.objects == []
