"""Every fault of the vendor on a real connection, and what the daily landing makes of it.

Here: the raw assets and their checks, run by Dagster without dbt, against a server that misbehaves as told.
Not here: what a single answer means (unit/test_spacelift_client.py), windows and halving
(database/test_ingest.py), bad rows one by one (unit/test_usage_csv.py).
"""

import datetime as dt
import gzip
import hashlib
import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.assets import land_days
from orchestration.assets.raw_run_minutes import raw_run_minutes
from orchestration.assets.raw_worker_count import raw_worker_count
from orchestration.checks import raw_checks
from orchestration.landing.archive import Archive
from orchestration.landing.usage_csv import UsageCsv
from orchestration.partitions import daily_partitions
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.settings import VARIABLES
from orchestration.spacelift import client, graphql, transfer
from orchestration.spacelift.aspects import ASPECTS, RUN_MINUTES, WORKER_COUNT
from tests.pipeline import faulty_spacelift as faulty
from tests.pipeline.faulty_spacelift import DAYS, ROWS_A_DAY, Fault, FaultySpacelift, file_of

FIRST, BAD_DAY, LAST = DAYS
AFTER = dt.date(2024, 3, 2)
FOREVER = 1_000
RUNS, WORKERS = RUN_MINUTES.name, WORKER_COUNT.name

# Fewer than MAX_RETRIES, which a unit test looks at: some faults take their time.
RETRIES = 2

Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def spacelift() -> Iterator[FaultySpacelift]:
    with faulty.faulty_spacelift() as server:
        yield server


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


@pytest.fixture
def run(
    spacelift: FaultySpacelift,
    archive: Archive,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Both files of the three days, landed by Dagster with waits of a moment."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "SPACELIFT_API_KEY_ENDPOINT": spacelift.endpoint,
        "SPACELIFT_API_KEY_ID": faulty.KEY_ID,
        "SPACELIFT_API_KEY_SECRET": faulty.KEY_SECRET,
        "SPACELIFT_ACCOUNT": "acme",
        "DATABASE_URL": database_url,
        "USAGE_ARCHIVE_URL": archive.url,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(land_days, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(land_days, "MAX_RETRIES", RETRIES)
    days = daily_partitions(dt.date(2024, 1, 1))
    definitions = dg.Definitions(
        assets=[raw_run_minutes(days), raw_worker_count(days)],
        asset_checks=[raw_checks],
        jobs=[dg.define_asset_job("landing", selection=dg.AssetSelection.groups("raw"))],
        resources={"postgres": PostgresResource(), "spacelift": SpaceliftResource()},
        executor=dg.in_process_executor,
    )

    def run(**config: Any) -> dg.ExecuteInProcessResult:
        return definitions.resolve_job_def("landing").execute_in_process(
            tags={
                "dagster/asset_partition_range_start": FIRST.isoformat(),
                "dagster/asset_partition_range_end": LAST.isoformat(),
            },
            run_config={
                "ops": {name: {"config": config} for name in ("raw__run_minutes", "raw__worker_count")}
            },
            raise_on_error=False,
        )

    return run


def rows_by_day(connection: psycopg.Connection, aspect: str) -> dict[dt.date, int]:
    with connection.transaction():
        return dict(
            connection.execute(
                f"select to_timestamp(timestamp_unix)::date, count(*) from raw.{ASPECTS[aspect].table}"
                " group by 1 order by 1".encode()
            ).fetchall()
        )


def waits(result: dg.ExecuteInProcessResult) -> list[float]:
    """Seconds between the attempts of the step that asked again."""
    return [
        event.event_specific_data.seconds_to_wait
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY
    ]


def what_failed(result: dg.ExecuteInProcessResult) -> str:
    """What the run tells a person at its end."""
    return " ".join(
        event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure
    )


def bodies(archive: Archive, aspect: str) -> list[bytes]:
    """All that could be landed again, oldest first."""
    entries = archive.entries(account="acme", aspect=ASPECTS[aspect])
    return [b"".join(archive.open(entry)) for entry in entries]


def names_do_not_resolve(monkeypatch: pytest.MonkeyPatch, *, port: int, times: int) -> None:
    resolve, failures = socket.getaddrinfo, itertools.count(1)

    def refuse(host: Any, asked_port: Any, *arguments: Any, **keywords: Any) -> Any:
        if asked_port == port and next(failures) <= times:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, asked_port, *arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def with_little_patience(monkeypatch: pytest.MonkeyPatch, *, fault: Fault | None) -> None:
    """Only where the fault needs it: on a busy machine a good answer takes a while too."""
    if fault is faulty.silence:
        monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", 0.4)
    if fault is faulty.drip:
        monkeypatch.setattr(transfer, "WAITING_SECONDS_AT_MOST", 0.4)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(faulty.status(500), "answered 500", id="500"),
        pytest.param(faulty.status(502), "answered 502", id="502"),
        pytest.param(faulty.status(503), "answered 503", id="503"),
        pytest.param(faulty.silence, "did not answer in time", id="no answer"),
        pytest.param(faulty.reset, "no complete answer", id="connection reset"),
        pytest.param(faulty.drip, "took more than", id="slow drip"),
        pytest.param(faulty.cut, "no complete answer", id="cut"),
        pytest.param(faulty.cut_in_a_row, "ends in the middle of a row", id="clean end in a row"),
        pytest.param(faulty.cut_in_gzip, "ends before its end", id="clean end in the gzip stream"),
    ],
)
def test_a_day_that_cannot_be_had_is_asked_for_again_then_named_and_the_rest_goes_on(
    run: Run,
    spacelift: FaultySpacelift,
    archive: Archive,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    words: str,
) -> None:
    with_little_patience(monkeypatch, fault=fault)
    with connection.transaction():
        connection.execute("insert into raw.run_minutes values (1709164800, 1, true, 'PLANNING')")
    spacelift.faults[RUNS, BAD_DAY] = [fault] * FOREVER
    result = run()
    assert not result.success
    assert f"run-minutes: {BAD_DAY} (" in what_failed(result)
    assert words in what_failed(result)
    for day in (FIRST, LAST):
        assert day.isoformat() not in what_failed(result)
    # The other days, the other file, and what the bad day had before.
    assert rows_by_day(connection, RUNS) == {FIRST: ROWS_A_DAY, BAD_DAY: 1, LAST: ROWS_A_DAY}
    assert rows_by_day(connection, WORKERS) == dict.fromkeys(DAYS, ROWS_A_DAY)
    # Growing, jittered, and bounded: three days, two of them, each alone, then the bad one alone.
    for number, seconds in enumerate(waits(result)):
        assert seconds == pytest.approx(0.001 * 2**number, rel=land_days.JITTER)
        assert seconds != 0.001 * 2**number
    assert len(waits(result)) == RETRIES
    assert len(spacelift.asked_for(RUNS)) == 5 + RETRIES
    # Nothing that was cut is kept as if it were a file.
    assert bodies(archive, RUNS) == [
        file_of(RUNS, since=FIRST, until=BAD_DAY),
        file_of(RUNS, since=LAST, until=AFTER),
    ]


