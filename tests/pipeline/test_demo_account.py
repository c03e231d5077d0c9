"""The demo account could be a real one: its two files agree with each other and with how workers work."""

import csv
import datetime as dt
import hashlib
import io
from collections import Counter, defaultdict
from math import ceil

import pytest

from orchestration.demo import account
from orchestration.demo.account import FIRST_DAY, LAST_DAY, DemoRangeError, usage_csv
from orchestration.demo.estate import POOL_RENAMED_ON, STACK_RENAMED_ON, US_EAST_BORN_AT
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect

DAY_AFTER_LAST = LAST_DAY + dt.timedelta(days=1)
HOUR_SECONDS = 3600
ACTIVE = {
    *("PREPARING", "INITIALIZING", "PLANNING", "APPLYING", "PERFORMING", "DESTROYING"),
    *("PREPARING_APPLY", "PREPARING_REPLAN"),
}
TERMINAL = {"FINISHED", "FAILED", "STOPPED", "CANCELED", "DISCARDED", "SKIPPED"}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Rows = list[dict[str, str]]


def export(aspect: Aspect, *, since: dt.date = FIRST_DAY, until: dt.date = DAY_AFTER_LAST) -> bytes:
    return b"".join(usage_csv(aspect, since=since, until=until))


def rows_of(body: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(body.decode()), strict=True))


@pytest.fixture(scope="module")
def run_minutes() -> Rows:
    return rows_of(export(RUN_MINUTES))


@pytest.fixture(scope="module")
def worker_count() -> Rows:
    return rows_of(export(WORKER_COUNT))


def day_of(row: dict[str, str]) -> dt.date:
    return dt.datetime.fromtimestamp(int(row["TimestampUnix"]), dt.UTC).date()


def millionths(row: dict[str, str]) -> int:
    """Minutes of the row in whole millionths, so that sums are exact."""
    whole, _, part = row["StateDurationMinutes"].partition(".")
    return int(whole) * 1_000_000 + int(part.ljust(6, "0"))


def created_at(ulid: str) -> float:
    """Unix seconds from the first ten characters, which are milliseconds."""
    milliseconds = 0
    for letter in ulid[:10]:
        milliseconds = milliseconds * 32 + CROCKFORD.index(letter)
    return milliseconds / 1000


def test_the_figures_are_the_same_on_every_machine_and_in_every_generation():
    def digest() -> str:
        return hashlib.sha256(export(RUN_MINUTES) + export(WORKER_COUNT)).hexdigest()

    first = digest()
    for cached in (account.history, account._run_minutes_by_hour, account._worker_count_by_hour):
        cached.cache_clear()
    assert first == digest()
    assert first == "3a210250a8fdbf9eee7e27485d996946638750e3358d730b017d74399c6e6fce"


def test_headers_are_spelled_and_ordered_as_the_vendor_does():
    header = export(RUN_MINUTES).partition(b"\n")[0].decode()
    assert header == (
        "TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunUlid,"
        "StackName,StackSlug,StackUlid,IsStack,WorkerPoolName,WorkerPoolUlid"
    )
    assert export(WORKER_COUNT).startswith(b"Id,Count,TimestampUnix,WorkerPoolName\n")


def test_no_run_spends_more_than_sixty_minutes_in_an_hour(run_minutes):
    spent: Counter[tuple[str, str]] = Counter()
    for row in run_minutes:
        spent[row["RunUlid"], row["TimestampUnix"]] += millionths(row)
    assert max(spent.values()) <= 60_000_000


def test_a_pool_works_no_more_than_its_workers_can(run_minutes, worker_count):
    workers = {(row["WorkerPoolName"], row["TimestampUnix"]): int(row["Count"]) for row in worker_count}
    worked: Counter[tuple[str, str]] = Counter()
    for row in run_minutes:
        if row["RunState"] in ACTIVE and row["Public"] == "false":
            worked[row["WorkerPoolName"], row["TimestampUnix"]] += millionths(row)
    assert worked
    assert all(minutes <= 60_000_000 * workers[pool_hour] for pool_hour, minutes in worked.items())


