"""A coverage-guided fuzzer over the reader of usage files and the matcher of headers: `make soak-inputs`.

Each input is a file, a way to cut it into blocks, and a window of days. Whatever the bytes: every line under
the header is landed, quarantined or outside the window, once, or the file is refused in one line; what is
landed is well-formed CSV of the right day; and the blocks in which a file comes change nothing.

Not part of the default suite, which has the same properties over a few hundred inputs
(unit/test_usage_csv.py). Needs the extra `soak`. Arguments are libFuzzer's, for example `-runs=1000000`.
"""

import csv
import datetime as dt
import io
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["orchestration.landing"]):
    from orchestration.landing import usage_csv
    from orchestration.landing.errors import FileRefusedError
    from orchestration.landing.usage_csv import BadRow, GoodRows, UsageCsv

from orchestration.spacelift.aspects import ASPECTS, Aspect

LEAP_DAY = dt.date(2024, 2, 29)
MIDNIGHT = 1_709_164_800
REPORTED_EVERY = 100_000
_ULID = "01JHFXXPDC6J8XM2VB0M9CS338"
_EXAMPLES = {
    "run-minutes": (
        f"{MIDNIGHT},12.5,false,PLANNING,TRACKED,{_ULID},Network,network,{_ULID},true,pool,{_ULID}\n"
        f'{MIDNIGHT + 90_000},1e-3,TRUE,READY,,{_ULID.lower()},"a\nb ""c""",n,{_ULID},0,"",\n'
        f"{MIDNIGHT - 7},-1,maybe,,T,8{_ULID},\x00,\xff,{_ULID},1,p,\n"
    ),
    "worker-count": f'1,3,{MIDNIGHT},pool\n,+4,{MIDNIGHT + 3600},"a, ""b"""\r\n\nx,-1,9223372036,"open\n',
}
_WORDS = [
    '"',
    '""',
    ",",
    "\r\n",
    "\n\n",
    "\x00",
    "\ufeff",
    _ULID,
    str(MIDNIGHT),
    "1e400",
    "true",
    "TimestampUnix",
]

done: Counter[str] = Counter()
started_at = time.monotonic()


def headers(aspect: Aspect) -> list[bytes]:
    """Ways to begin a file; the last is none of ours, so the input's own first line is the header."""
    names = ",".join(column.name for column in aspect.columns)
    backwards = ",".join(column.name.upper() for column in reversed(aspect.columns))
    return [
        names.encode() + b"\n",
        names.encode() + b"\r\n",
        b"\xef\xbb\xbf" + names.title().replace("_", "").encode() + b"\n",
        f'"New, ""one""",{backwards}\n'.encode(),
        b"",
    ]


def try_input(data: bytes) -> None:
    """The first three bytes say which file, window and blocks; the others are the file."""
    if len(data) < 3:
        return
    aspect = list(ASPECTS.values())[data[0] % 2]
    beginnings = headers(aspect)
    body = beginnings[data[0] // 2 % len(beginnings)] + data[3:]
    until = LEAP_DAY + dt.timedelta(days=1 + data[1] % 2)
    whole = outcome([body], aspect=aspect, until=until, counts=done)
    size = 1 + data[2] * 8
    usage_csv.BLOCK_BYTES = size
    blocks = [body[start : start + size] for start in range(0, len(body), size)]
    in_blocks = outcome(blocks, aspect=aspect, until=until, counts=Counter())
    usage_csv.BLOCK_BYTES = 262_144
    assert in_blocks == whole, f"blocks of {size} bytes read otherwise: {in_blocks} != {whole}"
    report()


def outcome(blocks: list[bytes], *, aspect: Aspect, until: dt.date, counts: Counter[str]) -> object:
    """What became of a file: the refusal, or its landed bytes, bad rows and counts, checked one by one."""
    try:
        usage = UsageCsv(blocks, aspect=aspect, since=LEAP_DAY, until=until, origin="file.csv")
        parts = list(usage)
    except FileRefusedError as error:
        counts["files refused"] += 1
        return refusal(str(error))
    good = [part for part in parts if isinstance(part, GoodRows)]
    bad = [part for part in parts if isinstance(part, BadRow)]
    landed, outside = sum(part.count for part in good), usage.rows_before + usage.rows_after
    accounted_for = landed + outside + len(bad) + usage.continuation_lines + usage.blank_lines_at_end
    assert usage.lines_received == usage.lines == accounted_for, (usage.lines_received, usage.lines, parts)
    body = b"".join(blocks)
    under_header = body.partition(b"\n")[2]
    assert usage.lines == under_header.count(b"\n") + (under_header[-1:] not in (b"\n", b""))
    for part in good:
        assert part.count == sum(1 for _ in well_formed(part, usage=usage))
    for row in bad:
        assert row.reason
        assert "\x00" not in row.raw_line + row.reason
        assert LEAP_DAY <= row.day < until
    counts.update({"rows landed": landed, "outside": outside, "quarantined": len(bad), "files read": 1})
    landed_by_day: defaultdict[dt.date, bytes] = defaultdict(bytes)
    for part in good:
        landed_by_day[part.day] += part.data
    return landed_by_day, bad, usage.lines, outside


def refusal(words: str) -> str:
    """One line of bounded length, whatever the file holds."""
    assert "\n" not in words
    assert len(words) < 1_000
    return words


def well_formed(rows: GoodRows, *, usage: UsageCsv) -> Iterator[list[str]]:
    """The rows of a block that is to be landed, each with all its columns and a time of its day."""
    names = [column.name for column in usage.layout.columns]
    first = int(dt.datetime.combine(rows.day, dt.time(), dt.UTC).timestamp())
    for fields in csv.reader(io.StringIO(rows.data.decode("utf-8", "strict"), newline=""), strict=True):
        assert len(fields) == len(names), fields
        assert first <= int(fields[names.index("timestamp_unix")]) < first + 86_400
        yield fields


def report() -> None:
    """Figures now and then: libFuzzer ends the process itself."""
    done["inputs"] += 1
    if done["inputs"] % REPORTED_EVERY == 0:
        seconds = time.monotonic() - started_at
        figures = ", ".join(f"{count:,} {name}" for name, count in done.items() if name != "inputs")
        sys.stdout.write(f"{done['inputs']:,} inputs in {seconds:,.0f} s: {figures}\n")
        sys.stdout.flush()


def escaped(word: str) -> str:
    """A word as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def main() -> None:
    """Fuzz from a small corpus of its own, which is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="soak-inputs-"))
    for number, (name, rows) in enumerate(_EXAMPLES.items()):
        for kind in range(len(headers(ASPECTS[name]))):
            header = headers(ASPECTS[name])[0] if kind == len(headers(ASPECTS[name])) - 1 else b""
            seed = bytes([kind * 2 + number, kind, 9]) + header + rows.encode("utf-8", "surrogateescape")
            (folder / f"{name}-{kind}").write_bytes(seed)
    words = folder.with_suffix(".dict")
    words.write_text(
        "".join('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n' for word in _WORDS)
    )
    atheris.Setup([*sys.argv, f"-dict={words}", str(folder)], try_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
