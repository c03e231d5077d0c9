"""What BI tools rely on, compared with tests/data/marts_columns.csv: tables, columns, types, nulls and keys.

A difference is a change that readers of the marts will notice: write it into CHANGELOG.md, and the file anew
over a warehouse that `make demo` has filled: python tests/pipeline/test_marts_contract.py DATABASE_URL
"""

import csv
import io
import sys
from pathlib import Path

import psycopg

COLUMNS_FILE = Path(__file__).parents[1] / "data" / "marts_columns.csv"

COLUMNS = """
    select
        columns.table_name,
        columns.column_name,
        format_type(attributes.atttypid, attributes.atttypmod) as data_type,
        columns.is_nullable,
        coalesce(string_agg(
            case keys.contype
                when 'p' then 'primary key'
                when 'f' then keys.confrelid::regclass::text
            end,
            '; ' order by keys.contype desc, keys.conname
        ), '') as key
    from information_schema.columns
    inner join pg_attribute as attributes
        on attributes.attrelid = format('marts.%I', columns.table_name)::regclass
        and attributes.attname = columns.column_name
    left join pg_constraint as keys
        on attributes.attrelid = keys.conrelid
        and attributes.attnum = any(keys.conkey)
        and keys.contype in ('p', 'f')
    where columns.table_schema = 'marts'
    group by
        columns.table_name, columns.column_name, attributes.atttypid, attributes.atttypmod,
        columns.is_nullable
    order by columns.table_name, columns.column_name
"""
WITHOUT_COMMENT = """
    select relations.oid::regclass::text, attributes.attname
    from pg_class as relations
    left join pg_attribute as attributes
        on relations.oid = attributes.attrelid and attributes.attnum > 0 and not attributes.attisdropped
    where
        relations.relnamespace = 'marts'::regnamespace
        and relations.relkind in ('r', 'v')
        and (
            obj_description(relations.oid) is null
            or col_description(relations.oid, attributes.attnum) is null
        )
"""


def columns_as_csv(url: str) -> str:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(COLUMNS)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(column.name for column in cursor.description or ())
        writer.writerows(cursor)
    return text.getvalue()


def test_tables_columns_types_and_keys_are_those_that_were_agreed(demo_warehouse_url: str) -> None:
    agreed = COLUMNS_FILE.read_text(encoding="utf-8").splitlines()
    found = columns_as_csv(demo_warehouse_url).splitlines()
    assert sorted(set(found) ^ set(agreed)) == []


def test_every_table_and_column_says_in_the_database_what_it_is(demo_warehouse_url: str) -> None:
    with psycopg.connect(demo_warehouse_url) as connection:
        assert connection.execute(WITHOUT_COMMENT).fetchall() == []


def test_types_are_those_that_old_drivers_know(demo_warehouse_url: str) -> None:
    types = {row["data_type"] for row in csv.DictReader(io.StringIO(columns_as_csv(demo_warehouse_url)))}
    plain = {"date", "timestamp with time zone", "integer", "bigint", "text", "boolean"}
    # FOCUS wants its Tags as JSON.
    assert {name for name in types - plain if not name.startswith("numeric(")} == {"jsonb"}


def test_one_row_says_through_which_day_the_marts_are_right(demo_warehouse_url: str) -> None:
    with psycopg.connect(demo_warehouse_url) as connection:
        rows = connection.execute(
            "select account, loaded_through, days_missing from marts.data_freshness"
            " where built_at > last_landed_at"
        ).fetchall()
    assert [(account, str(through), missing) for account, through, missing in rows] == [
        ("demo", "2026-09-17", 0)
    ]


if __name__ == "__main__":
    COLUMNS_FILE.write_text(columns_as_csv(sys.argv[1]), encoding="utf-8")
