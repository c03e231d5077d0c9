"""The parts of a configuration that not everybody has, and whether each answers.

Not here: the parts without which nothing lands, and the order in which all are told (configuration_check.py).
"""

from dataclasses import dataclass
from typing import Literal

from orchestration.contracts.contracts_file import read_contracts
from orchestration.contracts.errors import ContractsError
from orchestration.drop_folder import FAILED, DropFolder
from orchestration.exports.elastic_client import ElasticError, elastic_client
from orchestration.exports.elastic_documents import INDEX
from orchestration.selfhosted.upload import unreachable
from orchestration.settings import (
    DROP_FOLDER,
    ELASTICSEARCH_API_KEY,
    ELASTICSEARCH_PASSWORD,
    ELASTICSEARCH_USERNAME,
    PUBLIC_API,
    PUBLIC_API_OF_SPACELIFT,
    Settings,
)

Verdict = Literal["ok", "failed", "late", "not configured"]


@dataclass(frozen=True)
class Part:
    """One thing the pipeline needs, whether it answers, and what to do if it does not."""

    name: str
    verdict: Verdict
    detail: str


def contracts(settings: Settings) -> Part:
    """The terms that amounts come from."""
    if settings.contracts_file is None:
        return Part("contracts", "not configured", "periods are calendar months, without amounts")
    try:
        rows = read_contracts(settings.contracts_file)
    except ContractsError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        return Part("contracts", "failed", f"{error.problems[0]}{more}")
    ours = sum(contract.account == settings.account for contract in rows)
    return Part(
        "contracts", "ok", f"{settings.contracts_file}; {len(rows)} rows, {ours} of them this account's"
    )


def reporting(settings: Settings) -> Part:
    """How a self-hosted instance's usage gets to Spacelift, and whether that is reachable from here."""
    name, api = "reporting", settings.public_api
    if api is None:
        if settings.reporting == "manual":
            return Part(name, "not configured", "nothing is sent; only self-hosted instances report usage")
        needed_by = "the instance itself" if settings.reporting == "automatic" else "this project"
        return Part(
            name,
            "failed",
            f"{settings.reporting}: {needed_by} needs {PUBLIC_API}, set it here: {PUBLIC_API_OF_SPACELIFT}",
        )
    told = {
        "automatic": f"the instance reports by itself if its drain has {PUBLIC_API} too; we send nothing",
        "manual": "somebody hands the files over, or sends them with report --send-to-spacelift",
        "script": "report --send-to-spacelift and its weekly schedule send, each report once",
    }[settings.reporting]
    problem = unreachable(api, ca_bundle=settings.ca_bundle)
    if problem:
        return Part(name, "failed", f"{settings.reporting}: {problem}; {told}")
    return Part(name, "ok", f"{settings.reporting}: {api} answers; {told}")


def elastic(settings: Settings) -> Part:
    """Where the marts are posted, and whether the key or user may."""
    name = "elastic"
    if settings.elasticsearch_url is None:
        return Part(name, "not configured", "the marts are posted nowhere")
    try:
        with elastic_client(settings, tries=1) as client:
            server = client.describe_server(INDEX)
    except ElasticError as error:
        return Part(name, "failed", str(error))
    if settings.elasticsearch_api_key:
        how = f"takes {ELASTICSEARCH_API_KEY}"
    elif settings.elasticsearch_username:
        how = f"takes {ELASTICSEARCH_USERNAME} and {ELASTICSEARCH_PASSWORD}"
    else:
        how = "lets in without a key"
    return Part(name, "ok", f"{settings.elasticsearch_url} {how}; {server}")


def drop_folder(settings: Settings) -> Part:
    """Where people put files for the daemon: how many wait, and how many could not be landed."""
    name = "drop folder"
    if settings.drop_folder is None:
        return Part(name, "not configured", "files made by hand are landed by load-file only")
    folder = DropFolder(settings.drop_folder)
    try:
        trouble = folder.trouble()
        if trouble:
            return Part(name, "failed", f"{DROP_FOLDER}: {trouble}")
        return Part(
            name, "ok", f"{folder.path}; {len(folder.waiting())} wait, {len(folder.failed())} in {FAILED}/"
        )
    except OSError as error:
        return Part(name, "failed", f"{DROP_FOLDER}: {folder.path}: {error.strerror or error}")
