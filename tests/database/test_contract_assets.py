"""The assets of hand-kept files and of the vendor's figures: what fails a run, and what only tells."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import httpx
import psycopg
import pytest

from orchestration.assets.raw_contracts import raw_contracts
from orchestration.assets.raw_invoices import raw_invoices
from orchestration.assets.raw_vendor_usage import raw_vendor_usage
from orchestration.resources import spacelift as spacelift_resource
from orchestration.resources.hand_kept_files import HandKeptFilesResource
from orchestration.resources.postgres import PostgresResource
from orchestration.resources.spacelift import SpaceliftResource
from orchestration.settings import VARIABLES
from orchestration.spacelift.auth import ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.warehouse.schema import claim_account
from tests.contracts_csv import CONTRACTS_HEADER

HEADER = f"{CONTRACTS_HEADER}\n"

GOOD = "acme-2026,acme,2026-01-01,,USD,,,max,,5,1,,,,,,,,,,,,\n"

Materialize = Callable[..., dg.ExecuteInProcessResult]


@dg.asset(deps=[["raw", "contracts"]])
def billing() -> None:
    """Stands for the models."""


@pytest.fixture
def materialize(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Materialize:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SPACELIFT_ACCOUNT", "acme")

    def materialize(*assets: dg.AssetsDefinition, **variables: str) -> dg.ExecuteInProcessResult:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return dg.materialize(
            assets,
            resources={
                "hand_kept_files": HandKeptFilesResource(),
                "postgres": PostgresResource(),
                "spacelift": SpaceliftResource(),
            },
            raise_on_error=False,
        )

    return materialize


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, object]:
    [event] = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["raw", asset])
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def contract_ids(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("select contract_id from raw.contracts").fetchall()
    connection.commit()
    return [contract_id for (contract_id,) in rows]


def test_a_wrong_contracts_file_stops_what_stands_on_it_and_changes_nothing(
    materialize, connection, tmp_path
):
    claim_account(connection, "acme")
    (tmp_path / "contracts.csv").write_text(HEADER + GOOD)
    good = materialize(raw_contracts, billing)
    assert good.success
    assert metadata(good, "contracts")["rows_of_this_account"] == 1

    (tmp_path / "contracts.csv").write_text(HEADER + GOOD.replace("USD", "USX").replace(",5,", ",x,"))
    wrong = materialize(raw_contracts, billing)
    [failure] = [event for event in wrong.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told.description.count("\n") == 1
    assert "contracts.csv, line 2, column currency: 'USX'" in told.description
    assert told.metadata["problems"].value.count("- ") == 2
    assert [event.asset_key for event in wrong.get_asset_materialization_events()] == []
    assert contract_ids(connection) == ["acme-2026"]


def test_without_files_there_are_no_terms_and_the_run_goes_on(materialize, connection):
    result = materialize(raw_contracts, raw_invoices)
    assert result.success
    assert metadata(result, "contracts") == {
        "dagster/row_count": 0,
        "rows_of_this_account": 0,
        "file": "none",
    }
    assert metadata(result, "invoices")["dagster/row_count"] == 0
    assert contract_ids(connection) == []


def test_a_file_without_a_contract_of_this_account_is_told(materialize, connection, tmp_path):
    claim_account(connection, "other")
    (tmp_path / "contracts.csv").write_text(HEADER + GOOD)
    assert metadata(materialize(raw_contracts), "contracts")["rows_of_this_account"] == 0


def test_a_vendor_that_refuses_is_told_and_fails_nothing(materialize, connection, monkeypatch):
    def answer(request: httpx.Request) -> httpx.Response:
        if "usage" in json.loads(request.content)["query"]:
            return httpx.Response(200, json={"errors": [{"message": "unauthorized"}], "data": None})
        pool = {"id": "01JHFXXPDC6J8XM2VB0M9CS338", "name": "private", "workers": []}
        return httpx.Response(200, json={"data": {"workerPools": [pool]}})

    client = SpaceliftClient(
        endpoint="https://acme.app.spacelift.io",
        credentials=ReadyToken("a.b.c"),
        transport=httpx.MockTransport(answer),
    )
    monkeypatch.setattr(spacelift_resource, "spacelift_client", lambda settings: client)
    result = materialize(raw_vendor_usage)
    assert result.success
    told = metadata(result, "vendor_usage")
    assert (told["is_told"], told["remarks"]) == (False, "- Spacelift does not tell usage: unauthorized")
    assert metadata(result, "vendor_worker_pools")["pools"] == 1
    assert connection.execute("select count(*) from raw.vendor_usage").fetchone() == (0,)
    [(name, workers, fetched_at)] = connection.execute(
        "select worker_pool_name, worker_count, fetched_at from raw.vendor_worker_pools"
    ).fetchall()
    assert (name, workers) == ("private", 0)
    assert abs(dt.datetime.now(dt.UTC) - fetched_at) < dt.timedelta(minutes=5)


def test_without_credentials_the_vendor_is_not_asked(materialize):
    result = materialize(raw_vendor_usage)
    assert result.success
    assert "not asked: no Spacelift credentials" in str(metadata(result, "vendor_usage")["remarks"])


def test_a_ca_bundle_that_is_none_is_told_by_its_variable(materialize, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    result = materialize(
        raw_vendor_usage,
        SPACELIFT_API_KEY_ENDPOINT="https://acme.app.spacelift.io",
        SPACELIFT_API_KEY_ID="01KEY",
        SPACELIFT_API_KEY_SECRET="s3cr3t",
        SPACELIFT_CA_BUNDLE=str(tmp_path / "ca.pem"),
    )
    assert result.success
    assert "not asked: SPACELIFT_CA_BUNDLE: " in str(metadata(result, "vendor_usage")["remarks"])
