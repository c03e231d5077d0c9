"""The body of a usage file, passed on in blocks, and whether all of it came.

Here: decompression and every sign of a cut transfer. Not here: what the rows say (landing/usage_csv.py).

The HTTP library notices a connection that ends before the stated length or the last chunk. It does not
notice a gzip stream without its end, nor a server that ends the body in the middle of a row.

A body is complete when its framing is, and its last line ends with a newline. A last line without one is
accepted only when the server stated the length in advance, all of it came, and that line is whole by its
fields: a server that streams states no length, and one that fails while streaming ends its body as if
nothing had been.
"""

import csv
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain

import httpx
from isal import isal_zlib

from orchestration.spacelift.answers import error_of_transport, other_content
from orchestration.spacelift.aspects import Aspect, ColumnKind
from orchestration.spacelift.errors import NotUsageFileError, SpaceliftUnavailableError

BLOCK_BYTES = 256 * 1024
# The read timeout bounds one wait; this bounds their sum, so that a body that drips ends too.
WAITING_SECONDS_AT_MOST = 1800.0

# Of an answer that is no usage file; a login page has some kilobytes.
REFUSED_BYTES_AT_MOST = 4 * 2**20

# A line longer than this is not looked at to see whether it is whole.
_LINE_BYTES_AT_MOST = 64 * 1024
_GZIP_WINDOW_BITS = 31
_ULID_CHARACTERS = 26


