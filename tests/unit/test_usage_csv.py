"""What becomes of every line of a usage file: landed, outside the days, or bad with a reason."""

import datetime as dt
import itertools
import re
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.landing.errors import FileRefusedError, HeaderError
from orchestration.landing.usage_csv import BadRow, GoodRows, UsageCsv
from orchestration.landing.usage_header import read_header
from orchestration.landing.usage_rows import fast_line_with_any_time, judge, split_record
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT, Aspect

LEAP_DAY = dt.date(2024, 2, 29)
MARCH = dt.date(2024, 3, 1)
MIDNIGHT = 1_709_164_800
ULID = "01JHFXXPDC6J8XM2VB0M9CS338"
HEADER = (
    "TimestampUnix,StateDurationMinutes,Public,RunState,RunType,RunULID,StackName,StackSlug,StackULID,"
    "IsStack,WorkerPoolName,WorkerPoolULID\n"
)
GOOD = {
    "timestamp_unix": str(MIDNIGHT),
    "state_duration_minutes": "12.5",
    "public": "false",
    "run_state": "PLANNING",
    "run_type": "TRACKED",
    "run_ulid": ULID,
    "stack_name": "Network",
    "stack_slug": "network",
    "stack_ulid": ULID,
    "is_stack": "true",
    "worker_pool_name": "pool",
    "worker_pool_ulid": ULID,
}
ROW = ",".join(GOOD.values())
WORKERS = "Id,Count,TimestampUnix,WorkerPoolName\n"


def row(**values: str) -> str:
    return ",".join((GOOD | values).values())


def read(
    body: str | bytes | Iterable[bytes],
    *,
    aspect: Aspect = RUN_MINUTES,
    since: dt.date = LEAP_DAY,
    until: dt.date = MARCH,
) -> tuple[UsageCsv, list[GoodRows], list[BadRow]]:
    if isinstance(body, str):
        body = body.encode()
    blocks = [body] if isinstance(body, bytes) else body
    usage = UsageCsv(blocks, aspect=aspect, since=since, until=until, origin="file.csv")
    parts = list(usage)
    return (
        usage,
        [part for part in parts if isinstance(part, GoodRows)],
        [part for part in parts if isinstance(part, BadRow)],
    )


def landed(good: list[GoodRows]) -> bytes:
    return b"".join(rows.data for rows in good)


# ---------- header


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(HEADER, id="as documented"),
        pytest.param(",".join(GOOD) + "\n", id="as the columns of the table"),
        pytest.param(HEADER.lower(), id="lower case"),
        pytest.param("\ufeff" + HEADER, id="byte order mark"),
        pytest.param(HEADER.replace("RunULID", '"Run Ulid"'), id="quoted, with a space"),
        pytest.param(HEADER.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(",".join(f"field {'abcdefghijkl'[n]}" for n in range(12)) + "\n", id="no name known"),
        pytest.param(HEADER.replace("RunULID", "RunId"), id="one name unknown, the others in their places"),
    ],
)
def test_a_header_is_matched_by_name_however_spelled_or_else_by_position(header):
    layout = read_header(header.encode(), aspect=RUN_MINUTES, origin="file.csv")
    assert layout.columns == RUN_MINUTES.columns


def test_columns_may_stand_in_any_order_and_unknown_ones_are_named():
    layout = read_header(b"worker_pool_name,Region,COUNT,TIMESTAMP_UNIX", aspect=WORKER_COUNT, origin="f")
    assert [column.name for column in layout.columns] == ["worker_pool_name", "count", "timestamp_unix"]
    assert layout.unknown_fields == ("Region",)
    assert layout.fields_by_position == ()


def test_a_name_taken_for_a_column_because_of_its_place_is_named():
    layout = read_header(b"Id,Workers,TimestampUnix,WorkerPoolName\n", aspect=WORKER_COUNT, origin="f")
    assert layout.fields_by_position == ("count from 'Workers'",)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        pytest.param(HEADER.replace("RunULID,", ""), "no column run_ulid in the header", id="missing"),
        pytest.param(
            HEADER.replace("RunULID,StackName", "StackName,Other"),
            "no column run_ulid in the header",
            id="missing, with another column in another place",
        ),
        pytest.param(HEADER.replace("RunType", "run_ulid"), "run_ulid stands twice", id="twice"),
        pytest.param(ROW + "\n", "has no header line", id="no header"),
        pytest.param(WORKERS, "a run-minutes file has timestamp_unix, ", id="the other aspect"),
        pytest.param("<!DOCTYPE html><html>\n", "no column timestamp_unix, ", id="a web page"),
        pytest.param("", "is empty", id="empty"),
        pytest.param("\n", "no column", id="an empty line"),
        pytest.param("x" * 1_000_000, "no column", id="no line end"),
    ],
)
def test_another_header_is_refused_in_one_line_that_says_what_is_wrong(header, words):
    with pytest.raises(HeaderError, match=words) as raised:
        read(header)
    message = str(raised.value)
    assert message.startswith("file.csv: ")
    assert len(message) < 700
    assert "\n" not in message


