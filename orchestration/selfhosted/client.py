"""Asking a self-hosted instance for its usage report.

Here: one request for some UTC days, and whether a report came. Not here: credentials and HTTPS
(spacelift/client.py), what a report holds (report.py).
Source: spacelift-io/self-hosted-usage-data-exporter, export.py and Readme.md.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from orchestration.landing.errors import FileRefusedError
from orchestration.selfhosted.report import DamagedReportError, Report, read_report
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import SpaceliftRejectedError, SpaceliftUnavailableError

# A week of a large instance has some tens of megabytes.
REPORT_BYTES_AT_MOST = 2**30
# A refused table is answered with the list of all that there are.
_QUOTED_CHARACTERS = 1500


class CutReportError(SpaceliftUnavailableError):
    """The transfer was whole, and the report in it is not: the server stopped while it wrote."""


def download_report(
    client: SpaceliftClient,
    *,
    since: dt.date,
    until: dt.date,
    tables: Sequence[str] = (),
    keep_refused: Callable[[bytes], object],
) -> tuple[Report, bytes]:
    """The report of the UTC days from `since` to `until` (exclusive), read, and byte for byte.

    Without `tables` the instance gives all that it has. `keep_refused` gets an answer that is no report.

    Raises:
        SpaceliftUnavailableError: asking again may help (no answer, 408, 429, 5xx, a cut transfer); a
            CutReportError when that is a matter of this report alone.
        SpaceliftRejectedError: asking again cannot help: refused, also for a table that the instance does
            not know (with its list of those that it does), or longer than REPORT_BYTES_AT_MOST.
        FileRefusedError: what came is no report, and no part of one.
    """
    asked = f"the usage report of {since} to {until - dt.timedelta(days=1)}"
    body = _body(client, since=since, until=until, tables=tables, asked=asked)
    try:
        return read_report(body, origin=asked), body
    except FileRefusedError as error:
        keep_refused(client.without_secrets(body))
        # Another beginning is a login page's, for which asking again is no help.
        if isinstance(error, DamagedReportError) and body.lstrip()[:1] in (b"", b"{"):
            raise CutReportError(str(error)) from error
        raise


def _body(
    client: SpaceliftClient, *, since: dt.date, until: dt.date, tables: Sequence[str], asked: str
) -> bytes:
    params = {"start_timestamp": _unix_seconds(since), "end_timestamp": _unix_seconds(until)}
    if tables:
        params["tables"] = ",".join(tables)
    body = bytearray()
    with client.open_json(
        "/selfhosted/metrics", params=params, asked=asked, quoted_characters=_QUOTED_CHARACTERS
    ) as blocks:
        for block in blocks:
            body += block
            if len(body) > REPORT_BYTES_AT_MOST:
                raise SpaceliftRejectedError(
                    f"{asked} is longer than {REPORT_BYTES_AT_MOST:,} bytes: ask for fewer days at once "
                    "(--batch-days) or fewer tables (--tables)"
                )
    return bytes(body)


def _unix_seconds(day: dt.date) -> str:
    return str(int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()))
