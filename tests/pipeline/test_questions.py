"""docs/questions.md answers what it says, over the demo account.

Here: reading its pairs of an sql block and a text block, running the query, comparing the answer. To write
the answers anew after a change of the demo or the marts: python tests/pipeline/test_questions.py DATABASE_URL
"""

import re
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

QUESTIONS = Path(__file__).parents[2] / "docs" / "questions.md"
PAIR = re.compile(r"```sql\n(?P<query>.*?)```\n+```text\n(?P<answer>.*?)```", re.DOTALL)


def render(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A table as psql prints it, without its count of rows."""
    cells = [columns, *([("" if value is None else str(value)) for value in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "".join(line.rstrip() + "\n" for line in lines)


def answer(connection: psycopg.Connection, query: str) -> str:
    cursor = connection.execute(query.encode())
    return render([column.name for column in cursor.description or []], cursor.fetchall())


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, options="-c timezone=UTC -c search_path=marts")


def pairs() -> list[re.Match[str]]:
    return list(PAIR.finditer(QUESTIONS.read_text(encoding="utf-8")))


def test_all_twelve_questions_have_a_query_and_an_answer() -> None:
    headings = re.findall(r"^## (\d+) ", QUESTIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [str(number) for number in range(1, 13)]
    assert len(pairs()) >= len(headings)


@pytest.mark.parametrize("place", range(len(pairs())))
def test_the_query_gives_the_answer_that_stands_below_it(place: int, demo_warehouse_url: str) -> None:
    pair = pairs()[place]
    with connect(demo_warehouse_url) as connection:
        assert answer(connection, pair["query"]) == pair["answer"]


def rewrite(url: str) -> None:
    with connect(url) as connection:
        text = PAIR.sub(
            lambda pair: f"```sql\n{pair['query']}```\n\n```text\n{answer(connection, pair['query'])}```",
            QUESTIONS.read_text(encoding="utf-8"),
        )
    QUESTIONS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite(sys.argv[1])
