"""What the client makes of Spacelift's answers: a file, ask again, or asking again cannot help."""

import base64
import datetime as dt
import gzip
import json
import logging
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterator

import httpx
import pytest

from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect
from orchestration.spacelift.auth import ApiKey, ReadyToken
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import (
    NotUsageFileError,
    SpaceliftError,
    SpaceliftRejectedError,
    SpaceliftUnavailableError,
)
from orchestration.spacelift.transfer import WAITING_SECONDS_AT_MOST, complete_body

LEAP_DAY = dt.date(2024, 2, 29)
ENDPOINT = "https://example.app.spacelift.io"
SECRET = "s3cr3t-of-the-key"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"

WORKER_HEADER = b"Id,Count,TimestampUnix,WorkerPoolName\n"
WORKER_FILE = WORKER_HEADER + b"1,3,1709164800,private\n2,4,1709168400,private\n"
RUN_HEADER = (
    b"TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunUlid,"
    b"StackName,StackSlug,StackUlid,IsStack,WorkerPoolName,WorkerPoolUlid\n"
)
RUN_ROW = (
    b"1709164800,2.5,false,PLANNING,TRACKED,01HQSN4P000000000000000001,"
    b"api,api,01HQ000000000000000000000A,true,private,01HQ000000000000000000000P\n"
)

Answer = Callable[[httpx.Request], httpx.Response]


