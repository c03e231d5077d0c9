"""What the demo account owns: worker pools with their autoscaling, stacks and modules, and their renames.

Here: things and when they change. Not here: runs (runs.py), the two files (account.py).
Everything is made up. Times are UTC.
"""

import datetime as dt
from dataclasses import dataclass

from orchestration.demo.dice import Dice

POOL_RENAMED_ON = dt.date(2026, 7, 9)
STACK_RENAMED_ON = dt.date(2026, 8, 3)
US_EAST_BORN_AT = dt.datetime(2026, 7, 21, 9, 12, 41, tzinfo=dt.UTC)
US_STACKS_BORN_AT = dt.datetime(2026, 7, 22, 10, 5, 0, tzinfo=dt.UTC)

# Hours in which the autoscaler of the production pool added workers: day, first hour, hours, workers added.
# Beside the month ends they bring June below a commitment of 12, July above it, August to its edge.
_BURSTS = (
    (dt.date(2026, 5, 26), 13, 4, 6),
    (dt.date(2026, 6, 9), 13, 4, 6),
    (dt.date(2026, 6, 17), 8, 6, 8),
    (dt.date(2026, 6, 23), 13, 4, 5),
    (dt.date(2026, 7, 2), 12, 7, 7),
    (dt.date(2026, 7, 7), 13, 5, 5),
    (dt.date(2026, 7, 14), 9, 8, 10),
    (dt.date(2026, 7, 21), 13, 5, 4),
    (dt.date(2026, 7, 27), 20, 4, 9),
    (dt.date(2026, 8, 4), 13, 5, 5),
    (dt.date(2026, 8, 13), 9, 8, 7),
    (dt.date(2026, 8, 18), 13, 5, 4),
    (dt.date(2026, 8, 22), 10, 3, 14),
    (dt.date(2026, 9, 1), 13, 5, 5),
    (dt.date(2026, 9, 10), 8, 7, 8),
    (dt.date(2026, 9, 15), 13, 5, 4),
)
# Two nights a week the data pool is scaled up for a batch load: few hours, but most of the workers that it
# ever has, so that its percentile without the hours at zero is three times the true one.
_BATCH_NIGHTS = (0, 3)
_BATCH_HOURS = range(3, 6)
_BATCH_WORKERS = 6
_MONTH_END_WORKERS = 3
_MONTH_END_WORKING_DAYS = 2

_SERVICES = (
    *("networking", "eks", "rds", "iam", "dns", "vault", "observability", "payments", "search", "cdn"),
    *("queues", "edge"),
)
_DATA = ("data-lake", "warehouse", "airflow", "kafka", "ml-training", "ml-serving", "feature-store")
_US = ("networking", "eks", "rds", "payments", "search")
_PUBLIC = (
    ("GitHub organisation", "github-organisation"),
    ("Datadog monitors", "datadog-monitors"),
    ("PagerDuty", "pagerduty"),
    # A comma, so that the files hold quoted fields, as people's names for things do.
    ("Okta (groups, apps)", "okta-groups-apps"),
    ("sandbox", "sandbox"),
)


@dataclass(frozen=True)
class Name:
    """What something is called, and what it was called before it was renamed."""

    now: str
    before: str | None = None
    renamed_on: dt.date | None = None

    def on(self, day: dt.date) -> str:
        if self.before is not None and self.renamed_on is not None and day < self.renamed_on:
            return self.before
        return self.now


@dataclass(frozen=True)
class Pool:
    """A private worker pool."""

    key: str
    name: Name
    ulid: str
    born_at: dt.datetime


@dataclass(frozen=True)
class Stack:
    """A stack, or a module; `pool` None means the vendor's public workers."""

    name: Name
    slug: str
    ulid: str
    is_stack: bool
    born_at: dt.datetime
    pool: Pool | None
    is_checked_for_drift: bool = False


@dataclass(frozen=True)
class Estate:
    """All pools, stacks and modules of the account."""

    pools: tuple[Pool, ...]
    stacks: tuple[Stack, ...]


