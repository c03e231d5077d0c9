"""The FOCUS mart as CSV: exact text for every type, whole or not there."""

import csv
import datetime as dt
import io
import stat

import psycopg
import pytest

from orchestration.exports.focus import ExportError, write_focus_file, write_focus_rows, written


@pytest.fixture
def mart(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("create schema marts")
    connection.execute(
        'create table marts.focus_cost_and_usage ("BilledCost" numeric(18, 6),'
        ' "ChargePeriodStart" timestamptz, "ConsumedQuantity" double precision, "Tags" jsonb,'
        ' "ResourceName" text, x_usage_date date, x_is_idle boolean, contract_id text)'
    )
    connection.execute(
        "insert into marts.focus_cost_and_usage values"
        " (-12.5, '2026-03-01 01:00+02', 1e-7,"
        "  '{\"team\": \"=a\", \"n\": 1.10}', 'api, \"v2\"', '2024-02-29', true, 'acme'),"
        " (10000000000, '2026-02-01', 1e21, null, null, null, null, 'acme')"
    )
    connection.commit()
    return connection


def rows(connection: psycopg.Connection) -> list[list[str]]:
    text = io.StringIO(newline="")
    write_focus_rows(connection, text)
    return list(csv.reader(io.StringIO(text.getvalue(), newline="")))


def test_every_type_is_written_as_focus_wants_it(mart):
    assert rows(mart) == [
        [
            "BilledCost",
            "ChargePeriodStart",
            "ConsumedQuantity",
            "Tags",
            "ResourceName",
            "x_usage_date",
            "x_is_idle",
        ],
        ["10000000000.000000", "2026-02-01T00:00:00Z", "1000000000000000000000", "", "", "", ""],
        [
            *("-12.500000", "2026-02-28T23:00:00Z", "0.0000001", '{"n": 1.10, "team": "=a"}', 'api, "v2"'),
            *("2024-02-29", "true"),
        ],
    ]


def test_a_time_of_another_zone_is_written_in_utc():
    berlin = dt.timezone(dt.timedelta(hours=2))
    assert written(dt.datetime(2026, 7, 1, 1, 30, tzinfo=berlin)) == "2026-06-30T23:30:00Z"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum(a)", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_defused(mart, name):
    mart.execute('update marts.focus_cost_and_usage set "ResourceName" = %s', [name])
    mart.commit()
    assert {row[4] for row in rows(mart)[1:]} == {f"'{name}"}


def test_the_file_is_replaced_at_the_end_and_can_be_read_by_others(mart, tmp_path):
    path = tmp_path / "focus.csv"
    path.write_text("before")
    assert write_focus_file(mart, path) == 2
    assert path.read_text().startswith("BilledCost,ChargePeriodStart,")
    assert stat.S_IMODE(path.stat().st_mode) & 0o400
    assert [entry.name for entry in tmp_path.iterdir()] == ["focus.csv"]


def test_a_failed_export_leaves_the_file_as_it_was(connection, tmp_path):
    path = tmp_path / "focus.csv"
    path.write_text("before")
    with pytest.raises(ExportError, match=r"no marts\.focus_cost_and_usage yet: start `spacelift-usage run`"):
        write_focus_file(connection, path)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["focus.csv"]


def test_a_path_that_cannot_be_a_file_is_named(mart, tmp_path):
    with pytest.raises(ExportError, match="is no ordinary file"):
        write_focus_file(mart, tmp_path)
    with pytest.raises(ExportError, match=r"none/focus\.csv cannot be written: No such file"):
        write_focus_file(mart, tmp_path / "none" / "focus.csv")


def test_an_empty_mart_is_a_header(mart):
    mart.execute("truncate marts.focus_cost_and_usage")
    mart.commit()
    assert len(rows(mart)) == 1
