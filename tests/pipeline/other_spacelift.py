"""A second Spacelift for tests, written apart from the demo's: other data, other spellings, signed tokens.

Its files are made here from plain lists, so a test can work out every figure from them by itself.
"""

import base64
import csv
import datetime as dt
import hashlib
import hmac
import io
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SIGNING_KEY = b"only in this test"
RUN_HEADER = (
    *(
        "run_ulid",
        "stack_ulid",
        "timestamp_unix",
        "state_duration_minutes",
        "run_state",
        "run_type",
        "public",
    ),
    *("stack_slug", "stack_name", "is_stack", "worker_pool_ulid", "worker_pool_name"),
)
WORKER_HEADER = ("TIMESTAMP_UNIX", "WORKER_POOL_NAME", "COUNT", "ID")
STATES = ("QUEUED", "READY", "PREPARING", "PLANNING", "UNCONFIRMED", "CONFIRMED", "APPLYING", "FINISHED")


def ulid(at: dt.datetime, *, number: int) -> str:
    """A ULID of that millisecond; `number` fills the random part."""
    value = (int(at.timestamp() * 1000) << 80) + number
    return "".join(ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(26)))


@dataclass
class Account:
    """The rows of both files, each a dictionary of the vendor's columns."""

    run_minutes: list[dict[str, Any]] = field(default_factory=list)
    worker_count: list[dict[str, Any]] = field(default_factory=list)


def made_up_account(*, first_day: dt.date, days: int, seed: int) -> Account:
    """Two private pools and public runs; nights, every fifth day and 29 February without any use."""
    dice = random.Random(seed)
    account = Account()
    start = dt.datetime.combine(first_day, dt.time(), dt.UTC)
    pools = [
        (name, ulid(start - dt.timedelta(days=90), number=number))
        for number, name in enumerate(("alpha", "b,ß"))
    ]
    stacks = [
        (f"stack {number}", f"stack-{number}", ulid(start - dt.timedelta(days=80), number=100 + number))
        for number in range(7)
    ]
    for day_number in range(days):
        day = start + dt.timedelta(days=day_number)
        if day_number % 5 == 4 or (day.month, day.day) == (2, 29):
            continue
        for hour in range(7, 20):
            at = int((day + dt.timedelta(hours=hour)).timestamp())
            for name, _ in pools:
                if workers := dice.choice((0, 1, 2, 3, 5, 8, 13)):
                    account.worker_count.append(
                        {"timestamp_unix": at, "worker_pool_name": name, "count": workers, "id": ""}
                    )
        for _ in range(dice.randint(1, 25)):
            created = day + dt.timedelta(seconds=dice.randint(0, 86_399))
            run = ulid(created, number=dice.getrandbits(80))
            stack_name, slug, stack = dice.choice(stacks)
            pool_name, pool = dice.choice([*pools, ("", "")])
            at = int(created.timestamp()) // 3600 * 3600
            for state in STATES[: dice.randint(2, len(STATES))]:
                account.run_minutes.append(
                    {
                        "timestamp_unix": at,
                        "state_duration_minutes": 0
                        if state == "FINISHED"
                        else dice.randint(1, 599_999) / 100_000,
                        "public": "false" if pool else "true",
                        "run_state": state,
                        "run_type": "PROPOSED",
                        "run_ulid": run,
                        "stack_name": stack_name,
                        "stack_slug": slug,
                        "stack_ulid": stack,
                        "is_stack": "true",
                        "worker_pool_name": pool_name,
                        "worker_pool_ulid": pool,
                    }
                )
                at += dice.choice((0, 0, 0, 3600, 90_000))
    return account


@contextmanager
def other_spacelift(account: Account) -> Iterator["OtherSpacelift"]:
    """Serve the account on loopback until the block ends."""
    server = OtherSpacelift(account)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class OtherSpacelift(ThreadingHTTPServer):
    """Counts what it was asked for; `failing_days` answer 503 (for ever) to requests that touch them."""

    def __init__(self, account: Account) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.account = account
        self.failing_days: set[dt.date] = set()
        self.requests: list[dict[str, str]] = []
        self.tokens_issued = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: OtherSpacelift

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/graphql" or body["variables"] != {"id": "key", "secret": "sesame"}:
            return self._answer(
                200, "application/json", json.dumps({"errors": [{"message": "unauthorized"}]})
            )
        self.server.tokens_issued += 1
        until = int(time.time()) + 600
        claims = base64.urlsafe_b64encode(json.dumps({"exp": until}).encode()).decode().rstrip("=")
        token = f"e30.{claims}.{_signature(claims)}"
        return self._answer(
            200, "application/json", json.dumps({"data": {"apiKeyUser": {"jwt": token, "validUntil": until}}})
        )

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path != "/usageanalytics/csv":
            return self._answer(404, "text/plain", "no such page")
        if not _is_ours(self.headers.get("Authorization", "")):
            return self._answer(401, "text/plain", "unauthorized")
        self.server.requests.append(query)
        since, until = dt.date.fromisoformat(query["since"]), dt.date.fromisoformat(query["until"])
        if any(since <= day < until for day in self.server.failing_days):
            return self._answer(503, "text/plain", "down for maintenance")
        first, last = (dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() for day in (since, until))
        is_runs = query["aspect"] == "run-minutes"
        rows = self.server.account.run_minutes if is_runs else self.server.account.worker_count
        text = io.StringIO()
        writer = csv.writer(text)
        header = RUN_HEADER if is_runs else WORKER_HEADER
        writer.writerow(header)
        # The bucket at midnight of `until` comes too, as the vendor probably sends it.
        for row in rows:
            if first <= row["timestamp_unix"] <= last:
                writer.writerow([row[name.lower()] for name in header])
        return self._answer(200, "text/csv; charset=utf-8", text.getvalue())

    def _answer(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


def _signature(claims: str) -> str:
    digest = hmac.new(SIGNING_KEY, claims.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _is_ours(authorization: str) -> bool:
    scheme, _, token = authorization.partition(" ")
    parts = token.split(".")
    return scheme == "Bearer" and len(parts) == 3 and hmac.compare_digest(_signature(parts[1]), parts[2])