# ---------- rows


@pytest.mark.parametrize(
    "values",
    [
        *({"public": value} for value in ("true", "FALSE", "True", "t", "F", "0", "1")),
        *(
            {"state_duration_minutes": value}
            for value in ("0", "12", "12.5", "1e-3", "1E+2", "75.25", "999999")
        ),
        {"stack_name": '"a ""quoted"", name"'},
        {"stack_name": '"' + "x" * 254 + '"""'},
        {"stack_name": "ü" * 127},
        # All but what ends a field, and every byte that UTF-8 has beyond ASCII.
        {"stack_name": "".join(chr(code) for code in range(1, 128) if chr(code) not in '",\r\n')},
        {"stack_name": '"' + "".join(chr(code) for code in range(1, 128) if chr(code) not in '"\r\n') + '"'},
        {"stack_name": "".join(map(chr, range(0x80, 0xC0)))},
        {
            "stack_name": "".join(
                chr(code) for code in (*range(0xC0, 0x800, 64), 0x800, *range(0x1000, 0xD000, 4096))
            )
        },
        {"stack_name": "\ue000\uf000\U00010000\U00040000\U00080000\U000c0000\U00100000"},
        {"worker_pool_name": "", "worker_pool_ulid": ""},
    ],
    ids=lambda values: str(values)[:50],
)
def test_the_spellings_we_expect_pass_at_full_speed_and_untouched(values):
    usage, good, bad = read(HEADER + row(**values) + "\n")
    assert bad == []
    assert landed(good) == row(**values).encode() + b"\n"
    assert usage.rows_read_slowly.total() == 0


@pytest.mark.parametrize(
    "values",
    [
        {"run_ulid": ULID.lower()},
        {"stack_name": "ü" * 255},
        {"stack_name": '"two\nlines"'},
        {"stack_name": '"two\r\nlines"'},
        {"stack_name": '"two ""\nlines"'},
        *({"state_duration_minutes": value} for value in (".5", "999999999.5", "9.9e8", "0e12")),
        {"timestamp_unix": f'"{MIDNIGHT}"'},
        {"public": '"true"'},
        {"public": "yes"},
    ],
    ids=lambda values: str(values)[:50],
)
def test_rarer_spellings_that_postgres_reads_alike_land_too(values):
    usage, good, bad = read(HEADER + row(**values) + "\n")
    assert bad == []
    assert landed(good) == row(**values).encode() + b"\n"
    assert usage.rows_read_slowly.total() == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(state_duration_minutes="-1"), "state_duration_minutes: '-1' is negative"),
        (row(state_duration_minutes="many"), "state_duration_minutes: 'many' is not a number"),
        (row(state_duration_minutes="NaN"), "state_duration_minutes: 'NaN' is not a number"),
        (row(state_duration_minutes="1e400"), "state_duration_minutes: '1e400' is out of range"),
        (row(state_duration_minutes="1e-400"), "state_duration_minutes: '1e-400' is out of range"),
        *(
            (row(state_duration_minutes=value), f"state_duration_minutes: '{value}' is not below 1000000000")
            for value in ("1000000000", "307445734561825860", "1e12", "1.5E+9", "999999999.99999999999")
        ),
        (
            row(timestamp_unix="1709164800000"),
            "timestamp_unix: '1709164800000' is not a time in Unix seconds",
        ),
        (row(timestamp_unix="9223372036"), "timestamp_unix: '9223372036' is not a time in Unix seconds"),
        (row(timestamp_unix=""), "timestamp_unix: is empty"),
        (row(public="maybe"), "public: 'maybe' is not true or false"),
        (row(run_ulid="8" + ULID[1:]), f"run_ulid: '8{ULID[1:]}' is not a ULID"),
        (row(stack_ulid=ULID[:-1] + "U"), f"stack_ulid: '{ULID[:-1]}U' is not a ULID"),
        (row(worker_pool_ulid=ULID[1:]), f"worker_pool_ulid: '{ULID[1:]}' is not a ULID"),
        (row(run_state=""), "run_state: is empty"),
        (row(run_state='""'), "run_state: is empty"),
        (row(stack_name="x" * 256), "stack_name: 256 characters, at most 255 fit: 'xxx"),
        (row(stack_name="a\x00b"), "stack_name: has a NUL byte"),
        (row(stack_name='a"b'), "stack_name: text after a closing quote, or a quote inside plain text"),
        (row(stack_name='"a"b'), "stack_name: text after a closing quote, or a quote inside plain text"),
        (row(stack_name='"a'), "stack_name: a quote is opened and never closed"),
        (ROW + ",more", "more than 12 fields"),
        ("short", "1 fields instead of 12"),
        ("", "an empty line between rows"),
        ("x" * 70_000, "70000 bytes, a row has at most 65536"),
    ],
    ids=lambda value: value[:60],
)
def test_a_bad_row_is_kept_whole_with_its_line_and_a_reason_and_its_neighbours_land(line, reason):
    _, good, (bad,) = read(f"{HEADER}{ROW}\n{line}\n{ROW}\n")
    assert bad.reason.startswith(reason)
    assert (bad.day, bad.line_number) == (LEAP_DAY, 3)
    assert bad.raw_line == line.replace("\x00", "\\x00")
    assert landed(good) == f"{ROW}\n{ROW}\n".encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x,3,1709164800,pool", "id: 'x' is not a whole number"),
        ("1,-3,1709164800,pool", "count: '-3' is not between 0 and 2147483647"),
        ("1,2147483648,1709164800,pool", "count: '2147483648' is not between 0 and 2147483647"),
        ("1,3.0,1709164800,pool", "count: '3.0' is not a whole number"),
    ],
)
def test_a_worker_count_that_postgres_could_not_hold_is_bad(line, reason):
    _, _, (bad,) = read(WORKERS + line, aspect=WORKER_COUNT)
    assert bad.reason == reason


