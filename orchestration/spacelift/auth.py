"""Credentials and the bearer token made from them.

Here: an API key traded for a JWT over GraphQL, the token kept until shortly before its end.
Not here: the usage requests (client.py), where the credentials come from (settings.py).
Source: spacelift-io/spacectl, client/session/; the documentation contradicts itself about a token's life
(1 hour, 10 hours), so only `validUntil` is believed.

Spacelift bills each API key that is exchanged as a user: one key for the pipeline.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from orchestration.spacelift.answers import error_of_transport
from orchestration.spacelift.errors import SpaceliftRejectedError
from orchestration.spacelift.graphql import GraphqlAnswer, question, read_answer

RENEW_SECONDS_BEFORE_END = 30.0

_EXCHANGE = """
mutation ApiKeyToToken($id: ID!, $secret: String!) {
  apiKeyUser(id: $id, secret: $secret) { jwt validUntil }
}
"""


@dataclass(frozen=True)
class ApiKey:
    """An API key of the account; the secret never shows in repr."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class ReadyToken:
    """A JWT that a person exported; it cannot be renewed and never shows in repr."""

    jwt: str = field(repr=False)


@dataclass(frozen=True)
class IssuedToken:
    """A JWT and its end in Unix seconds."""

    jwt: str = field(repr=False)
    valid_until: float


class TokenSource:
    """The bearer token to use now; safe to ask from several threads."""

    def __init__(
        self,
        credentials: ApiKey | ReadyToken,
        *,
        exchange: Callable[[ApiKey], IssuedToken],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credentials = credentials
        self._exchange = exchange
        self._clock = clock
        self._lock = threading.Lock()
        self._issued: IssuedToken | None = None

    def token(self) -> str:
        """The token, exchanged first when there is none or it ends within 30 s.

        Raises:
            SpaceliftError: the exchange failed.
        """
        if isinstance(self._credentials, ReadyToken):
            return sendable(self._credentials.jwt)
        with self._lock:
            if self._issued is None or self._clock() >= self._issued.valid_until - RENEW_SECONDS_BEFORE_END:
                self._issued = self._exchange(self._credentials)
            return self._issued.jwt

    def renew(self, *, refused: str) -> bool:
        """Forget a refused token, so that the next `token()` is a new one; False for a ready token."""
        if isinstance(self._credentials, ReadyToken):
            return False
        with self._lock:
            # Another thread may have renewed it already.
            if self._issued is not None and self._issued.jwt == refused:
                self._issued = None
        return True

    def secrets(self) -> list[str]:
        """All that no message may quote."""
        if isinstance(self._credentials, ReadyToken):
            return [self._credentials.jwt]
        issued = self._issued
        return [self._credentials.secret, *([issued.jwt] if issued else [])]


def exchange_key(http: httpx.Client, *, endpoint: str, key: ApiKey) -> IssuedToken:
    """Trade an API key for a token.

    Raises:
        SpaceliftUnavailableError: no answer, 408, 429, 5xx.
        SpaceliftRejectedError: the key is refused, or what answered is not Spacelift's GraphQL.
    """
    if not key.id or not key.secret:
        raise SpaceliftRejectedError("the Spacelift API key has an empty id or secret")
    asked = f"a token for API key {key.id}"
    host = httpx.URL(endpoint).host
    request = question(
        http, endpoint=endpoint, query=_EXCHANGE, variables={"id": key.id, "secret": key.secret}
    )
    try:
        response = http.send(request, stream=True)
    except httpx.HTTPError as error:
        raise error_of_transport(error, asked=asked, host=host) from error
    return _issued_token(read_answer(response, asked=asked, secrets=[key.secret]), key=key, host=host)


def sendable(jwt: str) -> str:
    """The token, if it can stand in a header; the HTTP library would quote it in its complaint."""
    if not jwt or not jwt.isascii() or not all("!" <= letter <= "~" for letter in jwt):
        raise SpaceliftRejectedError(
            "the Spacelift token is empty or holds spaces, line ends or other characters no token has"
        )
    return jwt


def _issued_token(answer: GraphqlAnswer, *, key: ApiKey, host: str) -> IssuedToken:
    user = answer.data.get("apiKeyUser")
    if answer.errors or not isinstance(user, dict):
        words = answer.errors[0].message if answer.errors else ""
        raise SpaceliftRejectedError(
            f"Spacelift refused the API key {key.id}{f' ({words})' if words else ''}; "
            "check id and secret, and that the key belongs to this account"
        )
    jwt, valid_until = user.get("jwt"), user.get("validUntil")
    if not isinstance(jwt, str) or not isinstance(valid_until, int | float):
        raise SpaceliftRejectedError(f"{host}/graphql answered without a token for API key {key.id}")
    return IssuedToken(jwt=sendable(jwt), valid_until=valid_until)
