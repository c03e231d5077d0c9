"""The asset `raw/contracts`."""

import dagster as dg

from orchestration.assets.hand_kept_file import landing_hand_kept_file
from orchestration.contracts.raw_contracts import land_contracts
from orchestration.resources.hand_kept_files import HandKeptFilesResource
from orchestration.resources.postgres import PostgresResource
from orchestration.warehouse.schema import account_of


@dg.asset(key=["raw", "contracts"], group_name="raw", kinds={"csv", "postgres"}, owners=["team:platform"])
def raw_contracts(
    context: dg.AssetExecutionContext, hand_kept_files: HandKeptFilesResource, postgres: PostgresResource
) -> dg.MaterializeResult[None]:
    """Terms of the contracts with Spacelift, from the file that USAGE_CONTRACTS_FILE names.

    Grain: contract and validity. Every run replaces the table whole; without a file it is empty, and amounts
    in the marts are null. A wrong file fails here, with every problem's line and reason, and the marts stay
    as they were. A contract counts only for its own account.
    """
    with landing_hand_kept_file(context, postgres=postgres) as connection:
        contracts = land_contracts(connection, hand_kept_files.contracts)
        account = account_of(connection)
    ours = sum(contract.account == account for contract in contracts)
    if contracts and not ours:
        others = ", ".join(sorted({contract.account for contract in contracts}))
        context.log.warning(f"No contract is for account {account}; the file has some for {others}.")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(contracts),
            "rows_of_this_account": ours,
            "file": str(hand_kept_files.contracts or "none"),
        }
    )
