"""Snapshots of the vendor's own figures: one a UTC day, the latest, other days kept."""

import dataclasses
import datetime as dt
from decimal import Decimal

from orchestration.landing.raw_vendor_usage import land_vendor_figures
from orchestration.spacelift.vendor_usage import VendorFigures, VendorUsage, VendorWorkerPool

MORNING = dt.datetime(2026, 2, 28, 2, 30, tzinfo=dt.UTC)
EVENING = dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=dt.UTC)
NEXT_DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NOTHING = VendorUsage(
    **dict.fromkeys((field.name for field in dataclasses.fields(VendorUsage)), None) | {"response": {}}
)
POOL = VendorWorkerPool("01JHFXXPDC6J8XM2VB0M9CS338", "private", 2, None)


def told(workers: int, *, pools: list[VendorWorkerPool] | None) -> VendorFigures:
    usage = dataclasses.replace(NOTHING, used_workers=Decimal(workers), response={"usedWorkers": workers})
    return VendorFigures(usage=usage, worker_pools=pools, remarks=[])


def snapshots(connection) -> list[tuple]:
    return connection.execute(
        "select fetched_at, account, used_workers, used_seats, response ->> 'usedWorkers'"
        " from raw.vendor_usage order by fetched_at"
    ).fetchall()


def test_a_day_keeps_its_latest_snapshot_and_other_days_theirs(connection):
    for at, workers in ((NEXT_DAY, 7), (MORNING, 5), (EVENING, 6)):
        land_vendor_figures(connection, told(workers, pools=[POOL]), account="acme", fetched_at=at)
    assert snapshots(connection) == [(EVENING, "acme", 6, None, "6"), (NEXT_DAY, "acme", 7, None, "7")]
    assert connection.execute("select * from raw.vendor_worker_pools order by fetched_at").fetchall() == [
        (EVENING, *dataclasses.astuple(POOL)),
        (NEXT_DAY, *dataclasses.astuple(POOL)),
    ]


def test_what_was_refused_later_in_the_day_stays_as_it_was(connection):
    land_vendor_figures(connection, told(5, pools=[POOL]), account="acme", fetched_at=MORNING)
    refused = VendorFigures(usage=None, worker_pools=None, remarks=["unauthorized"])
    land_vendor_figures(connection, refused, account="acme", fetched_at=EVENING)
    assert [snapshot[0] for snapshot in snapshots(connection)] == [MORNING]
    assert connection.execute("select fetched_at from raw.vendor_worker_pools").fetchall() == [(MORNING,)]
