"""Elasticsearch over HTTPS: the few requests that the export needs, and what their answers mean.

Here: requests, asking again, errors in one line without secrets. Not here: which documents (elastic.py).
No client library: a major version of one speaks to servers of that version only.
Source: Elastic's documentation, "Bulk API", "Delete by query API", "Create or update an index template".
"""

import base64
import datetime as dt
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from orchestration.settings import (
    ELASTICSEARCH_API_KEY,
    ELASTICSEARCH_PASSWORD,
    ELASTICSEARCH_URL,
    ELASTICSEARCH_USERNAME,
    Settings,
    SettingsError,
)
from orchestration.spacelift.answers import one_line, retry_after_seconds

TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 10.0
# Of one request; servers take 100 MB by default, but want less at once.
BULK_BYTES = 5 * 2**20
# Waits of 1, 2, 4 … seconds between them, or as long as the server says: a minute in all, or more.
TRIES = 7
LONGEST_WAIT_SECONDS = 120.0

_ASK_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_HINTS = {
    401: f"check {ELASTICSEARCH_API_KEY}, or {ELASTICSEARCH_USERNAME} and {ELASTICSEARCH_PASSWORD}",
    403: "the key or user lacks a privilege: manage_index_templates, and create_index, manage, index, delete "
    "and read on the index",
    404: f"check {ELASTICSEARCH_URL}",
}


class ElasticError(Exception):
    """The export cannot go on; one line without secrets: what was asked, what came back, what to do."""


@dataclass(frozen=True)
class Document:
    """One document with its id; both are JSON already."""

    id: str
    json: str


class ElasticClient:
    """Made by `elastic_client`."""

    def __init__(
        self, http: httpx.Client, *, secrets: Sequence[str], wait: Callable[[float], None], tries: int
    ) -> None:
        self._http = http
        self._secrets = secrets
        self._wait = wait
        self._tries = tries

    def describe_server(self, index: str) -> str:
        """Its name and version, if it lets us do what an export does first; changes nothing."""
        # Not everybody who may export may also see the server's name.
        answer = self._ask("GET", "/", accept=frozenset({403}))
        told = self._json(answer)
        version = told.get("version")
        if answer.is_success and not (told.get("cluster_name") and isinstance(version, dict)):
            raise ElasticError(
                f"{self._http.base_url.host} does not call itself Elasticsearch: check {ELASTICSEARCH_URL}"
            )
        self._ask("GET", f"/_index_template/{index}", accept=frozenset({404}))
        if not isinstance(version, dict):
            return "a server whose name and version we may not see"
        product = version.get("distribution") or "Elasticsearch"
        return self._shown(f"{product} {version.get('number')}, cluster {told['cluster_name']}")

    def prepare_index(
        self, index: str, *, template: Mapping[str, Any], before_new: Callable[[], None] = lambda: None
    ) -> None:
        """Put the template, and make the index (`before_new` comes first) or bring its fields up to date."""
        self._ask("PUT", f"/_index_template/{index}", template)
        if self._ask("HEAD", f"/{index}", accept=frozenset({404})).status_code == 404:
            before_new()
            self._ask("PUT", f"/{index}", {})
        else:
            self._ask("PUT", f"/{index}/_mapping", template["template"]["mappings"])

    def index_documents(self, index: str, documents: Iterable[Document]) -> int:
        """Write documents, in place of those with the same ids; how many. Refused ones are sent again."""
        count = 0
        for chunk in _chunks(documents):
            count += len(chunk)
            self._index_chunk(index, chunk)
        return count

    def delete_others(self, index: str, *, query: Mapping[str, Any]) -> int:
        """Delete what matches; how many. What was written before is seen by it."""
        self._ask("POST", f"/{index}/_refresh")
        answer = self._json(self._ask("POST", f"/{index}/_delete_by_query?refresh=true", {"query": query}))
        if answer.get("failures"):
            raise ElasticError(
                f"Elasticsearch could not delete stale documents: {self._shown(answer['failures'])}"
            )
        return int(answer.get("deleted", 0))

    def _index_chunk(self, index: str, chunk: Sequence[Document]) -> None:
        waiting = list(chunk)
        for number in range(self._tries):
            response = self._ask("POST", f"/{index}/_bulk", _ndjson(waiting))
            answer = self._json(response)
            items = answer.get("items")
            if not isinstance(items, list) or len(items) != len(waiting):
                raise ElasticError("Elasticsearch answered _bulk without one item for each document")
            results = [next(iter(item.values())) for item in items]
            refused = [
                (document, result)
                for document, result in zip(waiting, results, strict=True)
                if result.get("error") or not 200 <= result.get("status", 0) < 300
            ]
            if not refused:
                if answer.get("errors"):
                    raise ElasticError("Elasticsearch says that documents of a _bulk failed, but not which")
                return
            final = [result for _, result in refused if result.get("status") not in _ASK_AGAIN]
            if final or number == self._tries - 1:
                first = (final or [result for _, result in refused])[0]
                raise ElasticError(
                    f"Elasticsearch refused {len(final) or len(refused)} of {len(chunk)} documents; "
                    f"the first with {first.get('status')}: {self._shown(first.get('error'))}"
                )
            waiting = [document for document, _ in refused]
            self._wait(_seconds(number, response))

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        accept: frozenset[int] = frozenset(),
    ) -> httpx.Response:
        """One request, repeated while the server is busy or away."""
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        headers = {} if content is None else {"Content-Type": kind}
        what = f"{method} {path.partition('?')[0]}"
        for number in range(self._tries):
            is_last = number == self._tries - 1
            try:
                response = self._http.request(method, path, content=content, headers=headers)
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
                # Not chained: its text may quote a header of ours, and Dagster records causes.
                raise ElasticError(f"{what} is not valid HTTP: check {ELASTICSEARCH_URL}") from None
            except httpx.RequestError as error:
                is_untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
                hint = "a private CA goes into SSL_CERT_FILE" if is_untrusted else _HINTS[404]
                if is_last or is_untrusted:
                    raise ElasticError(
                        f"no answer from Elasticsearch ({self._http.base_url.host}) to {what}: "
                        f"{self._shown(str(error) or type(error).__name__)}; {hint}"
                    ) from error
                self._wait(_seconds(number, None))
                continue
            if response.is_success or response.status_code in accept:
                return response
            if is_last or response.status_code not in _ASK_AGAIN:
                raise self._error(response, what=what)
            self._wait(_seconds(number, response))
        raise AssertionError("the last try returns or raises")

    def _error(self, response: httpx.Response, *, what: str) -> ElasticError:
        hint = _HINTS.get(response.status_code)
        words = "" if response.text.lstrip().startswith("<") else self._shown(response.text)
        message = f"Elasticsearch ({self._http.base_url.host}) answered {response.status_code} to {what}"
        return ElasticError(message + (f": {words}" if words else "") + (f" ({hint})" if hint else ""))

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ElasticError(
                f"{self._http.base_url.host} answered no JSON object: check {ELASTICSEARCH_URL}"
            )
        return answer

    def _shown(self, words: object) -> str:
        text = words if isinstance(words, str) else json.dumps(words)
        return one_line(text, secrets=self._secrets)