def test_bytes_that_are_no_text_are_kept_as_escapes():
    line = ROW.encode().replace(b"Network", b"Netw\xf6rk")
    _, good, (bad,) = read(HEADER.encode() + line + b"\n" + ROW.encode() + b"\n")
    assert bad.reason == "stack_name: is not UTF-8 at byte 5: 'Netw\\\\xf6rk'"
    assert bad.raw_line == ROW.replace("Network", "Netw\\xf6rk")
    assert landed(good) == ROW.encode() + b"\n"


def test_a_quote_that_is_never_closed_costs_one_line_only():
    rows = [row(stack_name=f"number {number}") + "\n" for number in range(2_000)]
    rows[7] = row(stack_name='"open') + "\n"
    _, good, (bad,) = read(HEADER + "".join(rows))
    assert bad.line_number == 9
    assert sum(part.count for part in good) == 1_999


def test_a_row_with_line_ends_inside_a_value_is_one_row_and_later_lines_keep_their_numbers():
    usage, good, (bad,) = read(HEADER + row(stack_name='"a\n\nb"') + "\nbad\n")
    assert sum(part.count for part in good) == 1
    assert bad.line_number == 5
    assert (usage.lines, usage.continuation_lines) == (4, 2)


def test_line_ends_that_differ_from_the_header_are_made_alike_because_copy_refuses_a_mixture():
    _, good, bad = read(HEADER.replace("\n", "\r\n") + ROW + "\r\n" + ROW + "\n" + ROW + "\r\n")
    assert bad == []
    assert landed(good) == (ROW + "\r\n").encode() * 3


def test_empty_lines_at_the_end_and_a_missing_last_line_end_are_no_rows():
    usage, good, bad = read(HEADER + ROW + "\n\n\r\n")
    assert (sum(part.count for part in good), bad, usage.blank_lines_at_end) == (1, [], 2)
    _, good, bad = read(HEADER + ROW)
    assert (landed(good), bad) == (ROW.encode() + b"\n", [])


def test_rows_go_to_their_utc_day_and_those_outside_are_counted():
    before, first, last, after = (
        row(timestamp_unix=str(MIDNIGHT + seconds)) for seconds in (-1, 0, 2 * 86_400 - 1, 2 * 86_400)
    )
    outside_and_bad = row(timestamp_unix=str(MIDNIGHT - 1), public="?")
    usage, good, bad = read(
        HEADER + "\n".join([after, last, before, first, outside_and_bad, after]) + "\n",
        until=dt.date(2024, 3, 2),
    )
    assert [(part.day, part.count) for part in good] == [(MARCH, 1), (LEAP_DAY, 1)]
    assert (usage.rows_before, usage.rows_after, bad) == (2, 2, [])