def test_one_row_per_run_state_and_hour_and_terminal_states_once_with_no_time(run_minutes):
    keys = Counter((row["RunUlid"], row["RunState"], row["TimestampUnix"]) for row in run_minutes)
    assert max(keys.values()) == 1
    ends = [row for row in run_minutes if row["RunState"] in TERMINAL]
    assert {row["StateDurationMinutes"] for row in ends} == {"0"}
    assert max(Counter(row["RunUlid"] for row in ends).values()) == 1


def test_rows_come_hour_by_hour_in_whole_utc_hours(run_minutes, worker_count):
    for rows in (run_minutes, worker_count):
        hours = [int(row["TimestampUnix"]) for row in rows]
        assert hours == sorted(hours)
        assert all(hour % HOUR_SECONDS == 0 for hour in hours)


def test_ulids_were_made_when_their_things_were(run_minutes):
    first_hour: dict[str, int] = {}
    for row in run_minutes:
        hour = int(row["TimestampUnix"])
        for ulid in (row["RunUlid"], row["StackUlid"], row["WorkerPoolUlid"]):
            if ulid:
                first_hour.setdefault(ulid, hour)
    for ulid, hour in first_hour.items():
        assert len(ulid) == 26
        assert ulid[0] in "01234567"
        assert set(ulid) <= set(CROCKFORD)
        assert created_at(ulid) < hour + HOUR_SECONDS
    day_two = dt.datetime(2026, 5, 22, tzinfo=dt.UTC).timestamp()
    new_runs = {row["RunUlid"] for row in run_minutes if created_at(row["RunUlid"]) > day_two}
    assert all(created_at(ulid) >= first_hour[ulid] for ulid in new_runs)


def test_hours_without_workers_are_left_out(worker_count):
    assert all(int(row["Count"]) > 0 for row in worker_count)
    weekend = [row for row in worker_count if day_of(row) == dt.date(2026, 6, 13)]
    assert {row["WorkerPoolName"] for row in weekend} == {"production", "staging"}
    hours = Counter(row["WorkerPoolName"] for row in worker_count if day_of(row) == dt.date(2026, 6, 10))
    assert hours["production"] == 24
    assert 12 <= hours["data-platform"] <= 18


def test_a_rename_shows_in_both_files_and_leaves_the_ulid(run_minutes, worker_count):
    for rows in (run_minutes, worker_count):
        before = {row["WorkerPoolName"] for row in rows if day_of(row) < POOL_RENAMED_ON}
        after = {row["WorkerPoolName"] for row in rows if day_of(row) >= POOL_RENAMED_ON}
        assert ("staging" in before, "non-production" in before) == (True, False)
        assert ("staging" in after, "non-production" in after) == (False, True)
    renamed = [row for row in run_minutes if row["WorkerPoolName"] in ("staging", "non-production")]
    assert len({row["WorkerPoolUlid"] for row in renamed}) == 1
    stack = [row for row in run_minutes if row["StackSlug"] == "payments-prod"]
    assert len({row["StackUlid"] for row in stack}) == 1
    assert {row["StackName"] for row in stack if day_of(row) < STACK_RENAMED_ON} == {"payments-prod"}
    assert {row["StackName"] for row in stack if day_of(row) >= STACK_RENAMED_ON} == {"checkout-prod"}


def test_a_pool_born_half_way_has_nothing_before(run_minutes, worker_count):
    born_at = US_EAST_BORN_AT.timestamp()
    ulids = {row["WorkerPoolUlid"] for row in run_minutes if row["WorkerPoolName"] == "us-east"}
    assert [int(created_at(ulid)) for ulid in ulids] == [int(born_at)]
    for rows in (run_minutes, worker_count):
        assert min(int(row["TimestampUnix"]) for row in rows if row["WorkerPoolName"] == "us-east") >= born_at


