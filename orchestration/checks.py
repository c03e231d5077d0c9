"""Checks on the raw tables that SQL in dbt cannot make: they know the run, the clock and the partitions.

One step for both tables, apart from the landing: it may fail the run after dbt has built what did land.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.loads import (
    FRESH_FOR,
    Coverage,
    FailedDay,
    SuspiciousDay,
    UnbalancedBody,
    coverage_of,
    days_failed_in_run,
    suspicious_days,
    unbalanced_bodies,
)
from orchestration.partitions import as_days
from orchestration.resources.postgres import PostgresResource
from orchestration.spacelift.aspects import ASPECTS, Aspect
from orchestration.warehouse.errors import WarehouseError

EVERY_REQUESTED_DAY_LANDED = "every_requested_day_landed"
NO_GAP_BETWEEN_DAYS = "no_gap_between_days"
NO_DAY_SHRANK = "no_day_shrank"
EVERY_LINE_ACCOUNTED_FOR = "every_line_accounted_for"
FRESH = "fresh"

DAYS_NAMED_AT_MOST = 10


def _key(aspect: Aspect) -> dg.AssetKey:
    return dg.AssetKey(["raw", aspect.table])


def _specs() -> list[dg.AssetCheckSpec]:
    described = {
        EVERY_REQUESTED_DAY_LANDED: "Every day that this run was asked for has landed. Fails the run, naming "
        "the days; the marts hold whatever did land. Run those days again.",
        NO_GAP_BETWEEN_DAYS: "No day is missing between the first and the last landed one. A missing day "
        "is unknown in the marts, never zero. Run the missing days.",
        NO_DAY_SHRANK: "No day that had rows has since come back empty or with half of them at most. Such a "
        "day keeps its former rows and is suspicious; if so few are right, run it again with "
        "--accept-shrinkage, or with accept_shrinkage in the launchpad.",
        EVERY_LINE_ACCOUNTED_FOR: "Lines in the file = landed + outside the days asked for + quarantined + "
        "refused, for every file read so far; lines are counted by their ends, apart from the reading. If it "
        "fails this project has made a mistake: the file is in the archive, do not trust its days.",
        FRESH: "Something landed within the last 26 hours. A warning: otherwise nobody has started the "
        "schedule, or it fails.",
    }
    return [
        dg.AssetCheckSpec(name, asset=_key(aspect), description=description)
        for aspect in ASPECTS.values()
        for name, description in described.items()
    ]


@dg.multi_asset_check(name="raw_checks", specs=_specs(), can_subset=True)
def raw_checks(
    context: dg.AssetCheckExecutionContext, postgres: PostgresResource
) -> Iterator[dg.AssetCheckResult]:
    """Coverage, freshness, and what this run was asked for, from raw.usage_loads."""
    failures: list[str] = []
    days = _requested_days(context)
    try:
        with postgres.connection() as connection:
            for aspect in ASPECTS.values():
                failed = days_failed_in_run(connection, aspect=aspect, run_id=context.run.run_id, days=days)
                # A run of one file only was not asked for the days of the other.
                is_asked = dg.AssetCheckKey(_key(aspect), EVERY_REQUESTED_DAY_LANDED) in (
                    context.selected_asset_check_keys
                )
                if failed and is_asked:
                    failures.append(f"{aspect.name}: {describe_failed_days(failed)}")
                unbalanced = unbalanced_bodies(connection, aspect=aspect)
                failures += [
                    f"{aspect.name}: {body}" for body in unbalanced if body.run_id == context.run.run_id
                ]
                coverage = coverage_of(connection, aspect=aspect)
                results = [
                    requested_days_result(failed, requested=len(days)),
                    gap_result(coverage),
                    shrinkage_result(suspicious_days(connection, aspect=aspect)),
                    lines_result(unbalanced),
                    freshness_result(coverage, now=dt.datetime.now(tz=dt.UTC)),
                ]
                for result in results:
                    key = dg.AssetCheckKey(_key(aspect), str(result.check_name))
                    if key in context.selected_asset_check_keys:
                        yield result._replace(asset_key=key.asset_key)
    except WarehouseError as error:
        raise dg.Failure(str(error)) from error
    if failures:
        raise dg.Failure(f"days that did not land: {'; '.join(failures)}")


def requested_days_result(failed: Sequence[FailedDay], *, requested: int) -> dg.AssetCheckResult:
    """Passed when no requested day failed."""
    return dg.AssetCheckResult(
        check_name=EVERY_REQUESTED_DAY_LANDED,
        passed=not failed,
        description=f"Did not land: {describe_failed_days(failed)}" if failed else None,
        metadata={"requested_days": requested, "failed_days": len(failed)},
    )


def gap_result(coverage: Coverage) -> dg.AssetCheckResult:
    """Passed when the landed days follow one another, or there are none."""
    missing = [day.isoformat() for day in coverage.missing_days]
    return dg.AssetCheckResult(
        check_name=NO_GAP_BETWEEN_DAYS,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Missing: {_listed(missing)}" if missing else None,
        metadata={
            "missing_days": len(missing),
            "first_day": str(coverage.first_day),
            "loaded_through": str(coverage.last_day),
        },
    )


def shrinkage_result(suspicious: Sequence[SuspiciousDay]) -> dg.AssetCheckResult:
    """Passed when no day waits for somebody to say whether it may shrink."""
    return dg.AssetCheckResult(
        check_name=NO_DAY_SHRANK,
        passed=not suspicious,
        description=f"Not replaced: {_listed([str(day) for day in suspicious])}" if suspicious else None,
        metadata={"suspicious_days": len(suspicious)},
    )


def lines_result(unbalanced: Sequence[UnbalancedBody]) -> dg.AssetCheckResult:
    """Passed when the lines of every file became rows of one kind or another."""
    return dg.AssetCheckResult(
        check_name=EVERY_LINE_ACCOUNTED_FOR,
        passed=not unbalanced,
        description=_listed([str(body) for body in unbalanced]) if unbalanced else None,
        metadata={"unbalanced_files": len(unbalanced)},
    )


def freshness_result(coverage: Coverage, *, now: dt.datetime) -> dg.AssetCheckResult:
    """Passed when something landed within the last 26 hours."""
    last = coverage.last_success_at
    age = now - last if last else None
    return dg.AssetCheckResult(
        check_name=FRESH,
        passed=age is not None and age <= FRESH_FOR,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Last success at {last:%Y-%m-%d %H:%M} UTC." if last else "Nothing has landed yet.",
        metadata={"hours_since_last_success": round(age.total_seconds() / 3600, 2)} if age else {},
    )


def describe_failed_days(failed: Sequence[FailedDay]) -> str:
    """The days with their reasons, days of one reason together, long lists cut."""
    by_reason: dict[str, list[str]] = {}
    for day in failed:
        by_reason.setdefault(day.error or "not tried", []).append(day.usage_date.isoformat())
    return "; ".join(f"{_listed(days)} ({reason})" for reason, days in by_reason.items())


def _listed(days: Sequence[str]) -> str:
    more = len(days) - DAYS_NAMED_AT_MOST
    return ", ".join(days[:DAYS_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _requested_days(context: dg.AssetCheckExecutionContext) -> list[dt.date]:
    """The run's days; none when a person runs the checks alone."""
    if not (context.has_partition_key or context.has_partition_key_range):
        return []
    return as_days(context.partition_keys)
