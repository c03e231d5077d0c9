"""A server on loopback that speaks as much of Elasticsearch as the export needs, and fails as it is told.

The answers have the form of Elastic's documentation of _bulk and _delete_by_query.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Elasticsearch(ThreadingHTTPServer):
    """Keeps documents by id; `refusals` are statuses of the next _bulk, for all of it or for single items.

    `gate` sees every request first: what it returns is the answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.documents: dict[str, dict[str, Any]] = {}
        self.mappings: dict[str, Any] = {}
        self.authorizations: set[str] = set()
        self.sent: list[int] = []
        self.refusals: list[int | dict[int, int]] = []
        self.index_exists = False
        self.gate: Callable[[Handler], tuple[int, Any] | None] = lambda handler: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def bulk(self, lines: list[bytes]) -> tuple[int, dict[str, Any]]:
        refused = self.refusals.pop(0) if self.refusals else {}
        self.sent.append(len(lines) // 2)
        if isinstance(refused, int):
            return refused, {"error": {"reason": "no"}}
        items = []
        for number, (action, source) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
            id_, document = json.loads(action)["index"]["_id"], json.loads(source)
            unknown = set(document) - set(self.mappings["properties"])
            status = refused.get(number, 400 if unknown else 201)
            item: dict[str, Any] = {"_id": id_, "status": status}
            if status == 201:
                self.documents[id_] = document
            else:
                item["error"] = {"type": "refused", "reason": f"unknown {unknown}"}
            items.append({"index": item})
        return 200, {"errors": any("error" in item["index"] for item in items), "items": items}

    def delete(self, query: dict[str, Any]) -> int:
        """Only the one form of query that the export sends."""
        times = query["bool"]["filter"][1]["range"]["@timestamp"]
        keep = query["bool"]["must_not"][0]["term"]["exported_at"]
        stale = [
            id_
            for id_, document in self.documents.items()
            if times["gte"] <= document["@timestamp"] < times["lt"] and document["exported_at"] != keep
        ]
        for id_ in stale:
            del self.documents[id_]
        return len(stale)


class Handler(BaseHTTPRequestHandler):
    server: Elasticsearch
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = {"cluster_name": "demo-cluster", "version": {"number": "8.15.2"}}
        self._answer(*((200, name) if self.path == "/" else (404, {})))

    def do_HEAD(self) -> None:
        self._answer(200 if self.server.index_exists else 404, None)

    def do_PUT(self) -> None:
        body = self._body()
        if self.path.startswith("/_index_template/"):
            self.server.mappings = json.loads(body)["template"]["mappings"]
        elif not self.path.endswith("/_mapping"):
            self.server.index_exists = True
        self._answer(200, {"acknowledged": True})

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/_bulk"):
            assert self.headers["Content-Type"] == "application/x-ndjson"
            self._answer(*self.server.bulk(body.splitlines()))
        elif "/_delete_by_query" in self.path:
            deleted = self.server.delete(json.loads(body)["query"])
            self._answer(200, {"deleted": deleted, "failures": []})
        else:
            self._answer(200, {})

    def log_message(self, *arguments: object) -> None:
        """Silent."""

    def _body(self) -> bytes:
        self.server.authorizations.add(self.headers["Authorization"])
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def _answer(self, status: int, answer: Any) -> None:
        status, answer = self.server.gate(self) or (status, answer)
        no_body = answer is None or self.command == "HEAD"
        body = b"" if no_body else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def listening_elasticsearch() -> Iterator[Elasticsearch]:
    with Elasticsearch() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