@pytest.mark.parametrize(
    "headers",
    [pytest.param({}, id="429"), pytest.param({"Retry_After": "7200"}, id="429 with Retry-After")],
)
def test_who_asked_too_often_waits_with_all_days_and_the_other_file_goes_on(
    run: Run,
    spacelift: FaultySpacelift,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    monkeypatch.setattr(land_days, "LONGEST_WAIT_SECONDS", 0.004)
    spacelift.faults[RUNS, BAD_DAY] = [faulty.status(429, **headers)] * FOREVER
    result = run()
    assert "answered 429" in what_failed(result)
    assert rows_by_day(connection, RUNS) == {}
    assert rows_by_day(connection, WORKERS) == dict.fromkeys(DAYS, ROWS_A_DAY)
    assert spacelift.asked_for(RUNS) == [(FIRST, AFTER)] * (1 + RETRIES)
    assert all(0 < seconds <= 0.004 * (1 + land_days.JITTER) for seconds in waits(result))


ASKED_TOO_OFTEN = faulty.status(429, Retry_After="0")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ASKED_TOO_OFTEN, id="429"),
        pytest.param(faulty.status(503), id="503"),
        pytest.param(faulty.silence, id="no answer"),
        pytest.param(faulty.reset, id="connection reset"),
        pytest.param(faulty.cut_in_gzip, id="clean end in the gzip stream"),
        pytest.param(None, id="DNS failure"),
    ],
)
def test_a_fault_that_passes_costs_nothing_but_the_wait(
    run: Run,
    spacelift: FaultySpacelift,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault | None,
) -> None:
    with_little_patience(monkeypatch, fault=fault)
    if fault is None:
        names_do_not_resolve(monkeypatch, port=spacelift.server_port, times=4)
    else:
        # Asked for with its neighbours, twice, and then alone.
        spacelift.faults[RUNS, BAD_DAY] = [fault] * (RETRIES if fault is ASKED_TOO_OFTEN else 3)
    result = run()
    assert result.success
    assert len(waits(result)) >= 1
    for aspect in (RUNS, WORKERS):
        assert rows_by_day(connection, aspect) == dict.fromkeys(DAYS, ROWS_A_DAY)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faulty.status(502), id="502"),
        pytest.param(faulty.drip, id="slow drip"),
        pytest.param(faulty.cut, id="cut"),
    ],
)
def test_a_token_that_cannot_be_had_now_is_asked_for_again(
    run: Run,
    spacelift: FaultySpacelift,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
) -> None:
    if fault is faulty.drip:
        monkeypatch.setattr(graphql, "WAITING_SECONDS_AT_MOST", 0.2)
    # For three days, for two, and for each alone: then the step ends and is tried again.
    spacelift.exchange_faults = [fault] * 4
    result = run()
    assert result.success, what_failed(result)
    assert len(waits(result)) == 1
    assert rows_by_day(connection, RUNS) == dict.fromkeys(DAYS, ROWS_A_DAY)