def test_a_bad_row_without_a_time_counts_to_the_day_of_the_row_before_it():
    march = row(timestamp_unix=str(MIDNIGHT + 86_400))
    _, _, bad = read(HEADER + f"bad\n{march}\nbad\n", until=dt.date(2024, 3, 2))
    assert [part.day for part in bad] == [LEAP_DAY, MARCH]


def test_fields_that_we_do_not_know_are_left_out_of_every_row():
    names, values = HEADER.rstrip().split(","), ROW.split(",")
    for position in (0, 5, 14):
        names.insert(position, f"New{position}")
        values.insert(position, '"x, ""y"""')
    _, good, bad = read(",".join(names) + "\n" + (",".join(values) + "\n") * 2 + ",".join(values) + "\r\n")
    assert (landed(good), bad) == (f"{ROW}\n".encode() * 3, [])


def test_a_line_that_never_ends_is_refused_and_not_gathered(monkeypatch):
    monkeypatch.setattr("orchestration.landing.usage_csv.MAX_LINE_BYTES", 100_000)
    for body in (b"x" * 1_000_000, b"x" * 1_000_000 + b"\n"):
        with pytest.raises(FileRefusedError, match=r"file\.csv: line 3 is longer than 100000 bytes"):
            read(HEADER.encode() + ROW.encode() + b"\n" + body)


# ---------- for any bytes

HOSTILE_LINES = st.one_of(
    st.sampled_from(
        [
            ROW.encode(),
            row(timestamp_unix=str(MIDNIGHT + 86_400)).encode(),
            row(timestamp_unix=str(MIDNIGHT - 7)).encode(),
            row(stack_name='"a\nb"').encode(),
            row(stack_name='"open').encode(),
            row(stack_name='close"').encode(),
            row(stack_name='"é, ""x"""').encode(),
            row(worker_pool_ulid='""').encode(),
            row(stack_name="x" * 300).encode(),
            ROW.encode().replace(b"Network", b"\xff\x00"),
            b"",
            b"\r",
            b'"',
            b'""",',
        ]
    ),
    st.binary(max_size=40),
    st.text(alphabet='",\r\n019aZ', max_size=40).map(str.encode),
)


@given(
    lines=st.lists(HOSTILE_LINES, max_size=12),
    ends=st.sampled_from([b"\n", b"\r\n"]),
    cuts=st.lists(st.integers(0, 2_000), max_size=6),
    block_bytes=st.integers(1, 500),
    record_bytes=st.sampled_from([200, 65_536]),
)
@example(
    lines=[row(stack_name='"a\nb"').encode(), ROW.encode()],
    ends=b"\n",
    cuts=list(range(600)),
    block_bytes=1,
    record_bytes=200,
)
def test_every_line_is_landed_outside_or_bad_whatever_the_bytes_and_the_blocks(
    lines, ends, cuts, block_bytes, record_bytes
):
    body = HEADER.encode() + b"".join(line + ends for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestration.landing.usage_csv.MAX_RECORD_BYTES", record_bytes)
        whole, good, bad = read(body)
        outside = whole.rows_before + whole.rows_after
        landed_rows = sum(part.count for part in good)
        data_lines = body.removeprefix(HEADER.encode())
        counted = landed_rows + outside + len(bad) + whole.continuation_lines + whole.blank_lines_at_end
        assert whole.lines == counted == data_lines.count(b"\n")
        assert all("\x00" not in part.raw_line + part.reason for part in bad)

        patch.setattr("orchestration.landing.usage_csv.BLOCK_BYTES", block_bytes)
        edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
        pieces = [body[start:stop] for start, stop in itertools.pairwise(edges)]
        again, good_again, bad_again = read(pieces)
        assert (landed(good_again), bad_again) == (landed(good), bad)
        assert (again.lines, again.rows_before, again.rows_after) == (
            whole.lines,
            whole.rows_before,
            whole.rows_after,
        )


@given(
    field=st.text(alphabet='",\r\n 0123456789.eE+-tTfFrRuUaAlLsSüÜ\x00', max_size=12)
    | st.from_regex(re.compile(r"[0-7][0-9A-Z]{25}"), fullmatch=True)
    | st.floats().map(str),
    position=st.integers(0, 11),
)
def test_what_the_fast_expression_passes_the_slow_judgement_passes_too(field, position):
    layout = read_header(HEADER.encode(), aspect=RUN_MINUTES, origin="f")
    fields = list(GOOD.values())
    fields[position] = field
    line = ",".join(fields).encode() + b"\n"
    match = fast_line_with_any_time(layout).match(line)
    if match and match.end() == len(line):
        record = split_record(line, start=0, stop=len(line) - 1, layout=layout)
        assert judge(record, layout=layout) is None
