"""What dbt's generic tests of this project find, where a mart alone would not show it."""

import re
from pathlib import Path

import psycopg
import pytest

GENERIC = Path(__file__).parents[2] / "dbt_project" / "tests" / "generic"


@pytest.mark.parametrize(("row_count", "is_found"), [(0, True), (1, False), (2, True)])
def test_one_row_is_neither_none_nor_two(database_url: str, row_count: int, is_found: bool) -> None:
    text = (GENERIC / "has_one_row.sql").read_text()
    query = re.sub(r"{#.*?#}|{%.*?%}", "", text, flags=re.DOTALL).replace(
        "{{ model }}", f"generate_series(1, {row_count})"
    )
    with psycopg.connect(database_url) as connection:
        assert (connection.execute(query.encode()).fetchone() is not None) is is_found