class Spacelift:
    """Stands in for the vendor; remembers what it was asked."""

    def __init__(self, usage: Answer, *, life_seconds: float = 3600, token: Answer | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self.tokens_issued = 0
        self._usage, self._token, self._life_seconds = usage, token, life_seconds

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path != "/graphql":
            return self._usage(request)
        if self._token is not None:
            return self._token(request)
        self.tokens_issued += 1
        user = {"jwt": f"{JWT}{self.tokens_issued}", "validUntil": int(time.time() + self._life_seconds)}
        return httpx.Response(200, json={"data": {"apiKeyUser": user}})

    def client(self, credentials: ApiKey | ReadyToken | None = None) -> SpaceliftClient:
        return SpaceliftClient(
            endpoint=ENDPOINT,
            credentials=credentials or ApiKey(id="01KEY", secret=SECRET),
            transport=httpx.MockTransport(self),
        )


def download(answer: Answer, *, aspect: Aspect = WORKER_COUNT) -> bytes:
    with Spacelift(answer).client() as client:
        return read_all(client, aspect=aspect)


def read_all(client: SpaceliftClient, *, aspect: Aspect = WORKER_COUNT) -> bytes:
    with client.open_usage_csv(aspect, since=LEAP_DAY, until=LEAP_DAY + dt.timedelta(days=1)) as blocks:
        return b"".join(blocks)


def answering(status: int = 200, body: bytes = WORKER_FILE, **headers: str) -> Answer:
    """An answer whose length is stated, as httpx does for bytes."""
    named = {"content-type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda request: httpx.Response(status, headers=named, content=body)


def streaming(*chunks: bytes, framed: bool = True, **headers: str) -> Answer:
    """An answer sent in chunks, or (not framed) until the connection closes."""

    def answer(request: httpx.Request) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if framed:
            named["transfer-encoding"] = "chunked"
        return httpx.Response(200, headers=named, stream=httpx.ByteStream(b"".join(chunks)))

    return answer


def failing(error: Exception) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def test_a_file_is_delivered_byte_for_byte():
    assert download(answering()) == WORKER_FILE


def test_days_without_use_are_an_answer():
    assert download(answering(body=WORKER_HEADER)) == WORKER_HEADER


@pytest.mark.parametrize(
    ("aspect", "query"),
    [
        pytest.param(RUN_MINUTES, {"aspect": "run-minutes", "groupBy": "run-state"}, id="run minutes"),
        pytest.param(WORKER_COUNT, {"aspect": "worker-count"}, id="worker count has no grouping"),
    ],
)
def test_the_request_names_utc_days_and_carries_the_token_in_a_header_only(aspect, query):
    spacelift = Spacelift(answering(body=RUN_HEADER))
    with spacelift.client() as client:
        read_all(client, aspect=aspect)
    exchange, usage = spacelift.asked
    assert str(exchange.url) == f"{ENDPOINT}/graphql"
    assert json.loads(exchange.content)["variables"] == {"id": "01KEY", "secret": SECRET}
    assert SECRET not in json.loads(exchange.content)["query"]
    assert usage.url.path == "/usageanalytics/csv"
    assert dict(usage.url.params) == {"since": "2024-02-29", "until": "2024-03-01", **query}
    assert usage.headers["authorization"] == f"Bearer {JWT}1"


@pytest.mark.parametrize(
    "content_type",
    ["text/csv; charset=utf-8", "application/csv", "TEXT/PLAIN", "application/octet-stream", ""],
)
def test_the_names_a_server_may_give_a_csv_are_accepted(content_type):
    assert download(answering(content_type=content_type)) == WORKER_FILE


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        pytest.param(answering(408), SpaceliftUnavailableError, "answered 408", id="408"),
        pytest.param(answering(429), SpaceliftUnavailableError, "answered 429", id="429"),
        pytest.param(answering(500), SpaceliftUnavailableError, "answered 500", id="500"),
        pytest.param(answering(503), SpaceliftUnavailableError, "answered 503", id="maintenance"),
        pytest.param(answering(204), SpaceliftRejectedError, "answered 204", id="no content"),
        pytest.param(
            answering(400, b"until is too\nlate", content_type="text/plain"),
            SpaceliftRejectedError,
            "until is too late",
            id="400 in the server's words",
        ),
        pytest.param(answering(401), SpaceliftRejectedError, "revoked", id="401 after renewal"),
        pytest.param(answering(403), SpaceliftRejectedError, "role", id="403"),
        pytest.param(answering(404), SpaceliftRejectedError, "self-hosted", id="404"),
        pytest.param(
            answering(302, location="https://login.example/sso?ticket=abc"),
            SpaceliftRejectedError,
            "redirect to https://login.example/sso; check the endpoint",
            id="redirect to the login",
        ),
        pytest.param(
            answering(body=b"<!DOCTYPE html><p>Log in", content_type="text/html"),
            NotUsageFileError,
            "web page",
            id="login page with status 200",
        ),
        pytest.param(
            answering(body=b"\xef\xbb\xbf \n<html>", content_type="text/csv"),
            NotUsageFileError,
            "web page or JSON",
            id="login page that calls itself CSV",
        ),
        pytest.param(
            answering(body=b'{"error": "x"}', content_type="application/json"),
            NotUsageFileError,
            "application/json",
            id="JSON with status 200",
        ),
        pytest.param(
            answering(body=b'{"error": "x"}'), NotUsageFileError, "JSON", id="JSON that calls itself CSV"
        ),
        pytest.param(
            answering(content_type="application/pdf"), NotUsageFileError, "pdf", id="wrong content type"
        ),
        pytest.param(answering(body=b""), NotUsageFileError, "empty body", id="empty body"),
        pytest.param(streaming(WORKER_FILE, content_encoding="br"), NotUsageFileError, "'br'", id="encoding"),
        pytest.param(
            failing(httpx.ConnectError("[Errno -2] Name or service not known")),
            SpaceliftUnavailableError,
            "Name or service not known",
            id="DNS failure",
        ),
        pytest.param(
            failing(httpx.ReadTimeout("")), SpaceliftUnavailableError, "in time", id="no answer in time"
        ),
        pytest.param(
            failing(httpx.ReadError("Connection reset by peer")),
            SpaceliftUnavailableError,
            "reset",
            id="connection reset",
        ),
        pytest.param(
            failing(httpx.LocalProtocolError(f"Illegal header value b'Bearer {JWT}'")),
            SpaceliftRejectedError,
            "not valid HTTP",
            id="a request that cannot be sent",
        ),
    ],
)
def test_every_other_answer_says_whether_to_ask_again(answer, error, words):
    with pytest.raises(SpaceliftError) as raised:
        download(answer)
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert "worker-count of 2024-02-29" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert JWT not in str(raised.value)


def test_a_certificate_that_is_not_trusted_asks_for_the_ca_not_for_patience():
    unknown_ca = httpx.ConnectError("certificate verify failed")
    unknown_ca.__cause__ = ssl.SSLCertVerificationError("unable to get local issuer certificate")
    with pytest.raises(SpaceliftRejectedError, match="SPACELIFT_CA_BUNDLE"):
        download(failing(unknown_ca))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 0.0, id="a date that has passed"),
        pytest.param("soon", None, id="not understood"),
        pytest.param("-5", None, id="negative"),
    ],
)
def test_the_wait_that_the_server_asks_for_is_passed_on(header, seconds):
    with pytest.raises(SpaceliftUnavailableError) as raised:
        download(answering(429, retry_after=header))
    assert raised.value.retry_after_seconds == seconds


def test_a_wait_until_a_date_is_counted_from_now():
    in_a_minute = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    with pytest.raises(SpaceliftUnavailableError) as raised:
        download(answering(503, retry_after=f"{in_a_minute:%a, %d %b %Y %H:%M:%S} GMT"))
    assert raised.value.retry_after_seconds == pytest.approx(60, abs=5)