def demo_estate(dice: Dice) -> Estate:
    """The account's possessions; the same for the same dice."""

    def pool(key: str, name: Name, born_at: dt.datetime) -> Pool:
        return Pool(key, name, dice.ulid(unix_seconds=int(born_at.timestamp())), born_at)

    def stack(
        slug: str, born_at: dt.datetime, owner: Pool | None, name: Name | None = None, **flags: bool
    ) -> Stack:
        ulid = dice.ulid(unix_seconds=int(born_at.timestamp()))
        is_stack = flags.get("is_stack", True)
        return Stack(
            name or Name(slug), slug, ulid, is_stack, born_at, owner, flags.get("is_checked_for_drift", False)
        )

    def long_ago() -> dt.datetime:
        return dt.datetime(2024, 3, 4, 9, tzinfo=dt.UTC) + dt.timedelta(minutes=dice.between(0, 700 * 1440))

    production = pool("production", Name("production"), long_ago())
    staging = pool("staging", Name("non-production", "staging", POOL_RENAMED_ON), long_ago())
    data = pool("data", Name("data-platform"), long_ago())
    us_east = pool("us-east", Name("us-east"), US_EAST_BORN_AT)

    stacks = [
        stack(f"{service}-prod", long_ago(), production, is_checked_for_drift=service not in {"dns", "edge"})
        if service != "payments"
        else stack(
            "payments-prod",
            long_ago(),
            production,
            Name("checkout-prod", "payments-prod", STACK_RENAMED_ON),
            is_checked_for_drift=True,
        )
        for service in _SERVICES
    ]
    stacks += [stack(f"{service}-staging", long_ago(), staging) for service in _SERVICES]
    stacks += [stack(slug, long_ago(), data) for slug in _DATA]
    stacks += [stack(f"{service}-us-east", US_STACKS_BORN_AT, us_east) for service in _US]
    stacks += [stack(slug, long_ago(), None, Name(name)) for name, slug in _PUBLIC]
    stacks += [
        stack("terraform-aws-vpc", long_ago(), staging, is_stack=False),
        stack("terraform-aws-eks", long_ago(), staging, is_stack=False),
        stack("terraform-aws-rds", long_ago(), None, is_stack=False),
        stack("terraform-static-site", long_ago(), None, is_stack=False),
    ]
    return Estate(pools=(production, staging, data, us_east), stacks=tuple(stacks))


def workers_wanted(pool: Pool, *, hour: int) -> int:
    """How many workers the pool's autoscaler keeps in that hour (Unix hours); 0 when scaled to zero."""
    at = dt.datetime.fromtimestamp(hour * 3600, dt.UTC)
    if at < pool.born_at:
        return 0
    is_working_day = at.weekday() < 5
    if pool.key == "production":
        usual = 5 if is_working_day and 7 <= at.hour < 19 else 2
        return usual + _workers_added(at)
    if pool.key == "staging":
        return 3 if is_working_day and 7 <= at.hour < 19 else 1
    if pool.key == "data":
        if at.weekday() in _BATCH_NIGHTS and at.hour in _BATCH_HOURS:
            return _BATCH_WORKERS
        return 2 if is_working_day and 6 <= at.hour < 20 else 0
    return 2 if is_working_day and 12 <= at.hour < 23 else 1


def is_month_end_rush(day: dt.date) -> bool:
    """True on the last working days of a month, when everybody ships what was promised for it."""
    working_days_left = 0
    later = day + dt.timedelta(days=1)
    while later.month == day.month:
        working_days_left += later.weekday() < 5
        later += dt.timedelta(days=1)
    return day.weekday() < 5 and working_days_left < _MONTH_END_WORKING_DAYS


def burst_hours(day: dt.date) -> tuple[range, int]:
    """The hours of the day in which the production pool was scaled up, and by how many workers."""
    for burst_day, first_hour, hours, workers in _BURSTS:
        if burst_day == day:
            return range(first_hour, first_hour + hours), workers
    return range(0), 0


def _workers_added(at: dt.datetime) -> int:
    hours, workers = burst_hours(at.date())
    in_burst = workers if at.hour in hours else 0
    at_month_end = _MONTH_END_WORKERS if is_month_end_rush(at.date()) and 10 <= at.hour < 17 else 0
    return max(in_burst, at_month_end)
