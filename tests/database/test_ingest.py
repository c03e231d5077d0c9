"""Many wanted days: what is asked for together, what a failure stops, what the archive can land again."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from orchestration.landing.archive import Archive
from orchestration.landing.ingest import ingest
from orchestration.landing.ingest_from_archive import ingest_from_archive
from orchestration.landing.loads import Load
from orchestration.landing.one_body import FailedWindow
from orchestration.landing.windows import windows
from orchestration.spacelift.aspects import WORKER_COUNT
from orchestration.spacelift.auth import ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import SpaceliftRejectedError

FIRST = dt.date(2024, 2, 1)
HEADER = "Id,Count,TimestampUnix,WorkerPoolName\n"


def days(count: int, *, first: dt.date = FIRST) -> list[dt.date]:
    return [first + dt.timedelta(days=number) for number in range(count)]


def csv_of(since: dt.date, until: dt.date, *, count: int = 3) -> str:
    """One row a day at 00:00, the day `until` included, as the vendor probably does."""
    wanted = days((until - since).days + 1, first=since)
    return HEADER + "".join(
        f"1,{count},{dt.datetime.combine(d, dt.time(), dt.UTC):%s},pool\n" for d in wanted
    )


class Vendor:
    """Answers with one row a day; `answer` may answer otherwise. Remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[dt.date, dt.date]] = []
        self.answer: Callable[[dt.date, dt.date], httpx.Response | None] = lambda since, until: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        since, until = (dt.date.fromisoformat(request.url.params[name]) for name in ("since", "until"))
        self.asked.append((since, until))
        answer = self.answer(since, until)
        return answer or httpx.Response(200, text=csv_of(since, until), headers={"content-type": "text/csv"})

    @property
    def lengths(self) -> list[int]:
        return [(until - since).days for since, until in self.asked]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


@pytest.fixture
def ingest_days(
    vendor: Vendor, archive: Archive, connection: psycopg.Connection
) -> Callable[..., list[FailedWindow]]:
    def ingest_days(wanted: list[dt.date], *, run_id: str | None = None) -> list[FailedWindow]:
        seen: list[tuple[dt.date, Load]] = []
        with SpaceliftClient(
            endpoint="https://acme.app.spacelift.io",
            credentials=ReadyToken("token"),
            transport=httpx.MockTransport(vendor),
        ) as client:
            failed = ingest(
                wanted,
                aspect=WORKER_COUNT,
                account="acme",
                client=client,
                archive=archive,
                connection=connection,
                run_id=run_id,
                on_progress=lambda day, load: seen.append((day, load)),
            )
        assert all(load.usage_date == day for day, load in seen)
        return failed

    return ingest_days


def landed(connection: psycopg.Connection) -> dict[dt.date, int]:
    """Rows per UTC day."""
    with connection.transaction():
        rows = connection.execute(
            "select to_timestamp(timestamp_unix)::date, count(*) from raw.worker_count group by 1 order by 1"
        ).fetchall()
    return dict(rows)


def loads(connection: psycopg.Connection, status: str) -> list[tuple]:
    with connection.transaction():
        return connection.execute(
            "select usage_date, error from raw.usage_loads where status = %s order by load_id", (status,)
        ).fetchall()


def test_windows_are_runs_of_consecutive_days_of_limited_length():
    wanted = [*days(5), *days(2, first=dt.date(2024, 3, 1)), FIRST]
    assert [len(window) for window in windows(wanted, at_most=3)] == [3, 2, 2]


def test_a_backfill_asks_for_31_days_at_once_and_lands_each_day(connection, ingest_days, vendor):
    wanted = days(40)
    assert ingest_days(wanted) == []
    assert vendor.lengths == [31, 9]
    assert landed(connection) == dict.fromkeys(wanted, 1)
    assert [day for day, _ in loads(connection, "succeeded")] == wanted


def test_a_window_that_the_vendor_refuses_is_halved_until_it_takes_it(connection, ingest_days, vendor):
    vendor.answer = lambda since, until: httpx.Response(400) if (until - since).days > 8 else None
    assert ingest_days(days(31)) == []
    assert vendor.lengths == [31, 16, 8, 8, 15, 8, 7]
    assert landed(connection) == dict.fromkeys(days(31), 1)
    assert loads(connection, "failed") == []


def test_after_a_timeout_later_windows_are_as_short_as_what_was_answered(connection, ingest_days, vendor):
    def slow(since: dt.date, until: dt.date) -> None:
        if (until - since).days > 16:
            raise httpx.ReadTimeout("slow")

    vendor.answer = slow
    assert ingest_days(days(60)) == []
    assert vendor.lengths == [31, 16, 15, 16, 13]
    assert landed(connection) == dict.fromkeys(days(60), 1)