ZIPPED = gzip.compress(WORKER_FILE * 2000)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(streaming(WORKER_FILE[:-5]), id="chunked, in the last row"),
        pytest.param(streaming(WORKER_FILE[:-1]), id="chunked, before the last newline"),
        pytest.param(streaming(WORKER_FILE[:-5], framed=False), id="until close, in the last row"),
        pytest.param(answering(body=WORKER_FILE[:-9]), id="length of the cut body, fields missing"),
        pytest.param(answering(body=WORKER_HEADER[:-5]), id="length of the cut body, in the header"),
        pytest.param(streaming(WORKER_FILE[:9], framed=False, content_length="90"), id="shorter than stated"),
        pytest.param(streaming(WORKER_FILE, framed=False, content_length="9"), id="longer than stated"),
        pytest.param(streaming(ZIPPED[:-1], content_encoding="gzip"), id="gzip without its last byte"),
        pytest.param(streaming(ZIPPED[:-9], content_encoding="gzip"), id="gzip without its trailer"),
        pytest.param(streaming(ZIPPED[:200], content_encoding="gzip"), id="gzip cut early"),
        pytest.param(streaming(ZIPPED[:1], content_encoding="gzip"), id="gzip of one byte"),
        pytest.param(
            streaming(ZIPPED[:99] + b"X" + ZIPPED[100:], content_encoding="gzip"), id="gzip damaged"
        ),
        pytest.param(
            streaming(gzip.compress(WORKER_FILE[:-5]), content_encoding="gzip"), id="whole gzip of a cut body"
        ),
    ],
)
def test_a_cut_transfer_is_never_taken_for_a_file(answer):
    with pytest.raises(SpaceliftUnavailableError):
        download(answer)


def test_a_pool_ulid_cut_short_is_seen_although_the_fields_are_all_there():
    with pytest.raises(SpaceliftUnavailableError, match="middle of a row"):
        download(answering(body=RUN_HEADER + RUN_ROW[:-4]), aspect=RUN_MINUTES)


@pytest.mark.parametrize(
    ("aspect", "body"),
    [
        pytest.param(WORKER_COUNT, WORKER_FILE.rstrip(), id="worker count"),
        pytest.param(WORKER_COUNT, WORKER_HEADER.rstrip(), id="header alone"),
        pytest.param(RUN_MINUTES, (RUN_HEADER + RUN_ROW).rstrip(), id="run minutes"),
    ],
)
def test_a_last_row_without_newline_is_whole_when_the_stated_length_came(aspect, body):
    assert download(answering(body=body), aspect=aspect) == body


@pytest.mark.parametrize(
    "body", [WORKER_FILE, WORKER_HEADER + b"1,3,1709164800,p\n" * 100_000], ids=["small", "large"]
)
def test_gzip_is_accepted_in_one_member_or_several(body):
    zipped = gzip.compress(body[:30]) + gzip.compress(body[30:])
    assert download(streaming(zipped, content_encoding="gzip")) == body


def test_memory_does_not_grow_with_the_file():
    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield WORKER_HEADER
            for _ in range(400):
                yield b"1,3,1709164800,private\n" * 2000

    answer = httpx.Response(200, headers={"transfer-encoding": "chunked"}, stream=Endless())
    with Spacelift(lambda request: answer).client() as client:
        tracemalloc.start()
        with client.open_usage_csv(WORKER_COUNT, since=LEAP_DAY, until=dt.date(2024, 3, 31)) as blocks:
            size = sum(len(block) for block in blocks)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 18_000_000
    assert peak < 3_000_000


def test_a_body_that_drips_is_given_up():
    ticks = iter(range(0, 10**9, 1000))
    answer = streaming(b"x")(httpx.Request("GET", ENDPOINT))
    answer.request = httpx.Request("GET", ENDPOINT)
    with pytest.raises(SpaceliftUnavailableError, match=f"more than {WAITING_SECONDS_AT_MOST:.0f} s"):
        list(complete_body(answer, aspect=WORKER_COUNT, asked="it", clock=lambda: float(next(ticks))))


def test_a_token_is_used_until_shortly_before_its_end():
    lasting, ending = Spacelift(answering()), Spacelift(answering(), life_seconds=29)
    for spacelift in (lasting, ending):
        with spacelift.client() as client:
            read_all(client)
            read_all(client)
    assert (lasting.tokens_issued, ending.tokens_issued) == (1, 2)


def test_a_refused_token_is_renewed_once_and_the_file_comes():
    def only_the_second_token(request: httpx.Request) -> httpx.Response:
        return answering(200 if request.headers["authorization"].endswith("2") else 401)(request)

    spacelift = Spacelift(only_the_second_token)
    with spacelift.client() as client:
        assert read_all(client) == WORKER_FILE
    assert spacelift.tokens_issued == 2


