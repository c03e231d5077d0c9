"""The asset `raw/selfhosted_rows`: the usage report of a self-hosted instance, landed and, if asked, sent."""

import random
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import dagster as dg
import psycopg

from orchestration.assets.land_days import MAX_RETRIES, wait_seconds
from orchestration.assets.only_writer import only_writer
from orchestration.assets.raw_vendor_usage import VENDOR_WORKER_POOLS
from orchestration.landing.archive import Archive
from orchestration.landing.errors import FileRefusedError, LandingError
from orchestration.landing.loads import Load
from orchestration.landing.windows import ONE_DAY, windows
from orchestration.loads import failures_of_run
from orchestration.partitions import as_days
from orchestration.progress import DaysLanded, Note, report
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.selfhosted.client import CutReportError, download_report
from orchestration.selfhosted.ingest import LandedReport, land_report
from orchestration.selfhosted.raw_rows import reports_of_run
from orchestration.selfhosted.report_file import read_report_file
from orchestration.selfhosted.upload import DaysSentError, UploadError, send_report, what_would_be_sent
from orchestration.selfhosted.usage_days import land_usage_days
from orchestration.spacelift.errors import SpaceliftError, SpaceliftUnavailableError
from orchestration.warehouse.schema import claim_account

SELFHOSTED_ROWS = dg.AssetKey(["raw", "selfhosted_rows"])
DEFAULT_BATCH_DAYS = 7


class ReportConfig(dg.Config):
    """What a person may ask of the report in the launchpad."""

    # Names with commas between them; none: all that the instance has.
    tables: str | None = None
    batch_days: int = DEFAULT_BATCH_DAYS
    # To Spacelift, at SPACELIFT_PUBLIC_API; with `dry_run` only told, with `again` also what was sent before.
    send_to_spacelift: bool = False
    dry_run: bool = False
    again: bool = False
    # Days may come back with half of the rows that landed before; otherwise they are not replaced.
    accept_shrinkage: bool = False
    # A report exported by hand, on the machine that runs this; it holds the run's days.
    file: str | None = None


