"""The demo account over HTTP: the endpoints that a real account has, on loopback only.

Here: `POST /graphql` (apiKeyUser, usage, workerPools), `GET /usageanalytics/csv`, and as a self-hosted one
`GET /selfhosted/metrics`, with the vendor's manners: bearer tokens, GraphQL errors with status 200, one line
of reason with 400. Not here: the data (account.py, self_hosted.py, vendor_figures.py), which tokens count
(token_desk.py).
Source: spacelift-io/spacectl, client/session/ and internal/cmd/profile/.
"""

import datetime as dt
import json
import secrets
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orchestration.demo.account import DemoRangeError, usage_csv
from orchestration.demo.self_hosted import usage_report
from orchestration.demo.token_desk import TokenDesk
from orchestration.demo.vendor_figures import vendor_figures
from orchestration.spacelift.aspects import ASPECTS, RUN_MINUTES

TOKEN_LIFE_SECONDS = 3600.0

_IDLE_SECONDS = 60
_QUESTION_BYTES_AT_MOST = 64 * 1024
_GZIP_WINDOW_BITS = 31
_FASTEST = 1


@dataclass(frozen=True)
class DemoServer:
    """Where the demo account answers, and the key it accepts; a new key for every start."""

    endpoint: str
    key_id: str
    key_secret: str = field(repr=False)


@contextmanager
def demo_server(port: int = 0, *, token_life_seconds: float = TOKEN_LIFE_SECONDS) -> Iterator[DemoServer]:
    """Serve the demo account from a thread of this process until the block ends; port 0 takes a free one."""
    http = _DemoHttpServer(("127.0.0.1", port), _Handler)
    http.desk = TokenDesk(
        endpoint=f"http://127.0.0.1:{http.server_port}",
        key_id="01DEMO",
        key_secret=secrets.token_hex(32),
        life_seconds=token_life_seconds,
    )
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield DemoServer(
            endpoint=http.desk.endpoint, key_id=http.desk.key_id, key_secret=http.desk.key_secret
        )
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _RefusedError(Exception):
    """The request gets this status and this one line."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _DemoHttpServer(ThreadingHTTPServer):
    daemon_threads = True
    desk: TokenDesk


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: _DemoHttpServer

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _QUESTION_BYTES_AT_MOST:
            self.close_connection = True
            self._send_text(400, "a GraphQL question of at most 64 KiB is expected")
            return
        question = self.rfile.read(int(length))
        if urlsplit(self.path).path != "/graphql":
            self._send_text(404, "not found")
            return
        self._send(200, json.dumps(self._graphql(question)).encode(), content_type="application/json")

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        try:
            if url.path not in ("/usageanalytics/csv", "/selfhosted/metrics"):
                raise _RefusedError(404, "not found")
            if not self.server.desk.accepts(self.headers.get("Authorization", "")):
                raise _RefusedError(401, "unauthorized")
            query = parse_qs(url.query, keep_blank_values=True)
            if url.path == "/selfhosted/metrics":
                self._send(200, _report(query), content_type="application/json")
                return
            blocks = _usage_blocks(query)
        except _RefusedError as refused:
            self._send_text(refused.status, refused.reason)
            return
        self._send_stream(blocks)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the pipeline's own output is what a person wants to see."""

    def _graphql(self, question: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(question)
            if "apiKeyUser" not in asked["query"]:
                return self._vendor_figures(asked["query"])
            variables = asked["variables"]
            user = self.server.desk.issue(key_id=variables["id"], key_secret=variables["secret"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"errors": [{"message": "not a GraphQL question with a query and variables"}]}
        return {"data": {"apiKeyUser": user}}

    def _vendor_figures(self, query: str) -> dict[str, Any]:
        figures = vendor_figures(query)
        if not figures:
            return {"errors": [{"message": "the demo account only knows apiKeyUser, usage and workerPools"}]}
        if not self.server.desk.accepts(self.headers.get("Authorization", "")):
            return {"data": None, "errors": [{"message": "unauthorized"}]}
        return {"data": figures}

    def _send_text(self, status: int, reason: str) -> None:
        self._send(status, f"{reason}\n".encode(), content_type="text/plain; charset=utf-8")

    def _send(self, status: int, body: bytes, *, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_stream(self, blocks: Iterator[bytes]) -> None:
        is_gzip = "gzip" in self.headers.get("Accept-Encoding", "")
        self.send_response(200)
        self.send_header("Content-Type", "text/csv; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        if is_gzip:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            for block in _gzipped(blocks) if is_gzip else blocks:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # Whoever asked has gone.


def _usage_blocks(query: dict[str, list[str]]) -> Iterator[bytes]:
    aspect = ASPECTS.get(_one(query, "aspect"))
    if aspect is None:
        raise _RefusedError(400, f"aspect must be one of {', '.join(ASPECTS)}")
    if "groupBy" in query:
        if aspect != RUN_MINUTES:
            raise _RefusedError(400, "groupBy is only for run-minutes")
        if _one(query, "groupBy") not in ("run-state", "run-type"):
            raise _RefusedError(400, "groupBy must be run-state or run-type")
    try:
        return usage_csv(aspect, since=_date(query, "since"), until=_date(query, "until"))
    except DemoRangeError as error:
        raise _RefusedError(400, str(error)) from error


def _report(query: dict[str, list[str]]) -> bytes:
    tables = [name for name in _one(query, "tables").split(",") if name]
    try:
        return usage_report(
            since=_midnight(query, "start_timestamp"),
            until=_midnight(query, "end_timestamp"),
            tables=tables or None,
        )
    except DemoRangeError as error:
        raise _RefusedError(400, str(error)) from error


def _midnight(query: dict[str, list[str]], name: str) -> dt.date:
    text = _one(query, name)
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) % 86_400 == 0):
        raise _RefusedError(400, f"{name} must be a midnight of UTC in Unix seconds")
    return dt.datetime.fromtimestamp(int(text), dt.UTC).date()


def _date(query: dict[str, list[str]], name: str) -> dt.date:
    text = _one(query, name)
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        date = None
    if date is None or date.isoformat() != text:
        raise _RefusedError(400, f"{name} must be a date, YYYY-MM-DD")
    return date


def _one(query: dict[str, list[str]], name: str) -> str:
    values = query.get(name, [])
    return values[0] if len(values) == 1 else ""


def _gzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_FASTEST, wbits=_GZIP_WINDOW_BITS)
    for block in blocks:
        packed = packer.compress(block)
        if packed:
            yield packed
    yield packer.flush()
