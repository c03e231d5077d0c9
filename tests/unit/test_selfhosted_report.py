"""The envelope of a report, and its files."""

import datetime as dt
import gzip
import json

import pytest

from orchestration.landing.errors import FileRefusedError
from orchestration.selfhosted.report import read_report
from orchestration.selfhosted.report_file import is_report_file, read_report_file

ENVELOPE = {
    "account": {"ulid": "01A", "license_id": "L"},
    "spacelift_version": "v3",
    "time_range": {"start": "2024-02-28T00:00:00Z", "end": "2024-03-01T00:00:00Z"},
    "metrics": {"logins": {"2024-02-29": [{"username": "ada"}]}},
}


def read(**changes):
    return read_report(json.dumps(ENVELOPE | changes).encode(), origin="it")


@pytest.mark.parametrize(
    ("start", "end", "since", "until"),
    [
        ("2024-02-28T00:00:00Z", "2024-03-01T00:00:00Z", "2024-02-28", "2024-03-01"),
        ("2024-02-28", "2024-02-29T23:59:59.999Z", "2024-02-28", "2024-03-01"),
        ("2024-02-28T01:00:00+01:00", 1709251200, "2024-02-28", "2024-03-01"),
        # Days that it tells only a part of are not covered.
        ("2024-02-27T08:00:00Z", "2024-03-01T15:00:00Z", "2024-02-28", "2024-03-01"),
    ],
)
def test_a_report_covers_the_whole_days_of_its_range(start, end, since, until):
    report = read(time_range={"start": start, "end": end})
    assert (str(report.since), str(report.until)) == (since, until)
    assert report.file_name == f"usage_data_{since}_{until}.json"
    assert [row.row for row in report.rows()] == [{"username": "ada"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"data": {"usage": 1}}', "is no usage report of a self-hosted instance.*this has data"),
        (b"[]", "this has list"),
        (b'{"account": {}, "time', "cut or damaged"),
        (b'{"account": NaN}', "cut or damaged"),
        (b"{" * 100_000, "cut or damaged"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(body, words):
    with pytest.raises(FileRefusedError, match=words) as refused:
        read_report(body, origin="it")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account": []}, "account is no JSON object"),
        ({"time_range": {"start": "2024-02-28"}}, "time_range.end is no time"),
        (
            {"time_range": {"start": "2024-02-28T01:00:00Z", "end": "2024-02-28T20:00:00Z"}},
            "no whole UTC day",
        ),
        ({"metrics": {"logins": [1]}}, "metrics.logins is no JSON object"),
        ({"metrics": {"logins": {"soon": []}}}, "has 'soon' for a day"),
        ({"metrics": {"logins": {"2024-02-29": ["ada"]}}}, "logins of 2024-02-29 is no list of rows"),
    ],
)
def test_an_envelope_with_something_else_in_it_is_refused_naming_it(changes, words):
    with pytest.raises(FileRefusedError, match=words):
        read(**changes)


def test_a_table_without_rows_has_come_and_one_that_is_missing_has_not():
    report = read(metrics={"logins": None, "heartbeats": {"2024-02-29": None}})
    assert report.tables == ["heartbeats", "logins"]
    assert list(report.rows()) == []


def test_a_report_is_known_by_its_first_character_plain_or_gzipped(tmp_path):
    body = b"\xef\xbb\xbf\n " + json.dumps(ENVELOPE).encode()
    for name, content in [("a.json", body), ("a.json.gz", gzip.compress(body))]:
        path = tmp_path / name
        path.write_bytes(content)
        assert is_report_file(path)
        report, read_body = read_report_file(path)
        assert (report.since, read_body) == (dt.date(2024, 2, 28), body)
    (tmp_path / "usage.csv").write_text("Id,Count\n")
    assert not is_report_file(tmp_path / "usage.csv")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(body)[:-9])
    with pytest.raises(FileRefusedError, match="gzip file is cut"):
        read_report_file(tmp_path / "cut.gz")
    packed = bytearray(gzip.compress(body * 100))
    packed[12:20] = b"\xff" * 8
    (tmp_path / "damaged.gz").write_bytes(packed)
    for read in (is_report_file, read_report_file):
        with pytest.raises(FileRefusedError, match=r"damaged\.gz: the gzip file is cut or damaged"):
            read(tmp_path / "damaged.gz")
    with pytest.raises(FileRefusedError, match="No such file"):
        is_report_file(tmp_path / "none.json")