def test_a_token_that_ends_in_the_middle_of_a_run_is_renewed_once(
    run: Run, spacelift: FaultySpacelift, connection: psycopg.Connection
) -> None:
    spacelift.first_token_lasts = 1
    spacelift.faults[RUNS, BAD_DAY] = [faulty.status(400)]
    result = run()
    assert result.success
    assert rows_by_day(connection, RUNS) == dict.fromkeys(DAYS, ROWS_A_DAY)
    # Three days; refused, so two of them with the token that has ended, and again with a new one; the last.
    assert len(spacelift.asked_for(RUNS)) == 4
    assert spacelift.exchanges == 2 + len([WORKERS])


def test_a_key_revoked_in_the_middle_of_a_run_is_refused_clearly_and_not_tried_again(
    run: Run, spacelift: FaultySpacelift, connection: psycopg.Connection
) -> None:
    spacelift.first_token_lasts = spacelift.exchanges_left = 1
    spacelift.faults[RUNS, BAD_DAY] = [faulty.status(400)]
    result = run()
    assert f"Spacelift refused the API key {faulty.KEY_ID}; check id and secret" in what_failed(result)
    assert all(f"{aspect}: 2024-02-28" in what_failed(result) for aspect in (RUNS, WORKERS))
    assert waits(result) == []
    assert len(spacelift.asked_for(RUNS)) == 2
    assert rows_by_day(connection, RUNS) == rows_by_day(connection, WORKERS) == {}


PAGE = b"<!DOCTYPE html><title>Log in</title>"
TOKEN_IN_PAGE = b"<html>bad token %b</html>"


@pytest.mark.parametrize(
    ("fault", "kept", "words"),
    [
        pytest.param(faulty.status(403), None, "may lack the role", id="403"),
        pytest.param(
            faulty.status(302, location="https://login.example/?ticket=1"),
            None,
            "redirect to https://login.example/;",
            id="redirect",
        ),
        pytest.param(
            faulty.answer(PAGE, content_type="text/html"), PAGE, "a web page, probably the login", id="page"
        ),
        pytest.param(faulty.answer(PAGE * 20_000), PAGE * 20_000, "a web page or JSON", id="page named CSV"),
        pytest.param(
            faulty.answer(b'{"error": "x"}', content_type="application/json"),
            b'{"error": "x"}',
            "application/json instead of CSV",
            id="JSON",
        ),
        pytest.param(faulty.answer(b""), b"", "an empty body", id="empty body"),
        pytest.param(
            lambda handler, right: handler.answer(TOKEN_IN_PAGE % handler.server.token.encode()),
            TOKEN_IN_PAGE % b"[secret]",
            "a web page",
            id="page that repeats the token",
        ),
    ],
)
def test_an_answer_that_is_no_file_is_told_kept_and_never_landed(
    run: Run,
    spacelift: FaultySpacelift,
    archive: Archive,
    connection: psycopg.Connection,
    fault: Fault,
    kept: bytes | None,
    words: str,
) -> None:
    spacelift.faults[RUNS, BAD_DAY] = [fault] * FOREVER
    result = run()
    assert words in what_failed(result)
    assert all(day.isoformat() in what_failed(result) for day in DAYS)
    assert "worker-count" not in what_failed(result)
    assert (waits(result), len(spacelift.asked_for(RUNS))) == ([], 1)
    assert rows_by_day(connection, WORKERS) == dict.fromkeys(DAYS, ROWS_A_DAY)
    with connection.transaction():
        loads = connection.execute(
            "select distinct archive_uri, sha256, bytes from raw.usage_loads where status = 'failed'"
        ).fetchall()
    if kept is None:
        assert loads == [(None, None, None)]
    else:
        ((uri, sha256, size),) = loads
        assert gzip.decompress(Path(uri.removeprefix("file://")).read_bytes()) == kept
        assert (sha256, size) == (hashlib.sha256(kept).hexdigest(), len(kept))
    again = run(from_archive=True)
    assert f"no body in the archive {archive.url} holds run-minutes" in what_failed(again)
    assert rows_by_day(connection, RUNS) == {}


