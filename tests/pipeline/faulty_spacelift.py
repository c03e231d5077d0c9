"""A Spacelift on loopback that can be told to misbehave, request by request.

Here: a real HTTP server with one small account, and the faults it can answer with. A fault is a function that
gets the request's handler and the body that would have been right, and writes to the socket what it likes.
"""

import contextlib
import datetime as dt
import gzip
import json
import math
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT

KEY_ID = "01FAULTY"
KEY_SECRET = "secret-of-the-faulty-account"
TOKEN_SECRET = "signature-of-the-faulty-account"
# Any three days; those of a leap year catch more.
DAYS = (dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2024, 3, 1))
# Of every hour of every day; enough that one bad row a day is less than one in a hundred.
ROWS_AN_HOUR = 5
ROWS_A_DAY = 24 * ROWS_AN_HOUR
HEADERS = {
    RUN_MINUTES.name: (
        "TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunULID,StackName,StackSlug,StackULID,"
        "IsStack,WorkerPoolName,WorkerPoolULID\n"
    ),
    WORKER_COUNT.name: "Id,Count,TimestampUnix,WorkerPoolName\n",
}
_ULID = "01HMSGMXD0000000000000000"

Fault = Callable[["Handler", bytes], None]


def rows(aspect: str, *, since: dt.date, until: dt.date) -> str:
    """The account's rows of the UTC days from `since` to `until` (exclusive)."""
    first, end = (int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) for day in (since, until))
    if aspect == WORKER_COUNT.name:
        return "".join(
            f"{number},{number + 1},{at},pool {number}\n"
            for at in range(first, end, 3600)
            for number in range(ROWS_AN_HOUR)
        )
    return "".join(
        f"{at},{number + 0.25},false,PLANNING,TRACKED,{_ULID}{number},api,api,{_ULID}A,true,pool,{_ULID}P\n"
        for at in range(first, end, 3600)
        for number in range(ROWS_AN_HOUR)
    )


def file_of(aspect: str, *, since: dt.date, until: dt.date) -> bytes:
    """The usage file as it should be."""
    return (HEADERS[aspect] + rows(aspect, since=since, until=until)).encode()


class FaultySpacelift(ThreadingHTTPServer):
    """Answers rightly, unless a request for usage touches a (aspect, day) for which faults are left."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.faults: dict[tuple[str, dt.date], list[Fault]] = {}
        # Of answers to the exchange of the key for a token.
        self.exchange_faults: list[Fault] = []
        self.requests: list[tuple[str, dt.date, dt.date]] = []
        self.exchanges = 0
        # Tokens that the key still gets; then it is revoked.
        self.exchanges_left = math.inf
        # Requests that the first token is good for; later ones last.
        self.first_token_lasts = math.inf
        self.is_over = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server_port}"

    @property
    def token(self) -> str:
        """The token that counts: the last one issued."""
        return f"eyJmYXVsdHk.eyJmYXVsdHk.{TOKEN_SECRET}-{self.exchanges}"

    def asked_for(self, aspect: str) -> list[tuple[dt.date, dt.date]]:
        return [(since, until) for asked, since, until in self.requests if asked == aspect]


@contextmanager
def faulty_spacelift(tls: ssl.SSLContext | None = None) -> Iterator[FaultySpacelift]:
    """Serve until the block ends; with TLS under the certificate that the context holds."""
    server = FaultySpacelift(tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultySpacelift

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "apiKeyUser" not in question["query"]:
            complaint = f"not for {self.headers['Authorization']}, nor for {KEY_SECRET}"
            body = json.dumps({"errors": [{"message": complaint}]}).encode()
            return self.answer(body, content_type="application/json")
        is_ours = question["variables"] == {"id": KEY_ID, "secret": KEY_SECRET}
        if not is_ours or not self.server.exchanges_left:
            return self.answer(b'{"data": {"apiKeyUser": null}}', content_type="application/json")
        self.server.exchanges_left -= 1
        self.server.exchanges += 1
        user = {"jwt": self.server.token, "validUntil": int(time.time()) + 3600}
        body = json.dumps({"data": {"apiKeyUser": user}}).encode()
        if self.server.exchange_faults:
            return self.server.exchange_faults.pop(0)(self, body)
        return self.answer(body, content_type="application/json")

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        since, until = dt.date.fromisoformat(query["since"]), dt.date.fromisoformat(query["until"])
        self.server.requests.append((query["aspect"], since, until))
        if not self._token_counts():
            return self.answer(b"unauthorized", status=401, content_type="text/plain")
        body = file_of(query["aspect"], since=since, until=until)
        for (aspect, day), faults in self.server.faults.items():
            if aspect == query["aspect"] and since <= day < until and faults:
                return faults.pop(0)(self, body)
        return self.answer(body)

    def answer(
        self, body: bytes, *, status: int = 200, content_type: str = "text/csv", **headers: str
    ) -> None:
        """A whole answer of a stated length."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin_chunks(self, **headers: str) -> None:
        """The head of an answer of unknown length."""
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        """One piece of it; an empty one is the clean end."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection, or break it."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _token_counts(self) -> bool:
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return False
        return self.server.exchanges > 1 or len(self.server.requests) <= self.server.first_token_lasts


# ---------- faults


def status(code: int, body: bytes = b"", *, content_type: str = "text/plain", **headers: str) -> Fault:
    """This status and nothing worth landing."""
    return lambda handler, right: handler.answer(body, status=code, content_type=content_type, **headers)


def answer(body: bytes, *, content_type: str = "text/csv") -> Fault:
    """Status 200 and this body, whatever was asked for."""
    return lambda handler, right: handler.answer(body, content_type=content_type)


def silence(handler: Handler, right: bytes) -> None:
    """The request is taken and never answered."""
    handler.server.is_over.wait(timeout=30)
    handler.hang_up()


def reset(handler: Handler, right: bytes) -> None:
    """The connection breaks in the middle of the file."""
    handler.begin_chunks()
    handler.chunk(right[: len(right) // 2])
    handler.hang_up(reset=True)


def drip(handler: Handler, right: bytes) -> None:
    """A byte now and then, each in time for the read timeout, for as long as anyone listens."""
    handler.begin_chunks()
    with contextlib.suppress(OSError):
        for number in range(len(right)):
            handler.chunk(right[number : number + 1])
            if handler.server.is_over.wait(timeout=0.02):
                break
    handler.hang_up()


def cut(handler: Handler, right: bytes) -> None:
    """Half of the stated length."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/csv")
    handler.send_header("Content-Length", str(len(right)))
    handler.end_headers()
    handler.wfile.write(right[: len(right) // 2])
    handler.hang_up()


def cut_in_a_row(handler: Handler, right: bytes) -> None:
    """A clean end, in the middle of the last row."""
    handler.begin_chunks()
    handler.chunk(right[:-9])
    handler.chunk(b"")


def cut_in_gzip(handler: Handler, right: bytes) -> None:
    """A clean end, before the gzip stream's own."""
    handler.begin_chunks(Content_Encoding="gzip")
    handler.chunk(gzip.compress(right)[:-9])
    handler.chunk(b"")
