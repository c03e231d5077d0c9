"""A report to Spacelift: on request only, and never twice by itself.

Here: whether, the upload URL, and the PUT. Not here: what was sent (upload_ledger.py), who may ask (assets/).
Source: spacelift-io/self-hosted-usage-data-exporter, export.py: the object key and its two words for what an
account does not tell, and the answer `{URL, Headers}`. The public API takes no credentials; whoever has the
upload URL may write there, so it is in no message.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg

from orchestration.landing.archive import Archive
from orchestration.selfhosted.ingest import LandedReport
from orchestration.selfhosted.upload_ledger import begin, end, sent_before
from orchestration.spacelift.answers import one_line
from orchestration.spacelift.client import trust
from orchestration.spacelift.endpoint import is_loopback
from orchestration.spacelift.errors import SpaceliftRejectedError

_TIMEOUT = httpx.Timeout(connect=10.0, read=120.0, write=120.0, pool=10.0)
_ANSWER_BYTES_AT_MOST = 64 * 1024
_ONE_DAY = dt.timedelta(days=1)


class UploadError(Exception):
    """The report was not sent, or (`may_have_arrived`) nobody knows. One line, without the upload URL."""

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class DaysSentError(UploadError):
    """Some of the report's days were sent before and others were not, so it was not sent."""


def object_key(report: LandedReport) -> str:
    """Where the vendor's own script puts this report."""
    account, license_id = report.account_ulid or "unknown_ulid", report.license_id or "unknown_license_id"
    return f"{account}/{license_id}/{report.file_name}"


def what_would_be_sent(landed: LandedReport, *, public_api: str) -> str:
    """The upload in one line, for a person who wants to see before sending."""
    tables = ", ".join(f"{table} {count}" for table, count in landed.rows.items())
    return (
        f"{object_key(landed)} to {public_api}: {landed.archived.bytes:,} bytes, SHA-256 "
        f"{landed.archived.sha256}, the file {landed.archived.uri}; rows: {tables or 'none'}"
    )


def send_report(
    landed: LandedReport,
    *,
    public_api: str,
    ca_bundle: Path | None,
    archive: Archive,
    connection: psycopg.Connection,
    run_id: str | None,
    again: bool = False,
) -> str:
    """Send it unless its days were sent before, and note that; returns what was done in one line.

    Days count, however they were cut into reports: Spacelift bills by them. The connection must have no
    transaction open.

    Raises:
        DaysSentError: some of its days were sent before.
        UploadError: it was refused, or the answer did not come.
        ArchiveError: it is not in the archive as it was landed; nothing was sent.
    """
    key = object_key(landed)
    before = [] if again else sent_before(connection, landed.days)
    if before:
        told = ", ".join(str(sent) for sent in before)
        left = [day for day in landed.days if not any(sent.since <= day < sent.until for sent in before)]
        if not left:
            return f"not sent again, {told}; --again sends it: {key}"
        raise DaysSentError(
            f"{told}; send the days that are left by themselves ({_spans(left)}), or all of it "
            f"with --again: {key}"
        )
    body = archive.report_body(landed.archived)
    upload_id = begin(connection, landed, key=key, public_api=public_api, run_id=run_id)
    try:
        with _http(public_api, ca_bundle=ca_bundle) as http:
            url, headers = _upload_url(http, public_api=public_api, key=key)
            _put(http, url, headers=headers, body=body, key=key)
    except UploadError as error:
        end(connection, upload_id, "unknown" if error.may_have_arrived else "failed", error=str(error))
        raise
    end(connection, upload_id, "sent")
    return f"sent: {key}, {landed.archived.bytes:,} bytes"


def unreachable(public_api: str, *, ca_bundle: Path | None) -> str | None:
    """Why the public API does not answer from here, in one line; None when it does, whatever it says."""
    host = httpx.URL(public_api).host
    try:
        with _http(public_api, ca_bundle=ca_bundle) as http:
            http.get(public_api)
    except httpx.HTTPError as error:
        return f"{host} does not answer: {_words(error)}"
    except SpaceliftRejectedError as error:
        return str(error)
    return None


def _http(public_api: str, *, ca_bundle: Path | None) -> httpx.Client:
    return httpx.Client(
        verify=trust(ca_bundle),
        timeout=_TIMEOUT,
        follow_redirects=False,
        # A proxy of the environment must not see what is meant for this machine.
        trust_env=not is_loopback(httpx.URL(public_api).host),
    )


def _upload_url(http: httpx.Client, *, public_api: str, key: str) -> tuple[httpx.URL, Mapping[str, str]]:
    host = httpx.URL(public_api).host
    try:
        response = http.get(f"{public_api}/selfhosted/metrics/upload_url", params={"object_key": key})
    except httpx.HTTPError as error:
        raise UploadError(f"{host} gave no upload URL for {key}: {_words(error)}") from error
    if response.status_code != 200:
        raise UploadError(
            f"{host} answered {response.status_code} to the wish to send {key}{_said(response)}"
        )
    try:
        told: Any = response.json() if len(response.content) <= _ANSWER_BYTES_AT_MOST else None
    except ValueError:
        told = None
    url, headers = (told.get("URL"), told.get("Headers") or {}) if isinstance(told, dict) else (None, None)
    if (
        not isinstance(url, str)
        or not isinstance(headers, dict)
        or not all(_is_header(text) for header in headers.items() for text in header)
    ):
        raise UploadError(f"{host} answered without an upload URL and headers for {key}: nothing was sent")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and is_loopback(parsed.host)):
        raise UploadError(f"the upload URL that {host} gave for {key} is not https://: nothing was sent")
    return parsed, headers


def _is_header(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()


def _put(http: httpx.Client, url: httpx.URL, *, headers: Mapping[str, str], body: bytes, key: str) -> None:
    try:
        response = http.put(url, headers={"Content-Type": "application/json", **headers}, content=body)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise UploadError(f"{url.host} did not take {key}: {_words(error)}") from error
    except httpx.HTTPError as error:
        raise UploadError(
            f"{url.host} did not say whether it took {key}: {_words(error)}", may_have_arrived=True
        ) from error
    if response.is_server_error:
        # It may have failed after it had kept the object.
        raise UploadError(
            f"{url.host} answered {response.status_code} to {key}: it may have arrived{_said(response)}",
            may_have_arrived=True,
        )
    if not response.is_success:
        raise UploadError(f"{url.host} answered {response.status_code} to {key}{_said(response)}")


def _said(response: httpx.Response) -> str:
    """The server's words, where they fit on a line."""
    words = one_line(response.text[:4096])
    return f": {words}" if words and not words.startswith("<") else ""


def _words(error: httpx.HTTPError) -> str:
    return one_line(str(error)) or type(error).__name__


def _spans(days: Sequence[dt.date]) -> str:
    """Days in order as spans, both ends included."""
    first = [day for day in days if day - _ONE_DAY not in days]
    last = [day for day in days if day + _ONE_DAY not in days]
    return ", ".join(f"{begin} to {end}" for begin, end in zip(first, last, strict=True))
