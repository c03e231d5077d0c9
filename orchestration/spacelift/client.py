"""Download of Spacelift usage files, one aspect and some UTC days at a time; and GraphQL questions.

Here: the HTTPS request, its credentials, and which error an answer is. Not here: reading the CSV
(landing/usage_csv.py), asking again after a failure (assets/), keeping the bytes (landing/archive.py),
what is asked over GraphQL (vendor_usage.py).
Source: spacelift-io/user-documentation, docs/product/billing/usage.md; spacelift-io/spacectl,
internal/cmd/profile/usage_view_csv_command.go.
"""

import datetime as dt
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import certifi
import httpx

from orchestration.spacelift.answers import error_of_status, error_of_transport
from orchestration.spacelift.aspects import RUN_MINUTES, Aspect
from orchestration.spacelift.auth import ApiKey, IssuedToken, ReadyToken, TokenSource, exchange_key
from orchestration.spacelift.endpoint import expiry_of_token, is_loopback, normalise_endpoint
from orchestration.spacelift.errors import SpaceliftRejectedError
from orchestration.spacelift.graphql import GraphqlAnswer, question, read_answer
from orchestration.spacelift.transfer import complete_body, received_body, without_secrets

CONNECT_TIMEOUT_SECONDS = 10.0
# Until the next bytes: the vendor gathers up to 31 days before the first one.
READ_TIMEOUT_SECONDS = 120.0
WRITE_TIMEOUT_SECONDS = 30.0
# For one of the two connections to become free.
POOL_TIMEOUT_SECONDS = 60.0
REQUESTS_AT_ONCE = 2
# Small questions, and none that a run should wait long for.
GRAPHQL_TIMEOUT_SECONDS = 30.0