def test_public_runs_have_no_pool_and_private_ones_have(run_minutes):
    assert {row["Public"] for row in run_minutes} == {"true", "false"}
    for row in run_minutes:
        is_public = row["Public"] == "true"
        assert (row["WorkerPoolName"] == "") == (row["WorkerPoolUlid"] == "") == is_public


def test_the_team_is_of_the_announced_size(run_minutes):
    stacks = {(row["StackUlid"], row["IsStack"]) for row in run_minutes}
    assert Counter(is_stack for _, is_stack in stacks) == {"true": 41, "false": 4}
    assert {row["RunType"] for row in run_minutes} == {"PROPOSED", "TRACKED", "TASK", "TESTING", "DESTROY"}
    assert 100_000 < len(run_minutes) < 300_000
    first_day = {row["RunUlid"]: day_of(row) for row in reversed(run_minutes)}
    by_weekday = defaultdict(list)
    for day, runs in Counter(first_day.values()).items():
        if FIRST_DAY < day <= LAST_DAY:
            by_weekday[day.weekday() < 5].append(runs)
    assert 150 <= sorted(by_weekday[True])[len(by_weekday[True]) // 2] <= 250
    assert max(by_weekday[False]) < 150


def test_some_runs_wait_for_a_worker_and_some_for_a_person_for_days(run_minutes):
    minutes: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in run_minutes:
        minutes[row["RunUlid"], row["RunState"]] += float(row["StateDurationMinutes"])
    assert sum(spent > 15 for (_, state), spent in minutes.items() if state == "READY") > 100
    stuck = [spent for (_, state), spent in minutes.items() if state == "UNCONFIRMED" and spent > 3 * 1440]
    assert len(stuck) >= 10


@pytest.mark.parametrize(
    ("month", "p95", "hours_above_twelve", "budget"),
    [
        pytest.param(6, 10, 28, 36, id="June stays below a commitment of 12"),
        pytest.param(7, 14, 43, 37, id="July goes over it"),
        pytest.param(8, 12, 35, 37, id="August comes near"),
    ],
)
def test_bursts_bring_the_months_around_a_commitment(worker_count, month, p95, hours_above_twelve, budget):
    totals: Counter[int] = Counter()
    for row in worker_count:
        totals[int(row["TimestampUnix"])] += int(row["Count"])
    begin = int(dt.datetime(2026, month, 1, tzinfo=dt.UTC).timestamp())
    end = int(dt.datetime(2026, month + 1, 1, tzinfo=dt.UTC).timestamp())
    hours = sorted(totals[hour] for hour in range(begin, end, HOUR_SECONDS))
    rank = ceil(len(hours) * 95 / 100)
    assert hours[rank - 1] == p95
    assert sum(workers > 12 for workers in hours) == hours_above_twelve
    assert len(hours) - rank == budget


def test_an_answer_holds_its_days_and_the_hour_at_which_they_end():
    for aspect in (RUN_MINUTES, WORKER_COUNT):
        rows = rows_of(export(aspect, since=dt.date(2026, 6, 9), until=dt.date(2026, 6, 11)))
        assert {day_of(row) for row in rows} == {dt.date(2026, 6, day) for day in (9, 10, 11)}
        stray = [row for row in rows if day_of(row) == dt.date(2026, 6, 11)]
        assert {int(row["TimestampUnix"]) % 86_400 for row in stray} == {0}


def test_days_before_the_history_are_empty_and_days_after_it_refused():
    body = export(RUN_MINUTES, since=dt.date(2026, 5, 1), until=dt.date(2026, 5, 20))
    assert body.count(b"\n") == 1
    with pytest.raises(DemoRangeError, match="history ends on 2026-09-17"):
        usage_csv(RUN_MINUTES, since=LAST_DAY, until=DAY_AFTER_LAST + dt.timedelta(days=1))
    with pytest.raises(DemoRangeError, match="must be before"):
        usage_csv(RUN_MINUTES, since=LAST_DAY, until=LAST_DAY)
