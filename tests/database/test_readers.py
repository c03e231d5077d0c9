"""A login of `spacelift-usage grant-bi` reads the marts, also those made later, and can do nothing else."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.readers import grant_reader, reader_url
from orchestration.warehouse.roles import BUILDER, become
from orchestration.warehouse.schema import ensure_schema

NAME = 'metabase "1"@home'


@pytest.fixture
def reader(database_url: str, connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    connection.execute("create schema marts; create table marts.before (id int); create schema staging")
    connection.execute("create table staging.view_of_names (id int)")
    connection.commit()
    ensure_schema(connection)
    password = grant_reader(connection, NAME)
    connection.commit()
    try:
        with psycopg.connect(reader_url(database_url, NAME, password=password)) as reader:
            yield reader
    finally:
        connection.rollback()
        connection.execute("reset role")
        for role in (NAME, "usage_bi"):
            identifier = sql.Identifier(role)
            connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(identifier))
        connection.commit()


def test_marts_are_read_in_utc_also_those_that_are_made_later(reader, connection):
    become(connection, BUILDER)
    connection.execute("drop table marts.before; create table marts.before as select 1 as id")
    connection.execute("create table marts.after as select 2 as id")
    connection.commit()
    assert reader.execute("select id from before union all select id from after order by 1").fetchall() == [
        (1,),
        (2,),
    ]
    assert reader.execute("select current_setting('timezone')").fetchone() == ("UTC",)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("select * from raw.run_minutes", id="the vendor's rows"),
        pytest.param("select * from raw.contracts", id="prices"),
        pytest.param("select * from staging.view_of_names", id="what lies between"),
        pytest.param("insert into marts.before values (1)", id="writing"),
        pytest.param("drop table marts.before", id="dropping"),
        pytest.param("create table marts.mine (id int)", id="a table of its own"),
        pytest.param("create table public.mine (id int)", id="a table elsewhere"),
        pytest.param("create role another login", id="another login"),
        pytest.param("set role usage", id="becoming somebody else"),
        pytest.param("copy (select 1) to program 'true'", id="a program on the server"),
    ],
)
def test_everything_else_is_refused_by_rights_and_not_by_a_setting(reader, statement):
    reader.execute("set default_transaction_read_only to off")
    reader.commit()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(statement)


def test_granting_again_is_a_new_password(reader, connection, database_url):
    password = grant_reader(connection, NAME)
    connection.commit()
    with psycopg.connect(reader_url(database_url, NAME, password=password)) as again:
        assert again.execute("select count(*) from marts.before").fetchone() == (0,)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("postgresql://admin:S3cr3t@h:5433/usage", "h:5433/usage", id="before the @"),
        pytest.param(
            "postgresql://h/usage?user=admin&pass%77ord=S3cr3t&sslpassword=S3cr3t&sslmode=require",
            "h/usage?sslmode=require",
            id="in the query",
        ),
        pytest.param("postgresql://admin:a#S3cr3t@h/usage", "h/usage", id="behind a #"),
        pytest.param(
            "postgresql://h/usage?passfile=/S3cr3t&sslcert=/c&sslkey=/S3cr3t", "h/usage", id="in files"
        ),
        pytest.param("postgresql://admin@[::1]:5433", "[::1]:5433/admin", id="database of the user's name"),
        pytest.param("postgresql://a:1,b:2/usage", "a:1,b:2/usage", id="several servers"),
        pytest.param("postgresql:///usage?host=/tmp&port=1", "/usage?host=%2Ftmp&port=1", id="a socket"),
    ],
)
def test_the_readers_url_names_the_same_place_and_nothing_of_the_administrators(url, expected):
    printed = reader_url(url, "bi", password="x")
    assert printed == f"postgresql://bi:x@{expected}"
    read = conninfo_to_dict(printed)
    assert (read["user"], read["password"]) == ("bi", "x")


@pytest.mark.parametrize("name", ["", "pg_monitor", "x" * 64])
def test_what_is_no_name_for_a_login_is_refused(connection, name):
    with pytest.raises(WarehouseError, match="is no name for a login"):
        grant_reader(connection, name)


def test_a_role_with_rights_of_its_own_is_left_alone(connection):
    with pytest.raises(WarehouseError, match="is a role with rights of its own already"):
        grant_reader(connection, connection.info.user)
    connection.rollback()
    connection.execute("drop role if exists usage_bi")


def test_who_may_not_create_roles_is_told(database_url, connection):
    connection.execute("create role clerk login password 'x'")
    connection.commit()
    try:
        with (
            connect(reader_url(database_url, "clerk", password="x")) as clerk,
            pytest.raises(WarehouseError, match=r"user clerk may not make logins .*CREATEROLE"),
        ):
            grant_reader(clerk, "metabase")
    finally:
        connection.execute("drop role clerk")
        connection.commit()