class SpaceliftClient:
    """One account's usage export and GraphQL; a context manager that owns its connections."""

    def __init__(
        self,
        *,
        endpoint: str,
        credentials: ApiKey | ReadyToken,
        group_by: str = "run-state",
        ca_bundle: Path | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`group_by` is sent for run-minutes only; `ca_bundle` is trusted besides the system's authorities.

        Raises:
            SpaceliftRejectedError: the endpoint or the CA file cannot be used.
        """
        self._endpoint = normalise_endpoint(endpoint)
        self._host = httpx.URL(self._endpoint).host
        self._credentials = credentials
        self._group_by = group_by
        self._http = httpx.Client(
            headers={"User-Agent": "spacelift-usage-warehouse"},
            timeout=httpx.Timeout(
                connect=CONNECT_TIMEOUT_SECONDS,
                read=READ_TIMEOUT_SECONDS,
                write=WRITE_TIMEOUT_SECONDS,
                pool=POOL_TIMEOUT_SECONDS,
            ),
            limits=httpx.Limits(max_connections=REQUESTS_AT_ONCE),
            # A redirect would carry the token, or us, to a login page or another host.
            follow_redirects=False,
            # A transport of the caller's has its own idea of TLS; reading all authorities takes 20 ms.
            verify=trust(ca_bundle) if transport is None else True,
            # A proxy of the environment must not see plain http meant for this machine.
            trust_env=not is_loopback(self._host),
            transport=transport,
        )
        self._tokens = TokenSource(credentials, exchange=self._exchange)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    @contextmanager
    def open_usage_csv(self, aspect: Aspect, *, since: dt.date, until: dt.date) -> Iterator[Iterator[bytes]]:
        """Stream one aspect's CSV of the UTC days from `since` up to, not including, `until`.

        The blocks are the decompressed body, header line included; memory does not grow with it. Days without
        use give the header alone. The vendor may add rows of 00:00 of the `until` day. Only an iterator that
        came to its end delivered everything: commit after it, not before.

        Raises:
            SpaceliftUnavailableError: asking again may help (no answer, 408, 429, 5xx); also while iterating,
                when the transfer was cut.
            SpaceliftRejectedError: asking again cannot help (any other answer); also while iterating, as
                NotUsageFileError, when what comes is no CSV.
        """
        if since >= until:
            raise ValueError(f"no days between {since} and {until}")
        last = until - dt.timedelta(days=1)
        asked = f"{aspect.name} of {since}" if since == last else f"{aspect.name} of {since} to {last}"
        response = self._send(self._usage_request(aspect, since=since, until=until), asked=asked)
        try:
            if response.status_code != 200:
                raise error_of_status(response, asked=asked, secrets=self._tokens.secrets())
            yield complete_body(response, aspect=aspect, asked=asked, secrets=self._tokens.secrets())
        finally:
            response.close()

    @contextmanager
    def open_json(
        self, path: str, *, params: Mapping[str, str], asked: str, quoted_characters: int
    ) -> Iterator[Iterator[bytes]]:
        """The decompressed body of a JSON answer; `quoted_characters` of a refusal are in the error.

        Whether all of it came shows when it is read as JSON.

        Raises:
            SpaceliftUnavailableError: asking again may help (no answer, 408, 429, 5xx); also while iterating,
                when the transfer was cut or dripped.
            SpaceliftRejectedError: asking again cannot help (any other answer).
        """
        request = self._http.build_request(
            "GET",
            f"{self._endpoint}{path}",
            params=params,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
        )
        response = self._send(request, asked=asked)
        try:
            if response.status_code != 200:
                raise error_of_status(
                    response,
                    asked=asked,
                    secrets=self._tokens.secrets(),
                    quoted_characters=quoted_characters,
                )
            yield received_body(response, asked=asked, secrets=self._tokens.secrets())
        finally:
            response.close()

    def without_secrets(self, body: bytes) -> bytes:
        """A body as it may be kept: whatever of our secrets the server repeats is taken out."""
        return without_secrets(body, self._tokens.secrets())

    def verify_credentials(self) -> None:
        """Get a token, and nothing else; a ready token is only looked at, its end included.

        Raises:
            SpaceliftError: there is no usable token.
        """
        self._tokens.token()
        if isinstance(self._credentials, ReadyToken):
            expiry = expiry_of_token(self._credentials.jwt)
            if expiry is not None and expiry <= dt.datetime.now(dt.UTC).timestamp():
                ended_at = dt.datetime.fromtimestamp(expiry, dt.UTC)
                raise SpaceliftRejectedError(f"the Spacelift token ended at {ended_at:%Y-%m-%d %H:%M} UTC")

    def ask_graphql(self, query: str, *, asked: str) -> GraphqlAnswer:
        """The answer to a question without variables, errors inside it included; `asked` names it in errors.

        Raises:
            SpaceliftUnavailableError: asking again may help (no answer, 408, 429, 5xx).
            SpaceliftRejectedError: asking again cannot help (any other answer that is no GraphQL).
        """
        request = question(self._http, endpoint=self._endpoint, query=query)
        request.extensions["timeout"] = httpx.Timeout(GRAPHQL_TIMEOUT_SECONDS).as_dict()
        response = self._send(request, asked=asked)
        return read_answer(response, asked=asked, secrets=self._tokens.secrets())

    def _usage_request(self, aspect: Aspect, *, since: dt.date, until: dt.date) -> httpx.Request:
        query = {"since": since.isoformat(), "until": until.isoformat(), "aspect": aspect.name}
        if aspect == RUN_MINUTES:
            query["groupBy"] = self._group_by
        return self._http.build_request(
            "GET",
            f"{self._endpoint}/usageanalytics/csv",
            params=query,
            headers={"Accept": "text/csv", "Accept-Encoding": "gzip"},
        )

    def _send(self, request: httpx.Request, *, asked: str) -> httpx.Response:
        """The answer with its body unread; a refused token is renewed once."""
        token = self._tokens.token()
        response = self._send_with_token(request, token=token, asked=asked)
        if response.status_code == 401 and self._tokens.renew(refused=token):
            response.close()
            response = self._send_with_token(request, token=self._tokens.token(), asked=asked)
        return response

    def _send_with_token(self, request: httpx.Request, *, token: str, asked: str) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {token}"
        try:
            return self._http.send(request, stream=True)
        except httpx.HTTPError as error:
            raise error_of_transport(error, asked=asked, host=self._host) from error

    def _exchange(self, key: ApiKey) -> IssuedToken:
        return exchange_key(self._http, endpoint=self._endpoint, key=key)


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """The system's certificate authorities, the packaged ones where the system has none, and `ca_bundle`."""
    paths = ssl.get_default_verify_paths()
    has_system_store = paths.cafile is not None or paths.capath is not None
    context = ssl.create_default_context(cafile=None if has_system_store else certifi.where())
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as error:  # ssl.SSLError is one too
            raise SpaceliftRejectedError(
                f"SPACELIFT_CA_BUNDLE: {ca_bundle} cannot be read as PEM certificates"
            ) from error
    return context