def test_days_before_the_vendors_memory_fail_alone(connection, ingest_days, vendor):
    vendor.answer = lambda since, until: httpx.Response(422) if since < days(3)[-1] else None
    failed = ingest_days(days(8))
    assert [window.days for window in failed] == [(day,) for day in days(2)]
    assert [window.may_ask_again for window in failed] == [False, False]
    assert landed(connection) == dict.fromkeys(days(8)[2:], 1)


def test_a_day_that_the_vendor_cannot_answer_fails_alone(connection, ingest_days, vendor):
    broken = days(33)[12]
    vendor.answer = lambda since, until: (
        httpx.Response(503, headers={"Retry-After": "7"}) if since <= broken < until else None
    )
    (failed,) = ingest_days(days(33))
    assert failed.days == (broken,)
    assert (failed.may_ask_again, failed.retry_after_seconds) == (True, 7.0)
    assert "answered 503 for worker-count of 2024-02-13" in failed.error
    assert loads(connection, "failed") == [(broken, failed.error)]
    assert list(landed(connection)) == [day for day in days(33) if day != broken]


def test_an_outage_is_not_asked_about_day_by_day(connection, ingest_days, vendor):
    vendor.answer = lambda since, until: httpx.Response(503)
    failed = ingest_days(days(90))
    assert sorted(day for window in failed for day in window.days) == days(90)
    assert all(window.may_ask_again for window in failed)
    assert len(vendor.asked) < 12
    assert sorted(day for day, _ in loads(connection, "failed")) == days(90)


@pytest.mark.parametrize("status", [500, 503])
def test_days_on_end_that_the_vendor_cannot_answer_do_not_hold_up_the_later_ones(
    connection, ingest_days, vendor, status
):
    broken = [*days(5)[1:], *days(50)[40:43]]
    vendor.answer = lambda since, until: (
        httpx.Response(status) if any(since <= day < until for day in broken) else None
    )
    failed = ingest_days(days(90))
    assert [window.days for window in failed] == [(day,) for day in broken]
    assert list(landed(connection)) == [day for day in days(90) if day not in broken]


def test_a_repeated_step_asks_first_for_what_it_has_not_tried(connection, ingest_days, vendor):
    # The last day as well, so that it cannot tell that Spacelift answers the others.
    broken = [*days(12)[9:], days(90)[-1]]
    vendor.answer = lambda since, until: (
        httpx.Response(500) if any(since <= day < until for day in broken) else None
    )
    ingest_days(days(90), run_id="run 1")
    assert list(landed(connection)) == days(9)
    ingest_days(days(90), run_id="run 1")
    assert list(landed(connection)) == [day for day in days(90) if day not in broken]


def test_an_answer_between_them_says_that_failing_days_are_no_outage(connection, ingest_days, vendor):
    vendor.answer = lambda since, until: httpx.Response(422) if since < days(4)[-1] else httpx.Response(503)
    ingest_days(days(90))
    assert len(vendor.asked) < 20


def test_who_asked_too_often_asks_no_more(connection, ingest_days, vendor):
    vendor.answer = lambda since, until: httpx.Response(429, headers={"Retry-After": "7"})
    failed = ingest_days(days(90))
    assert vendor.lengths == [31]
    assert sorted(day for window in failed for day in window.days) == days(90)
    assert {window.retry_after_seconds for window in failed} == {7.0}


@pytest.mark.parametrize("status", [401, 403, 302])
def test_refused_credentials_stop_at_once(connection, ingest_days, vendor, status):
    vendor.answer = lambda since, until: httpx.Response(status)
    with pytest.raises(SpaceliftRejectedError):
        ingest_days(days(40))
    assert vendor.lengths == [31]
    assert len(loads(connection, "failed")) == 31


def test_a_repeated_step_of_the_same_run_asks_only_for_what_is_missing(ingest_days, vendor):
    vendor.answer = lambda since, until: httpx.Response(503) if since > FIRST else None
    assert len(ingest_days([FIRST, days(3)[-1]], run_id="run 1")) == 1
    vendor.answer = lambda since, until: None
    assert ingest_days([FIRST, days(3)[-1]], run_id="run 1") == []
    assert [since for since, _ in vendor.asked] == [FIRST, days(3)[-1], days(3)[-1]]
    assert ingest_days([FIRST], run_id="run 2") == []
    assert len(vendor.asked) == 4


