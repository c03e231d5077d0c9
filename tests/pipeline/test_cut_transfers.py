"""Transfers cut on a real connection: each way in which a server can stop, as the client sees it."""

import datetime as dt
import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestration.spacelift.aspects import WORKER_COUNT
from orchestration.spacelift.auth import ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import SpaceliftUnavailableError

FILE = b"Id,Count,TimestampUnix,WorkerPoolName\n" + b"1,3,1709164800,private\n" * 1000
ZIPPED = gzip.compress(FILE)


def chunked(body: bytes, *, end: bytes = b"0\r\n\r\n", headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n%b\r\n" % headers
    return head + b"%x\r\n%b\r\n" % (len(body), body) + end


def plain(body: bytes, *, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n%b\r\n%b" % (headers, body)


GZIP = b"Content-Encoding: gzip\r\n"


@contextmanager
def server_sending(answer: bytes, *, reset: bool = False) -> Iterator[str]:
    """A server that reads one request, sends exactly these bytes, and closes or resets the connection."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        thread.join(timeout=10)
        listening.close()


def download(endpoint: str) -> bytes:
    day = dt.date(2024, 2, 29)
    with (
        SpaceliftClient(endpoint=endpoint, credentials=ReadyToken("a.b.c")) as client,
        client.open_usage_csv(WORKER_COUNT, since=day, until=day + dt.timedelta(days=1)) as blocks,
    ):
        return b"".join(blocks)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(chunked(FILE), id="chunked"),
        pytest.param(chunked(ZIPPED, headers=GZIP), id="chunked gzip"),
        pytest.param(plain(FILE, headers=b"Content-Length: %d\r\n" % len(FILE)), id="stated length"),
        pytest.param(plain(FILE), id="until close"),
    ],
)
def test_a_whole_transfer_arrives_however_it_is_framed(answer):
    with server_sending(answer) as endpoint:
        assert download(endpoint) == FILE


@pytest.mark.parametrize(
    ("answer", "reset"),
    [
        pytest.param(b"", False, id="closed before the answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-", False, id="closed in the headers"),
        pytest.param(chunked(FILE, end=b""), False, id="without the last chunk"),
        pytest.param(chunked(FILE, end=b""), True, id="reset"),
        pytest.param(chunked(FILE[:-4]), False, id="clean end in the middle of a row"),
        pytest.param(chunked(ZIPPED[:-4], headers=GZIP), False, id="clean end in the gzip stream"),
        pytest.param(plain(FILE, headers=b"Content-Length: 99999\r\n"), False, id="shorter than stated"),
        pytest.param(plain(FILE[:-4]), False, id="closed in the middle of a row"),
        pytest.param(plain(ZIPPED[:-9], headers=GZIP), False, id="closed in the gzip stream"),
    ],
)
def test_a_transfer_cut_on_the_wire_is_asked_for_again(answer, reset):
    with server_sending(answer, reset=reset) as endpoint, pytest.raises(SpaceliftUnavailableError):
        download(endpoint)