def test_a_token_refused_again_after_renewal_is_final():
    spacelift = Spacelift(answering(401))
    with spacelift.client() as client, pytest.raises(SpaceliftRejectedError, match="401"):
        read_all(client)
    assert [request.url.path for request in spacelift.asked].count("/usageanalytics/csv") == 2


def test_a_ready_token_is_sent_as_it_is_and_never_renewed():
    spacelift = Spacelift(answering(401))
    with spacelift.client(ReadyToken(JWT)) as client, pytest.raises(SpaceliftRejectedError, match="401"):
        read_all(client)
    assert [request.headers["authorization"] for request in spacelift.asked] == [f"Bearer {JWT}"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        pytest.param(
            answering(body=b'{"data": {"apiKeyUser": null}}', content_type="application/json"),
            SpaceliftRejectedError,
            "refused the API key 01KEY",
            id="unknown key",
        ),
        pytest.param(
            answering(body=json.dumps({"errors": [{"message": f"no\nkey {SECRET}"}]}).encode()),
            SpaceliftRejectedError,
            "refused the API key 01KEY (no key [secret])",
            id="errors inside status 200",
        ),
        pytest.param(
            answering(body=b"<html>"), SpaceliftRejectedError, "check the endpoint", id="a web page"
        ),
        pytest.param(answering(body=b"[" * 100_000), SpaceliftRejectedError, "GraphQL", id="deep nesting"),
        pytest.param(
            answering(body=b'{"data": {"apiKe', content_type="application/json"),
            SpaceliftUnavailableError,
            "cut",
            id="cut JSON",
        ),
        pytest.param(
            answering(body=b'{"data": {"apiKeyUser": {"jwt": "a\\nb", "validUntil": 1}}}'),
            SpaceliftRejectedError,
            "no token has",
            id="a token that cannot be sent",
        ),
        pytest.param(answering(body=b" " * 2_000_000), SpaceliftRejectedError, "too long", id="endless"),
        pytest.param(answering(404), SpaceliftRejectedError, "404", id="no GraphQL there"),
        pytest.param(answering(302, location="/login"), SpaceliftRejectedError, "redirect", id="redirect"),
        pytest.param(answering(429, retry_after="7"), SpaceliftUnavailableError, "429", id="too many"),
        pytest.param(answering(502), SpaceliftUnavailableError, "502", id="gateway"),
        pytest.param(failing(httpx.ConnectTimeout("")), SpaceliftUnavailableError, "in time", id="silence"),
    ],
)
def test_a_key_that_gets_no_token_says_whether_to_ask_again(answer, error, words):
    with (
        Spacelift(answering(), token=answer).client() as client,
        pytest.raises(SpaceliftError) as raised,
    ):
        client.verify_credentials()
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_secret_is_shown_when_the_server_repeats_it(caplog):
    caplog.set_level(logging.DEBUG)

    def repeating(request: httpx.Request) -> httpx.Response:
        told = f"bad {request.headers['authorization']}, {SECRET}, another: eyJhbGciOi.eyJhIjox.xyz"
        return httpx.Response(400, text=told)

    spacelift = Spacelift(repeating)
    with spacelift.client() as client, pytest.raises(SpaceliftRejectedError) as raised:
        read_all(client)
    seen = (
        f"{raised.value!r} {raised.value} {ApiKey(id='a', secret=SECRET)!r} {ReadyToken(JWT)!r} {caplog.text}"
    )
    assert "bad Bearer [secret], [secret], another: [token]" in str(raised.value)
    assert SECRET not in seen
    assert JWT not in seen


def test_a_token_with_a_line_end_is_refused_without_quoting_it():
    with (
        Spacelift(answering()).client(ReadyToken(f"{JWT}\n")) as client,
        pytest.raises(SpaceliftRejectedError) as raised,
    ):
        read_all(client)
    assert "line ends" in str(raised.value)
    assert JWT not in str(raised.value)


def test_a_ready_token_that_has_ended_is_told_before_it_is_used():
    claims = base64.urlsafe_b64encode(b'{"exp": 1709164800}').decode()
    with (
        Spacelift(answering()).client(ReadyToken(f"e30.{claims}.x")) as client,
        pytest.raises(SpaceliftRejectedError, match="ended at 2024-02-29 00:00 UTC"),
    ):
        client.verify_credentials()


def test_a_ca_file_that_is_none_is_named(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(SpaceliftRejectedError, match=r"SPACELIFT_CA_BUNDLE: .*ca\.pem"):
        SpaceliftClient(endpoint=ENDPOINT, credentials=ReadyToken(JWT), ca_bundle=tmp_path / "ca.pem")
