"""What both raw assets do: land the days of their partitions, and ask again what may be asked again.

Here: the step's flow, retries and waits. Not here: download and COPY (landing/ingest.py), what the UI is told
(landing_report.py), what is said about days that did not land (checks.py), after dbt has built what did.
"""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import psycopg

from orchestration.assets.landing_report import landing_result, tell_before_retry
from orchestration.assets.only_writer import only_writer
from orchestration.landing.errors import LandingError
from orchestration.landing.ingest import ingest
from orchestration.landing.ingest_from_archive import ingest_from_archive
from orchestration.landing.loads import Load
from orchestration.landing.one_body import FailedWindow, Progress
from orchestration.landing.usage_file import ingest_file
from orchestration.landing.windows import ONE_DAY
from orchestration.loads import days_landed_by_run
from orchestration.partitions import as_days
from orchestration.progress import DaysLanded, Waiting, report
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.spacelift.aspects import Aspect
from orchestration.spacelift.errors import SpaceliftRejectedError
from orchestration.warehouse.schema import claim_account

# Seven to eight minutes in all; what is down for longer is read again by the next day's look-back.
MAX_RETRIES = 4
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 900.0
JITTER = 0.25


class LandingConfig(dg.Config):
    """What a person may ask of a raw asset in the launchpad."""

    from_archive: bool = False
    # Days may come back empty or with half of the rows that landed before; otherwise they are not replaced.
    accept_shrinkage: bool = False
    # A usage file exported by hand, on the machine that runs this; it holds the run's days.
    file: str | None = None


def land_days(
    context: dg.AssetExecutionContext,
    config: LandingConfig,
    *,
    aspect: Aspect,
    spacelift: SpaceliftResource,
    postgres: PostgresResource,
) -> dg.MaterializeResult:
    """Land every day of the run's partitions that this run has not landed yet.

    Days that fail for good do not stop the step: dbt still builds the others, and the check
    `every_requested_day_landed` then fails the run.

    Raises:
        RetryRequested: some days failed in a way that asking again may mend.
        Failure: the configuration, the database or the archive is at fault.
    """
    days = as_days(context.partition_keys)
    loads: list[Load] = []
    failed: list[FailedWindow] = []
    try:
        with only_writer(context, postgres) as connection:
            claim_account(connection, spacelift.account)
            spacelift.archive.remove_unfinished()
            before = days_landed_by_run(connection, aspect=aspect, run_id=context.run.run_id)
            try:
                failed = _ingest(
                    days,
                    config,
                    aspect=aspect,
                    spacelift=spacelift,
                    connection=connection,
                    run_id=context.run.run_id,
                    on_progress=_collector(loads, aspect=aspect, done=len(before), total=len(days)),
                )
            except SpaceliftRejectedError as error:
                if not loads:
                    raise dg.Failure(str(error), allow_retries=False) from error
                # The tried days are on record with this reason, so the run will fail by it.
                context.log.error(str(error))
            landed = days_landed_by_run(connection, aspect=aspect, run_id=context.run.run_id)
    except LandingError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    _ask_again(context, failed, loads=loads)
    return landing_result(context, days=days, landed=landed, loads=loads)


def wait_seconds(*, retry_number: int, retry_after: float | None, jitter: float) -> float:
    """How long to wait before asking again: the server's wish or a little more, else growing waits.

    `jitter` from -1 to 1 spreads them, so that not all who were refused at once come back at once.
    """
    if retry_after is not None:
        return min(max(retry_after, 0.0), LONGEST_WAIT_SECONDS) * (1 + JITTER * abs(jitter))
    return min(FIRST_WAIT_SECONDS * 2**retry_number, LONGEST_WAIT_SECONDS) * (1 + JITTER * jitter)


def _ask_again(
    context: dg.AssetExecutionContext, failed: Sequence[FailedWindow], *, loads: Sequence[Load]
) -> None:
    mendable = [window for window in failed if window.may_ask_again]
    if not mendable or context.retry_number >= MAX_RETRIES:
        return
    wishes = [window.retry_after_seconds for window in mendable if window.retry_after_seconds is not None]
    seconds = wait_seconds(
        retry_number=context.retry_number,
        retry_after=max(wishes, default=None),
        jitter=random.uniform(-1, 1),  # noqa: S311 - spreads load, guards nothing
    )
    reason = f"{mendable[0].error}; asking again in {seconds:.0f} s"
    context.log.warning(reason)
    report(Waiting(reason))
    tell_before_retry(context, loads=loads)
    raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=seconds)


def _ingest(
    days: Sequence[dt.date],
    config: LandingConfig,
    *,
    aspect: Aspect,
    spacelift: SpaceliftResource,
    connection: psycopg.Connection,
    run_id: str,
    on_progress: Progress,
) -> list[FailedWindow]:
    if config.file is not None:
        return ingest_file(
            Path(config.file),
            aspect=aspect,
            since=days[0],
            until=days[-1] + ONE_DAY,
            account=spacelift.account,
            archive=spacelift.archive,
            connection=connection,
            run_id=run_id,
            on_progress=on_progress,
            accept_shrinkage=config.accept_shrinkage,
        )
    if config.from_archive:
        return ingest_from_archive(
            days,
            aspect=aspect,
            account=spacelift.account,
            archive=spacelift.archive,
            connection=connection,
            run_id=run_id,
            on_progress=on_progress,
            accept_shrinkage=config.accept_shrinkage,
        )
    with spacelift.client() as client:
        return ingest(
            days,
            aspect=aspect,
            account=spacelift.account,
            client=client,
            archive=spacelift.archive,
            connection=connection,
            run_id=run_id,
            on_progress=on_progress,
            accept_shrinkage=config.accept_shrinkage,
        )


def _collector(
    loads: list[Load], *, aspect: Aspect, done: int, total: int
) -> Callable[[dt.date, Load], None]:
    def collect(_: dt.date, load: Load) -> None:
        loads.append(load)
        rows = sum(load.rows_landed for load in loads)
        report(DaysLanded(aspect=aspect.name, done=done + len(loads), total=total, rows=rows))

    return collect