def complete_body(
    response: httpx.Response,
    *,
    aspect: Aspect,
    asked: str,
    secrets: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """The decompressed body in blocks of about 256 KiB; ends without an error only if all of it came.

    `secrets` are taken out of a body that is refused, should the server repeat them.

    Raises:
        SpaceliftUnavailableError: the transfer was cut, by the network or by the server.
        NotUsageFileError: nothing came, or something that cannot be CSV.
    """
    host = response.request.url.host
    edges = _Edges()
    blocks = _in_blocks(received_body(response, asked=asked, secrets=secrets, clock=clock))
    other = other_content(response)
    for block in blocks:
        if edges.is_empty and block.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{", b"[")):
            other = other or "a web page or JSON"
        if other:
            blocks = chain([block], blocks)
            break
        edges.add(block)
        yield block
    if other:
        raise NotUsageFileError(
            f"Spacelift ({host}) answered {other} instead of CSV for {asked}; "
            "check the endpoint and the credentials",
            body=_refused_body(blocks, secrets=secrets),
        )
    states_length = "content-length" in response.headers and "transfer-encoding" not in response.headers
    if edges.is_empty:
        raise NotUsageFileError(
            f"Spacelift ({host}) answered {asked} with an empty body, without a header line", body=b""
        )
    if not edges.end_with_newline and not (states_length and edges.last_line_is_whole(aspect)):
        raise SpaceliftUnavailableError(
            f"the answer of Spacelift ({host}) for {asked} ends in the middle of a row"
        )


def received_body(
    response: httpx.Response,
    *,
    asked: str,
    secrets: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """The decompressed bytes as they come, whatever they are; ends without an error only if all were sent.

    A server that ends its body early by itself is not noticed here.

    Raises:
        SpaceliftUnavailableError: the transfer was cut, or took too long.
        NotUsageFileError: the body is encoded in a way that we did not ask for.
    """
    host = response.request.url.host
    received = _received(response, asked=asked, clock=clock)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _gunzipped(received, asked=asked, host=host)
    if encoding not in ("", "identity"):
        raise NotUsageFileError(
            f"Spacelift ({host}) encoded {asked} as {encoding!r}, which we did not accept",
            body=_refused_body(received, secrets=secrets),
        )
    return received


def without_secrets(body: bytes, secrets: Sequence[str]) -> bytes:
    """A body that is kept to be looked at, should the server have repeated what we sent it."""
    for secret in secrets:
        body = body.replace(secret.encode(), b"[secret]")
    return body


def _refused_body(blocks: Iterable[bytes], *, secrets: Sequence[str]) -> bytes:
    """What came of a body that is refused, up to a bound: it is kept to be looked at."""
    body = bytearray()
    # Refused it is, whole or cut.
    with suppress(SpaceliftUnavailableError):
        for block in blocks:
            body += block
            if len(body) >= REFUSED_BYTES_AT_MOST:
                break
    return without_secrets(bytes(body[:REFUSED_BYTES_AT_MOST]), secrets)


def _received(response: httpx.Response, *, asked: str, clock: Callable[[], float]) -> Iterator[bytes]:
    """The bytes as they are sent, after a check that all stated ones came."""
    host = response.request.url.host
    # Not `iter_raw()`, which refuses a body that a transport delivered in one piece.
    assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - tells the type checker
    chunks = iter(response.stream)
    received_bytes = 0
    waited_seconds = 0.0
    while True:
        asked_at = clock()
        try:
            chunk = next(chunks, None)
        except httpx.HTTPError as error:
            raise error_of_transport(error, asked=asked, host=host) from error
        # Only the network's time: whoever reads the blocks may be slow.
        waited_seconds += clock() - asked_at
        if waited_seconds > WAITING_SECONDS_AT_MOST:
            raise SpaceliftUnavailableError(
                f"Spacelift ({host}) took more than {WAITING_SECONDS_AT_MOST:.0f} s to send {asked}",
                window_may_be_too_long=True,
            )
        if chunk is None:
            break
        received_bytes += len(chunk)
        yield chunk
    stated = response.headers.get("content-length", "")
    if "transfer-encoding" in response.headers or not stated.isdigit():
        return
    if received_bytes != int(stated):
        raise SpaceliftUnavailableError(
            f"Spacelift ({host}) sent {received_bytes} of {stated} bytes for {asked}"
        )


def _gunzipped(chunks: Iterator[bytes], *, asked: str, host: str) -> Iterator[bytes]:
    """Decompressed in bounded steps, whatever a chunk swells to; several gzip members may follow."""
    decoder = isal_zlib.decompressobj(wbits=_GZIP_WINDOW_BITS)
    has_begun = False
    try:
        for chunk in chunks:
            has_begun = True
            rest = chunk
            while rest:
                if decoder.eof:
                    decoder = isal_zlib.decompressobj(wbits=_GZIP_WINDOW_BITS)
                block = decoder.decompress(rest, BLOCK_BYTES)
                if block:
                    yield block
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub says instance, not class
        raise SpaceliftUnavailableError(
            f"the gzip stream of Spacelift ({host}) for {asked} is damaged"
        ) from error
    if has_begun and not decoder.eof:
        raise SpaceliftUnavailableError(
            f"the gzip stream of Spacelift ({host}) for {asked} ends before its end"
        )


def _in_blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Small chunks gathered, so that the work per block stays small against the bytes in it."""
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


class _Edges:
    """The first and the last line of a body that passes by; long ones only in part."""

    def __init__(self) -> None:
        self.is_empty = True
        self._header = b""
        self._header_has_ended = False
        self._last_line = b""

    def add(self, block: bytes) -> None:
        self.is_empty = False
        if not self._header_has_ended:
            line, newline, _ = block.partition(b"\n")
            self._header = (self._header + line)[: _LINE_BYTES_AT_MOST + 1]
            self._header_has_ended = bool(newline)
        begin = block.rfind(b"\n") + 1
        last_line = block[begin:] if begin else self._last_line + block
        self._last_line = last_line[: _LINE_BYTES_AT_MOST + 1]

    @property
    def end_with_newline(self) -> bool:
        return not self._last_line

    def last_line_is_whole(self, aspect: Aspect) -> bool:
        """Whether the last line, which has no newline, has all its fields, the last one included."""
        kinds: dict[str, ColumnKind] = {_folded(column.name): column.kind for column in aspect.columns}
        names, fields = _fields(self._header), _fields(self._last_line)
        if not names or len(fields) != len(names):
            return False
        kind = kinds.get(_folded(names[-1]))
        if not self._header_has_ended:
            # The header alone: no known name is the beginning of another.
            return kind is not None
        return kind != "ulid" or len(fields[-1]) in (0, _ULID_CHARACTERS)


def _fields(line: bytes) -> list[str]:
    if len(line) > _LINE_BYTES_AT_MOST:
        return []
    try:
        return next(csv.reader([line.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
