"""The asset `raw/invoices`."""

import dagster as dg

from orchestration.assets.hand_kept_file import landing_hand_kept_file
from orchestration.contracts.raw_contracts import land_invoices
from orchestration.resources.hand_kept_files import HandKeptFilesResource
from orchestration.resources.postgres import PostgresResource


@dg.asset(key=["raw", "invoices"], group_name="raw", kinds={"csv", "postgres"}, owners=["team:platform"])
def raw_invoices(
    context: dg.AssetExecutionContext, hand_kept_files: HandKeptFilesResource, postgres: PostgresResource
) -> dg.MaterializeResult[None]:
    """What Spacelift invoiced, from the file that USAGE_INVOICES_FILE names.

    Grain: contract, period, metric and invoice. Every run replaces the table whole; without a file it is
    empty. A wrong file fails here, with every problem's line and reason, and the marts stay as they were.
    """
    with landing_hand_kept_file(context, postgres=postgres) as connection:
        invoices = land_invoices(connection, hand_kept_files.invoices)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(invoices), "file": str(hand_kept_files.invoices or "none")}
    )
