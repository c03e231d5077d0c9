"""The asset `exports/elasticsearch`."""

import os

import dagster as dg

from orchestration.exports.elastic import WAITING, export_to_elastic
from orchestration.exports.elastic_client import ElasticError, elastic_client
from orchestration.exports.focus import ExportError
from orchestration.jobs import ELASTIC_KEY
from orchestration.progress import Waiting, report
from orchestration.resources.postgres import PostgresResource
from orchestration.settings import Settings, SettingsError
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.lock import export_lock


@dg.asset(
    key=ELASTIC_KEY,
    # The last of all models: the marts are built and tested.
    deps=[["marts", "data_freshness"]],
    group_name="exports",
    kinds={"elasticsearch"},
    owners=["team:platform"],
)
def elastic(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult[None]:
    """Hours of the account, its worker pools and run states in Elasticsearch, zeros included.

    Posts the days that changed since they were last posted, whole, under stable ids, and deletes what the
    marts no longer have. Percentiles are fields, as the marts have them. Part of the daily job when
    ELASTICSEARCH_URL is set. A document that is refused for good fails the step, and the next run posts its
    days again.
    """
    settings = Settings.from_environment(os.environ)
    try:
        with (
            elastic_client(settings) as client,
            export_lock(postgres.url, on_wait=lambda: _say_waiting(context)),
            postgres.connection(role=None) as connection,
        ):
            exported = export_to_elastic(
                connection,
                client,
                target=settings.elasticsearch_url or "",
                on_progress=lambda last, documents: context.log.info(f"{documents} documents, up to {last}"),
            )
    except (ElasticError, ExportError, SettingsError, WarehouseError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return dg.MaterializeResult(
        metadata={
            "days": exported.days,
            "documents": exported.documents,
            "stale_documents_deleted": exported.deleted,
        }
    )


def _say_waiting(context: dg.AssetExecutionContext) -> None:
    context.log.info(WAITING)
    report(Waiting(WAITING))