def test_a_body_with_another_header_fails_its_days_and_is_in_the_archive(
    connection, ingest_days, vendor, archive
):
    vendor.answer = lambda since, until: httpx.Response(
        200, text="Id,Count\n1,2\n", headers={"content-type": "text/csv"}
    )
    failed = ingest_days(days(2))
    assert [(window.days, window.may_ask_again) for window in failed] == [((day,), False) for day in days(2)]
    assert "no column timestamp_unix, worker_pool_name" in failed[0].error
    assert len(archive.entries(account="acme", aspect=WORKER_COUNT)) == 1
    with connection.transaction():
        uris = connection.execute("select archive_uri from raw.usage_loads").fetchall()
    assert all(uri is not None for (uri,) in uris)


def test_history_is_landed_again_from_the_archive_alone(connection, ingest_days, vendor, archive):
    ingest_days(days(5))
    newer = days(5)[2]
    vendor.answer = lambda since, until: httpx.Response(
        200, text=csv_of(since, until, count=9), headers={"content-type": "text/csv"}
    )
    ingest_days([newer])
    vendor.answer = lambda since, until: httpx.Response(
        200, text=HEADER + "bad\n", headers={"content-type": "text/csv"}
    )
    ingest_days([newer])
    with connection.transaction():
        before = connection.execute("select * from raw.worker_count order by timestamp_unix").fetchall()
        connection.execute("truncate raw.worker_count, raw.quarantined_rows, raw.usage_loads")
    asked = len(vendor.asked)
    failed = ingest_from_archive(
        days(6),
        aspect=WORKER_COUNT,
        account="acme",
        archive=archive,
        connection=connection,
        run_id=None,
        on_progress=lambda day, load: None,
    )
    assert [window.days for window in failed] == [(days(6)[-1],)]
    assert failed[0].error.endswith("holds worker-count of 2024-02-06")
    with connection.transaction():
        after = connection.execute("select * from raw.worker_count order by timestamp_unix").fetchall()
    assert after == before
    assert [row[1] for row in after] == [3, 3, 9, 3, 3]
    assert len(vendor.asked) == asked


def test_a_day_that_was_suspicious_is_left_out_of_its_body_until_it_is_accepted(
    connection, ingest_days, vendor, archive
):
    def body(since: dt.date, until: dt.date, *, rows: int, count: int) -> httpx.Response:
        text = csv_of(since, until - dt.timedelta(days=1), count=count).removeprefix(HEADER)
        return httpx.Response(200, text=HEADER + text * rows, headers={"content-type": "text/csv"})

    def counts() -> list[tuple[int, int]]:
        with connection.transaction():
            return connection.execute(
                "select count, count(*) from raw.worker_count group by 1 order by 1"
            ).fetchall()

    def restored(**accept: bool) -> list[FailedWindow]:
        with connection.transaction():
            connection.execute("truncate raw.worker_count, raw.quarantined_rows, raw.usage_loads")
        return again(**accept)

    def again(**accept: bool) -> list[FailedWindow]:
        return ingest_from_archive(
            [FIRST],
            aspect=WORKER_COUNT,
            account="acme",
            archive=archive,
            connection=connection,
            run_id=None,
            on_progress=lambda day, load: None,
            **accept,
        )

    vendor.answer = lambda since, until: body(since, until, rows=8, count=3)
    ingest_days([FIRST])
    vendor.answer = lambda since, until: body(since, until, rows=2, count=4)
    (failed,) = ingest_days([FIRST])
    assert (failed.days, failed.may_ask_again) == ((FIRST,), False)
    assert "came with 2 rows, 8 landed before" in failed.error
    assert restored() == []
    assert counts() == [(3, 8)]
    # Accepting is a person's word; from then on it holds for an empty database as well.
    assert again(accept_shrinkage=True) == []
    assert counts() == [(4, 2)]
    assert restored() == []
    assert counts() == [(4, 2)]


def test_a_damaged_body_in_the_archive_lands_nothing_and_an_older_one_is_taken(
    connection, ingest_days, archive
):
    ingest_days(days(2))
    ingest_days(days(2))
    newest = Path(archive.entries(account="acme", aspect=WORKER_COUNT)[-1].uri.removeprefix("file://"))
    newest.write_bytes(newest.read_bytes()[:-9])
    failed = ingest_from_archive(
        days(2),
        aspect=WORKER_COUNT,
        account="acme",
        archive=archive,
        connection=connection,
        run_id="again",
        on_progress=lambda day, load: None,
    )
    assert failed == []
    assert [day for day, error in loads(connection, "failed") if "is cut" in error] == days(2)
    assert landed(connection) == dict.fromkeys(days(2), 1)