@contextmanager
def elastic_client(
    settings: Settings, *, wait: Callable[[float], None] = time.sleep, tries: int = TRIES
) -> Iterator[ElasticClient]:
    """A client of the configured server, closed at the end; a private CA goes into SSL_CERT_FILE.

    A request is sent at most `tries` times, and the client calls `wait` between.

    Raises:
        SettingsError: no server is configured.
    """
    if settings.elasticsearch_url is None:
        raise SettingsError(f"no Elasticsearch is configured: set {ELASTICSEARCH_URL}")
    headers, auth, secrets = {}, None, []
    if settings.elasticsearch_api_key:
        headers = {"Authorization": f"ApiKey {settings.elasticsearch_api_key}"}
        secrets = [settings.elasticsearch_api_key, *_unpacked(settings.elasticsearch_api_key)]
    elif settings.elasticsearch_username and settings.elasticsearch_password:
        auth = httpx.BasicAuth(settings.elasticsearch_username, settings.elasticsearch_password)
        header = next(auth.auth_flow(httpx.Request("GET", settings.elasticsearch_url))).headers[
            "Authorization"
        ]
        secrets = [settings.elasticsearch_password, header.removeprefix("Basic ")]
    with httpx.Client(
        base_url=settings.elasticsearch_url,
        headers=headers,
        auth=auth,
        timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
    ) as http:
        yield ElasticClient(http, secrets=secrets, wait=wait, tries=tries)


def _unpacked(api_key: str) -> list[str]:
    """The secret in a key, which is `<id>:<secret>` in base64; a server may quote it as it reads it."""
    try:
        _, _, secret = base64.b64decode(api_key, validate=True).decode().partition(":")
    except ValueError:
        return []
    return [secret] if secret else []


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    chunk: list[Document] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document.json) + len(document.id)
        if size >= BULK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _ndjson(documents: Iterable[Document]) -> bytes:
    lines = (f'{{"index":{{"_id":"{document.id}"}}}}\n{document.json}\n' for document in documents)
    return "".join(lines).encode()


def _seconds(number: int, response: httpx.Response | None) -> float:
    stated = retry_after_seconds(response, now=dt.datetime.now(dt.UTC)) if response is not None else None
    return min(2.0**number if stated is None else stated, LONGEST_WAIT_SECONDS)
