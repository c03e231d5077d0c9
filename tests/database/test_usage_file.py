"""A file exported by hand: recognised by its header, landed for the days its rows cover."""

import datetime as dt
import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.landing.archive import Archive
from orchestration.landing.errors import FileRefusedError, HeaderError
from orchestration.landing.usage_file import ingest_file, survey_file
from orchestration.spacelift.aspects import RUN_MINUTES, WORKER_COUNT

HEADER = "Id,Count,TimestampUnix,WorkerPoolName\n"
FIRST = dt.date(2024, 2, 28)
MARCH = dt.date(2024, 3, 1)


def row(day: dt.date, hour: int = 0, pool: str = "pool") -> str:
    return f"1,3,{int(dt.datetime.combine(day, dt.time(hour), dt.UTC).timestamp())},{pool}\n"


def written(path: Path, text: str) -> Path:
    (path / "usage.csv").write_text(text)
    return path / "usage.csv"


def test_a_file_lands_for_all_days_from_its_first_row_to_its_last(connection, tmp_path):
    path = written(tmp_path, HEADER + row(MARCH, 5) + row(FIRST, 7, pool='"a\nb"'))
    file = survey_file(path)
    assert (file.aspect, file.since, file.until) == (WORKER_COUNT, FIRST, dt.date(2024, 3, 2))
    archive = Archive(str(tmp_path / "archive"))
    failed = ingest_file(
        file.path,
        aspect=file.aspect,
        since=file.since,
        until=file.until,
        account="acme",
        archive=archive,
        connection=connection,
        run_id=None,
        on_progress=lambda day, load: None,
    )
    assert failed == []
    with connection.transaction():
        loads = connection.execute(
            "select usage_date, source, rows_landed from raw.usage_loads order by load_id"
        ).fetchall()
    assert loads == [(FIRST, "file", 1), (dt.date(2024, 2, 29), "file", 0), (MARCH, "file", 1)]
    (entry,) = archive.entries(account="acme", aspect=WORKER_COUNT)
    assert b"".join(archive.open(entry)) == path.read_bytes()


def test_a_gzipped_file_is_the_same_file(tmp_path):
    path = written(tmp_path, HEADER + row(FIRST, 7) + row(MARCH, 5))
    packed = tmp_path / "download"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert replace(survey_file(packed), path=path, written_at=survey_file(path).written_at) == survey_file(
        path
    )
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(FileRefusedError, match="download: is cut, its gzip stream does not end"):
        survey_file(packed)


@pytest.mark.parametrize(
    ("rows", "until"),
    [
        pytest.param(row(FIRST, 3) + row(MARCH) * 2, MARCH - dt.timedelta(days=1), id="a stray last bucket"),
        pytest.param(row(FIRST, 3) + row(MARCH) + row(MARCH, 1), dt.date(2024, 3, 2), id="a last day"),
        pytest.param(row(MARCH), dt.date(2024, 3, 2), id="the only day"),
    ],
)
def test_rows_of_midnight_alone_are_no_last_day(tmp_path, rows, until):
    assert survey_file(written(tmp_path, HEADER + rows)).until == until


@pytest.mark.parametrize(
    ("text", "aspect", "error", "words"),
    [
        ("a,b\n1,2\n", None, HeaderError, "is the header of neither run-minutes nor worker-count"),
        (HEADER + row(MARCH), RUN_MINUTES, HeaderError, "no column state_duration_minutes, "),
        (HEADER, None, FileRefusedError, "has no row that could be landed"),
        (None, None, FileRefusedError, "No such file or directory"),
    ],
    ids=["no usage file", "the other aspect", "no rows", "no file"],
)
def test_a_file_that_cannot_be_landed_is_refused_in_one_line(tmp_path, text, aspect, error, words):
    path = tmp_path / "usage.csv" if text is None else written(tmp_path, text)
    with pytest.raises(error, match=words) as raised:
        survey_file(path, aspect=aspect)
    assert str(path) in str(raised.value)
