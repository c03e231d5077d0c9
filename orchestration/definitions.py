"""What Dagster loads: the contents page of the pipeline."""

import os
from collections.abc import Mapping

import dagster as dg

from orchestration.assets.dashboard import dashboard
from orchestration.assets.dbt_models import dbt_models
from orchestration.assets.elastic import elastic
from orchestration.assets.raw_contracts import raw_contracts
from orchestration.assets.raw_invoices import raw_invoices
from orchestration.assets.raw_run_minutes import raw_run_minutes
from orchestration.assets.raw_selfhosted_rows import SELFHOSTED_ROWS, raw_selfhosted_rows
from orchestration.assets.raw_usage_loads import raw_usage_loads
from orchestration.assets.raw_vendor_usage import raw_vendor_usage
from orchestration.assets.raw_worker_count import raw_worker_count
from orchestration.checks import raw_checks
from orchestration.dbt_manifest import load_manifest
from orchestration.drop_folder_sensor import dropped_files
from orchestration.jobs import daily_job, report_job
from orchestration.partitions import daily_partitions
from orchestration.resources.dbt import DbtResource
from orchestration.resources.hand_kept_files import HandKeptFilesResource
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.schedules import daily_schedule, report_schedule, sending_schedule
from orchestration.sensors import failed_runs_to_webhook, killed_runs, something_landed
from orchestration.settings import Settings

# Written by the first landing, read by the models that must know whose contract counts.
WAREHOUSE = dg.AssetSpec(
    ["raw", "warehouse"],
    deps=[["raw", "run_minutes"], ["raw", "worker_count"]],
    group_name="raw",
    kinds={"postgres"},
    owners=["team:platform"],
    description="One row: whose usage this database holds, and the version of the raw schema.",
)


# Written by the landing of reports, read by the models that know which days they cover.
SELFHOSTED_REPORTS = dg.AssetSpec(
    ["raw", "selfhosted_reports"],
    deps=[SELFHOSTED_ROWS],
    group_name="raw",
    owners=["team:platform"],
    kinds={"postgres"},
    description="One row per report of a self-hosted instance that landed: its days, its tables, its file.",
)


def build_defs(environ: Mapping[str, str]) -> dg.Definitions:
    """The definitions under an environment; credentials in it are read when a run needs them, not here."""
    settings = Settings.from_environment(environ)
    days = daily_partitions(settings.start_date, settings.end_date)
    with_elastic = settings.elasticsearch_url is not None
    jobs = [daily_job(with_elastic=with_elastic), report_job(with_elastic=with_elastic)]
    return dg.Definitions(
        assets=[
            raw_contracts,
            raw_invoices,
            raw_run_minutes(days),
            raw_selfhosted_rows(days),
            SELFHOSTED_REPORTS,
            raw_worker_count(days),
            raw_usage_loads(settings.start_date),
            WAREHOUSE,
            raw_vendor_usage,
            dbt_models(load_manifest()),
            elastic,
            dashboard,
        ],
        asset_checks=[raw_checks],
        jobs=jobs,
        schedules=[
            daily_schedule(
                lookback_days=settings.lookback_days,
                start_date=settings.start_date,
                end_date=settings.end_date,
            ),
            report_schedule(
                lookback_days=settings.lookback_days,
                start_date=settings.start_date,
                end_date=settings.end_date,
            ),
            sending_schedule(reporting=settings.reporting),
        ],
        sensors=[failed_runs_to_webhook, killed_runs, something_landed, dropped_files(jobs)],
        resources={
            "dbt": DbtResource(),
            "hand_kept_files": HandKeptFilesResource(),
            "postgres": PostgresResource(),
            "spacelift": SpaceliftResource(),
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Loaded by workspace.yaml; nothing happens before Dagster asks for it."""
    return build_defs(os.environ)
