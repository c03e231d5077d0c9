"""A stand-in of Spacelift's public API and its storage on loopback, which keeps what it is sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TICKET = "the-signature-of-the-upload-url"


class PublicApi(ThreadingHTTPServer):
    """`objects` are what was put, with its headers; `upload_url` is told instead of our own storage."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: list[tuple[str, dict[str, str], bytes]] = []
        self.upload_url: str | None = None
        self.status = 200
        self.drops_the_answer = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: PublicApi

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/selfhosted/metrics/upload_url":
            self._send(404, b"not found")
            return
        (key,) = parse_qs(url.query)["object_key"]
        upload_url = self.server.upload_url or f"{self.server.url}/storage/{key}?ticket={TICKET}"
        self._send(200, json.dumps({"URL": upload_url, "Headers": {"x-kms": "aws:kms"}}).encode())

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            key = urlsplit(self.path).path.removeprefix("/storage/")
            self.server.objects.append((key, dict(self.headers), body))
        if self.server.drops_the_answer:
            self.close_connection = True
            return
        self._send(self.server.status, b"the ticket has ended")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@contextmanager
def listening_public_api() -> Iterator[PublicApi]:
    with PublicApi() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
