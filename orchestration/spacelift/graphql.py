"""GraphQL questions to Spacelift, and its answers as JSON.

Here: one question as a request, one answer read with a bound. Not here: credentials (auth.py, client.py),
what is asked (auth.py, vendor_usage.py).
Errors inside an answer come with status 200: whoever asked decides what they mean.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from orchestration.spacelift.answers import error_of_status, error_of_transport, one_line
from orchestration.spacelift.errors import SpaceliftRejectedError, SpaceliftUnavailableError

_ANSWER_BYTES_AT_MOST = 1024 * 1024
# The read timeout bounds one wait; this bounds their sum, so that an answer that drips ends too.
WAITING_SECONDS_AT_MOST = 120.0


@dataclass(frozen=True)
class GraphqlError:
    """One error of an answer: the server's words on one line, and the field it is about, if it says so."""

    message: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class GraphqlAnswer:
    """What came back; `data` is empty where the server gave none, and may be there beside errors."""

    data: Mapping[str, Any]
    errors: Sequence[GraphqlError]


def question(
    http: httpx.Client, *, endpoint: str, query: str, variables: Mapping[str, Any] | None = None
) -> httpx.Request:
    """The request that asks it, without credentials."""
    return http.build_request(
        "POST",
        f"{endpoint}/graphql",
        json={"query": query, "variables": variables or {}},
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


def read_answer(response: httpx.Response, *, asked: str, secrets: Sequence[str]) -> GraphqlAnswer:
    """Read an answer to its end and close it; no error in it holds one of the secrets.

    Raises:
        SpaceliftUnavailableError: 408, 429, 5xx, or a cut answer.
        SpaceliftRejectedError: any other status but 200, or no GraphQL.
    """
    host = response.request.url.host
    try:
        if response.status_code != 200:
            raise error_of_status(response, asked=asked, secrets=secrets)
        body = _read_bounded(response, asked=asked, host=host)
    except httpx.HTTPError as error:
        raise error_of_transport(error, asked=asked, host=host) from error
    finally:
        response.close()
    try:
        answer = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        # Not chained: the cause holds the whole answer.
        message = f"{host}/graphql did not answer with GraphQL for {asked}"
        if "json" in response.headers.get("content-type", ""):
            raise SpaceliftUnavailableError(f"{message}: the JSON is cut or damaged") from None
        raise SpaceliftRejectedError(f"{message}; check the endpoint") from None
    return _sorted(answer if isinstance(answer, dict) else {}, secrets=secrets)


def _read_bounded(response: httpx.Response, *, asked: str, host: str) -> bytes:
    body = bytearray()
    begun_at = time.monotonic()
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() - begun_at > WAITING_SECONDS_AT_MOST:
            raise SpaceliftUnavailableError(
                f"Spacelift ({host}) took more than {WAITING_SECONDS_AT_MOST:.0f} s to send {asked}"
            )
        if len(body) > _ANSWER_BYTES_AT_MOST:
            raise SpaceliftRejectedError(f"the answer of {host} for {asked} is too long")
    return bytes(body)


def _refuse_constant(text: str) -> NoReturn:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(text)


def _sorted(answer: Mapping[str, Any], *, secrets: Sequence[str]) -> GraphqlAnswer:
    data, errors = answer.get("data"), answer.get("errors")
    return GraphqlAnswer(
        data=data if isinstance(data, dict) else {},
        errors=[_error(entry, secrets=secrets) for entry in errors] if isinstance(errors, list) else [],
    )


def _error(entry: object, *, secrets: Sequence[str]) -> GraphqlError:
    told = entry if isinstance(entry, dict) else {}
    message, path = told.get("message"), told.get("path")
    return GraphqlError(
        message=one_line(message, secrets=secrets) if isinstance(message, str) else "",
        path=tuple(step for step in path if isinstance(step, str)) if isinstance(path, list) else (),
    )