def raw_selfhosted_rows(days: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset, partitioned by the given UTC days."""

    @dg.asset(
        key=SELFHOSTED_ROWS,
        # Names of the pools are asked for first: reports have none.
        deps=[VENDOR_WORKER_POOLS],
        group_name="raw",
        kinds={"json", "postgres"},
        owners=["team:platform"],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def selfhosted_rows(
        context: dg.AssetExecutionContext,
        config: ReportConfig,
        spacelift: SpaceliftResource,
        postgres: PostgresResource,
    ) -> dg.MaterializeResult[None]:
        """The usage report of a self-hosted Spacelift, row by row, and the usage of its days counted from it.

        Source: GET /selfhosted/metrics, some days at a time, or a report exported by hand. Grain: a row of a
        table of the report. Workers per hour are counted from heartbeats, minutes from state transitions;
        both stand in raw.worker_count and raw.run_minutes as a SaaS account's do. A rerun replaces whole
        days. Nothing is sent to Spacelift unless somebody asks for it.
        """
        return _land(context, config, spacelift=spacelift, postgres=postgres)

    return selfhosted_rows


def _land(
    context: dg.AssetExecutionContext,
    config: ReportConfig,
    *,
    spacelift: SpaceliftResource,
    postgres: PostgresResource,
) -> dg.MaterializeResult[None]:
    run_id = context.run.run_id
    days = as_days(context.partition_keys)
    problem: Exception | None = None
    landed: list[LandedReport] = []
    try:
        with only_writer(context, postgres) as connection:
            claim_account(connection, spacelift.account)
            spacelift.archive.remove_unfinished()
            public_api = spacelift.where_to_send() if config.send_to_spacelift else None
            try:
                landed.extend(
                    _reports(days, config, spacelift=spacelift, connection=connection, run_id=run_id)
                )
            except (SpaceliftError, LandingError) as error:
                # What came before counts; the rest waits for the next try.
                problem = error
            usage = land_usage_days(
                connection,
                account=spacelift.account,
                days=[day for one in landed for day in one.days],
                run_id=run_id,
                accept_shrinkage=config.accept_shrinkage,
                on_load=_Progress(days),
            )
            # Of the attempts before this one too.
            failures = failures_of_run(connection, run_id=run_id)
            for note in usage.notes:
                context.log.warning(note)
                report(Note(note))
            uploads = (
                []
                if public_api is None
                else list(
                    _send(
                        landed,
                        config,
                        public_api=public_api,
                        ca_bundle=spacelift.ca_bundle,
                        archive=spacelift.archive,
                        connection=connection,
                        run_id=run_id,
                    )
                )
            )
    except UploadError as error:
        raise dg.Failure(f"landed, but not sent: {error}", allow_retries=False) from error
    except LandingError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if problem is not None:
        _ask_again(context, problem)
    _fail_for_days(failures)
    return dg.MaterializeResult(
        metadata={
            "days": len(days),
            "rows": sum(one.rows_landed for one in landed),
            "reports": dg.MetadataValue.md("\n".join(f"- {one.archived.uri}" for one in landed) or "none"),
            "tables": ", ".join(sorted({table for one in landed for table in one.rows})),
            "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in usage.notes) or "none"),
            "uploads": dg.MetadataValue.md("\n".join(f"- {line}" for line in uploads) or "none"),
        }
    )


def _reports(
    days: Sequence[date],
    config: ReportConfig,
    *,
    spacelift: SpaceliftResource,
    connection: psycopg.Connection,
    run_id: str,
) -> Iterator[LandedReport]:
    """The reports of the days, landed one after the other; those that this run has landed are left out.

    One that is refused holds up none after it; its error comes at the end.
    """
    land = partial(
        land_report,
        account=spacelift.account,
        archive=spacelift.archive,
        connection=connection,
        run_id=run_id,
    )
    if config.file is not None:
        told, body = read_report_file(Path(config.file))
        yield land(told, body, source="file")
        return
    done = reports_of_run(connection, run_id=run_id)
    problem: SpaceliftError | LandingError | None = None
    with spacelift.client() as client:
        for window in windows(days, at_most=config.batch_days):
            since, until = window[0], window[-1] + ONE_DAY
            if (since, until) in done:
                continue
            keep_refused = partial(
                spacelift.archive.keep_report,
                account=spacelift.account,
                file_name=f"usage_data_{since}_{until}.json.refused",
            )
            try:
                told, body = download_report(
                    client,
                    since=since,
                    until=until,
                    tables=_names(config.tables),
                    keep_refused=keep_refused,
                )
                yield land(told, body, source="api")
            except CutReportError as error:
                problem = error
            except FileRefusedError as error:
                # Of this report alone, so those after it are asked for; what may be mended goes first.
                problem = problem or error
    if problem is not None:
        raise problem


def _names(tables: str | None) -> list[str]:
    return [name for written in (tables or "").split(",") if (name := written.strip())]


def _send(
    landed: Sequence[LandedReport],
    config: ReportConfig,
    *,
    public_api: str,
    ca_bundle: Path | None,
    archive: Archive,
    connection: psycopg.Connection,
    run_id: str,
) -> Iterator[str]:
    """One line for each report: what was done, or would be."""
    not_sent: list[str] = []
    for one in landed:
        if config.dry_run:
            line = f"would be sent: {what_would_be_sent(one, public_api=public_api)}"
        else:
            try:
                line = send_report(
                    one,
                    public_api=public_api,
                    ca_bundle=ca_bundle,
                    archive=archive,
                    connection=connection,
                    run_id=run_id,
                    again=config.again,
                )
            except DaysSentError as error:
                # The reports after it are another matter.
                not_sent.append(str(error))
                continue
        report(Note(line))
        yield line
    if not_sent:
        raise UploadError("; ".join(not_sent))


def _ask_again(context: dg.AssetExecutionContext, problem: Exception) -> None:
    if not isinstance(problem, SpaceliftUnavailableError) or context.retry_number >= MAX_RETRIES:
        raise dg.Failure(str(problem), allow_retries=False) from problem
    seconds = wait_seconds(
        retry_number=context.retry_number,
        retry_after=problem.retry_after_seconds,
        jitter=random.uniform(-1, 1),  # noqa: S311 - spreads load, guards nothing
    )
    reason = f"{problem}; asking again in {seconds:.0f} s"
    context.log.warning(reason)
    report(Note(reason))
    raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=seconds) from problem


def _fail_for_days(failures: Sequence[str]) -> None:
    if failures:
        more = f" (and {len(failures) - 3} more)" if len(failures) > 3 else ""
        raise dg.Failure(f"days that did not land: {'; '.join(failures[:3])}{more}", allow_retries=False)


class _Progress:
    """Tells how many days of each file are done."""

    def __init__(self, days: Sequence[date]) -> None:
        self._total = len(days)
        self._loads: list[Load] = []

    def __call__(self, load: Load) -> None:
        self._loads.append(load)
        same = [other for other in self._loads if other.aspect == load.aspect]
        report(
            DaysLanded(
                aspect=load.aspect,
                done=len(same),
                total=max(self._total, len(same)),
                rows=sum(other.rows_landed for other in same),
            )
        )