def test_a_day_that_shrank_fails_a_check_by_name_and_count_until_somebody_accepts_it(
    run: Run, spacelift: FaultySpacelift, connection: psycopg.Connection
) -> None:
    def shrinkage(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
        (check,) = [
            check
            for check in result.get_asset_check_evaluations()
            if check.check_name == "no_day_shrank" and check.asset_key.path[-1] == "run_minutes"
        ]
        return check

    def without_the_bad_day(handler: faulty.Handler, right: bytes) -> None:
        handler.answer(right.replace(faulty.rows(RUNS, since=BAD_DAY, until=LAST).encode(), b""))

    assert run().success
    spacelift.faults[RUNS, BAD_DAY] = [without_the_bad_day] * 2
    shrunk = run()
    assert not shrunk.success
    assert "run-minutes: 2024-02-29 (run-minutes of 2024-02-29 came with 0 rows, 120" in what_failed(shrunk)
    assert (shrinkage(shrunk).passed, shrinkage(shrunk).severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert shrinkage(shrunk).description == "Not replaced: 2024-02-29 (120 rows landed, then 0 came)"
    assert rows_by_day(connection, RUNS) == dict.fromkeys(DAYS, ROWS_A_DAY)

    accepted = run(accept_shrinkage=True)
    assert accepted.success
    assert shrinkage(accepted).passed
    assert rows_by_day(connection, RUNS) == {FIRST: ROWS_A_DAY, LAST: ROWS_A_DAY}


def edited(edit: Callable[[bytes], bytes]) -> Fault:
    """The right body, changed."""
    return lambda handler, right: handler.answer(edit(right))


def with_value(value: bytes) -> Fault:
    """Another name for the stack of the first row."""
    return edited(lambda right: right.replace(b",api,", b"," + value + b",", 1))


def in_another_order(right: bytes) -> bytes:
    lines = [line.split(b",") for line in right.upper().splitlines()]
    return b"".join(b",".join([*line[5:], *line[:5]]) + b"\r\n" for line in lines)


def with_a_new_column(right: bytes) -> bytes:
    first, *others = right.splitlines()
    return b"\n".join([b"Region," + first, *(b'"eu, west",' + line for line in others), b""])


def without_a_column(right: bytes) -> bytes:
    return b"".join(line.partition(b",")[2] for line in right.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("fault", "rows", "quarantined", "words"),
    [
        pytest.param(edited(lambda right: right.splitlines(keepends=True)[0]), 0, 0, "", id="header only"),
        pytest.param(edited(lambda right: b"\xef\xbb\xbf" + right), 360, 0, "", id="byte order mark"),
        pytest.param(edited(lambda right: right.replace(b"\n", b"\r\n")), 360, 0, "", id="CRLF"),
        pytest.param(with_value(b'"two\nlines, ""quoted"""'), 360, 0, "", id="quoted newline"),
        pytest.param(edited(in_another_order), 360, 0, "", id="other order and case"),
        pytest.param(edited(with_a_new_column), 360, 0, "", id="new column"),
        pytest.param(with_value(b"x" * 10_000_000), 359, 1, "", id="field of 10 MB"),
        pytest.param(with_value(b'"' + b"x\n" * 50_000 + b'"'), None, None, "rows are bad", id="many lines"),
        pytest.param(with_value(b"a\x00b"), 359, 1, "", id="NUL"),
        pytest.param(with_value(b"\xff\xfe"), 359, 1, "", id="invalid UTF-8"),
        pytest.param(edited(without_a_column), None, None, "no column timestamp_unix", id="missing column"),
        pytest.param(with_value(b"x" * 17_000_000), None, None, "longer than", id="line of 17 MB"),
    ],
)
def test_a_file_of_another_make_lands_or_is_refused_as_a_whole_and_is_kept_as_it_came(
    run: Run,
    spacelift: FaultySpacelift,
    archive: Archive,
    connection: psycopg.Connection,
    fault: Fault,
    rows: int | None,
    quarantined: int | None,
    words: str,
) -> None:
    sent: list[bytes] = []

    def remembered(handler: faulty.Handler, right: bytes) -> None:
        answer = handler.answer
        handler.answer = lambda body: (sent.append(body), answer(body))  # type: ignore[method-assign]
        fault(handler, right)

    spacelift.faults[RUNS, BAD_DAY] = [remembered]
    result = run()
    assert bodies(archive, RUNS) == sent
    if rows is None:
        assert words in what_failed(result)
        assert rows_by_day(connection, RUNS).get(FIRST, 0) == 0
    else:
        assert result.success
        with connection.transaction():
            recorded = connection.execute(
                "select sum(rows_landed), sum(rows_quarantined), min(lines) from raw.usage_loads"
                " where aspect = 'run-minutes'"
            ).fetchone()
        assert recorded == (rows, quarantined, rows + quarantined)
        assert sum(rows_by_day(connection, RUNS).values()) == rows


def test_a_ca_bundle_that_cannot_be_read_is_named_and_not_tried_again(
    run: Run, spacelift: FaultySpacelift, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    monkeypatch.setenv("SPACELIFT_CA_BUNDLE", str(bundle))
    result = run()
    words = f"SPACELIFT_CA_BUNDLE: {bundle} cannot be read as PEM certificates"
    assert what_failed(result).split(" SPACE")[0] == words
    assert (waits(result), spacelift.requests) == ([], [])


def columns_check(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    """Of the run-minutes file."""
    (check,) = [
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "no_unknown_columns" and check.asset_key.path[-1] == "run_minutes"
    ]
    return check


def test_a_column_of_another_name_is_read_by_its_place_and_both_are_named(
    run: Run, spacelift: FaultySpacelift
) -> None:
    in_seconds = edited(lambda right: right.replace(b"StateDurationMinutes", b"StateDurationSeconds"))
    spacelift.faults[RUNS, BAD_DAY] = [in_seconds]
    result = run()
    assert result.success
    check = columns_check(result)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == (
        "Read by place, look whether they mean the same: state_duration_minutes from 'StateDurationSeconds'."
    )
    assert columns_check(run()).passed


def test_a_step_that_is_tried_again_tells_what_its_former_attempts_found(
    run: Run, spacelift: FaultySpacelift
) -> None:
    """A new column and rows in a rare spelling, of a day that lands before another one is tried again."""
    # Asked for with its neighbours, twice, and then alone, in two attempts.
    spacelift.faults[RUNS, BAD_DAY] = [faulty.status(503)] * 4
    spacelift.faults[RUNS, FIRST] = [
        edited(lambda right: with_a_new_column(right).replace(b",false,", b",no,"))
    ]
    result = run()
    assert result.success
    assert len(waits(result)) == 2
    check = columns_check(result)
    assert (check.passed, check.description) == (False, "Not landed: Region.")
    slow = {
        event.materialization.metadata["rows_read_slowly_percent"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.path[-1] == "run_minutes"
    }
    assert slow == {33.333}


def test_a_reader_that_loses_a_line_fails_the_run_and_its_check(
    run: Run, spacelift: FaultySpacelift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UsageCsv, "_count_outside", lambda *ignored: None)
    row_outside = faulty.rows(RUNS, since=AFTER, until=AFTER + dt.timedelta(days=1)).partition("\n")[0]
    spacelift.faults[RUNS, BAD_DAY] = [edited(lambda right: right + f"{row_outside}\n".encode())]
    result = run()
    words = "2024-02-28 until 2024-03-02: 361 lines, 360 of them landed, outside, quarantined or refused"
    assert f"run-minutes: {words}" in what_failed(result)
    failed = [
        (check.check_name, check.description)
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
    assert failed == [("every_line_accounted_for", words)]
