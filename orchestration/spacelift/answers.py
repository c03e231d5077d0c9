"""What an answer of Spacelift means: ask again, or a person has to change something.

Here: statuses, transport failures and content types sorted into the two errors of errors.py, and what of an
answer may be quoted. Not here: whether a body is complete (transfer.py), asking again (assets/).
"""

import datetime as dt
import re
import ssl
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import httpx

from orchestration.spacelift.errors import SpaceliftError, SpaceliftRejectedError, SpaceliftUnavailableError

# A server may name the file any of these; none at all is fine too, the first bytes are looked at anyway.
CSV_CONTENT_TYPES = frozenset({"", "text/csv", "application/csv", "text/plain", "application/octet-stream"})

QUOTED_CHARACTERS = 200
_READ_OF_AN_ERROR_BYTES = 4096
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_ASK_AGAIN = frozenset({408, 429})
# A server or gateway that ran out of time, or does not take this request as it is.
_MAY_BE_TOO_LONG = frozenset({400, 408, 413, 414, 422, 504})
_HINTS = {
    401: "the API key or token is wrong, revoked or expired",
    403: "the API key may lack the role (admin) that the usage page needs",
    404: "check the endpoint; a self-hosted Spacelift may not have this export: try spacelift-usage report",
}


def error_of_status(
    response: httpx.Response,
    *,
    asked: str,
    secrets: Sequence[str],
    quoted_characters: int = QUOTED_CHARACTERS,
) -> SpaceliftError:
    """The error for an answer other than 200; reads a little of its body for the server's own words."""
    status = response.status_code
    host = response.request.url.host
    message = f"Spacelift ({host}) answered {status} for {asked}"
    if 300 <= status < 400:
        target = _without_query(response.headers.get("location", ""))
        return SpaceliftRejectedError(f"{message}: redirect to {target or 'nowhere'}; check the endpoint")
    words = _words_of(response, secrets=secrets, at_most=quoted_characters)
    if words:
        message = f"{message}: {words}"
    if status in _ASK_AGAIN or status >= 500:
        return SpaceliftUnavailableError(
            message,
            retry_after_seconds=retry_after_seconds(response, now=dt.datetime.now(dt.UTC)),
            is_throttled=status == 429,
            window_may_be_too_long=status in _MAY_BE_TOO_LONG,
        )
    hint = _HINTS.get(status)
    return SpaceliftRejectedError(
        f"{message} ({hint})" if hint else message, window_may_be_too_long=status in _MAY_BE_TOO_LONG
    )


def error_of_transport(error: httpx.HTTPError, *, asked: str, host: str) -> SpaceliftError:
    """The error for an answer that did not come, or stopped coming."""
    if isinstance(error, httpx.LocalProtocolError):
        # Its text may quote a header of ours.
        return SpaceliftRejectedError(f"the request to Spacelift ({host}) for {asked} is not valid HTTP")
    words = one_line(str(error)) or type(error).__name__
    certificate_refused = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))
    if certificate_refused:
        return SpaceliftRejectedError(
            f"the certificate of {host} is not trusted: {words}; a private CA goes into SPACELIFT_CA_BUNDLE"
        )
    if isinstance(error, httpx.UnsupportedProtocol):
        return SpaceliftRejectedError(f"Spacelift ({host}) cannot be asked for {asked}: {words}")
    if isinstance(error, httpx.TimeoutException):
        return SpaceliftUnavailableError(
            f"Spacelift ({host}) did not answer in time for {asked} ({type(error).__name__})",
            # Only the wait for its answer grows with the days; no connection in time is another matter.
            window_may_be_too_long=isinstance(error, httpx.ReadTimeout),
        )
    return SpaceliftUnavailableError(f"no complete answer from Spacelift ({host}) for {asked}: {words}")


def other_content(response: httpx.Response) -> str | None:
    """What a 200 calls itself in its headers when that is no CSV file; None when it can be one."""
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in CSV_CONTENT_TYPES:
        return None
    return "a web page, probably the login," if "html" in content_type else one_line(content_type)


def retry_after_seconds(response: httpx.Response, *, now: dt.datetime) -> float | None:
    """The `Retry-After` header, stated as seconds or as a date; None when absent or not understood."""
    stated = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", stated, re.ASCII):
        return float(stated)
    try:
        date = parsedate_to_datetime(stated)
    except (ValueError, TypeError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=dt.UTC)
    return max(0.0, (date - now).total_seconds())


def one_line(text: str, *, secrets: Sequence[str] = (), at_most: int = QUOTED_CHARACTERS) -> str:
    """Printable, on one line, short, and without secrets or anything that looks like a token."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    text = _JWT.sub("[token]", text)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= at_most else f"{text[:at_most]}…"


def _words_of(response: httpx.Response, *, secrets: Sequence[str], at_most: int) -> str:
    """What the server says about its refusal; empty for pages, whose words do not fit on a line."""
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in {"", "text/plain", "application/json", "application/problem+json"}:
        return ""
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) >= _READ_OF_AN_ERROR_BYTES:
                break
    except httpx.HTTPError:
        pass  # The status alone says enough.
    text = bytes(body[:_READ_OF_AN_ERROR_BYTES]).decode("utf-8", errors="replace")
    return "" if text.lstrip().startswith("<") else one_line(text, secrets=secrets, at_most=at_most)


def _without_query(location: str) -> str:
    """A redirect's target without what may be a ticket in its query."""
    return one_line(location.partition("?")[0].partition("#")[0].rpartition("@")[2])


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in causes:
        causes.append(step)
        step = step.__cause__ or step.__context__
    return causes
