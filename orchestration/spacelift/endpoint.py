"""Which Spacelift we talk to: the endpoint as people write it, or as a token names it.

Here: text to a base URL, and the host name that stands for the account. Not here: requests (client.py),
environment variables (settings.py).
Source: spacelift-io/spacectl, client/session/: a token's `aud` is its account's base URL.
"""

import base64
import binascii
import ipaddress
import json
from typing import Any

import httpx

from orchestration.spacelift.errors import SpaceliftRejectedError

_EXAMPLE = "https://<account>.app.spacelift.io"


def normalise_endpoint(text: str) -> str:
    """Base URL without a trailing slash, from an endpoint with or without `https://` and `/graphql`.

    Raises:
        SpaceliftRejectedError: not an endpoint, or plain http to another machine.
    """
    written = text.strip()
    try:
        url = httpx.URL(written if "://" in written else f"https://{written}")
    except httpx.InvalidURL as error:
        raise SpaceliftRejectedError(f"not a Spacelift endpoint, expected {_EXAMPLE}") from error
    if url.userinfo or url.query or url.fragment:
        # Not quoted: what stands there may be a password.
        raise SpaceliftRejectedError(
            f"the Spacelift endpoint of {url.host!r} has more than a host name, expected {_EXAMPLE}"
        )
    if not url.host or url.scheme not in ("https", "http"):
        raise SpaceliftRejectedError(f"{written!r} is not a Spacelift endpoint, expected {_EXAMPLE}")
    if url.path.rstrip("/") not in ("", "/graphql"):
        raise SpaceliftRejectedError(f"the Spacelift endpoint {written!r} has a path, expected {_EXAMPLE}")
    if url.scheme == "http" and not is_loopback(url.host):
        raise SpaceliftRejectedError(
            f"the Spacelift endpoint {written!r} is plain http, where others can read the token: use https"
        )
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses, where plain http stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def account_of_endpoint(endpoint: str) -> str:
    """The host name: the account's name in the warehouse unless one is configured."""
    return httpx.URL(normalise_endpoint(endpoint)).host


def endpoint_of_token(jwt: str) -> str:
    """Base URL from the token's `aud`, unverified: the server judges it, we only look where it belongs.

    Raises:
        SpaceliftRejectedError: the token is no JWT, or names not exactly one audience.
    """
    audience = _claims(jwt).get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str):
        raise SpaceliftRejectedError(
            "the Spacelift token does not name its account (claim `aud`): set the endpoint as well"
        )
    return normalise_endpoint(audience)


def expiry_of_token(jwt: str) -> float | None:
    """Unix seconds of the token's `exp`; None when the token does not state it."""
    try:
        expiry = _claims(jwt).get("exp")
    except SpaceliftRejectedError:
        return None
    return float(expiry) if isinstance(expiry, int | float) else None


def _claims(jwt: str) -> dict[str, Any]:
    parts = jwt.split(".")
    try:
        payload = parts[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, binascii.Error, ValueError):
        claims = None
    if not isinstance(claims, dict):
        # The cause would quote pieces of the token, so it is not chained.
        raise SpaceliftRejectedError("the Spacelift token is not a JWT: export it again") from None
    return claims
