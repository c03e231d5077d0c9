"""The loader owns the raw tables, dbt's role all that is built from them; neither touches the other's."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql

from orchestration.warehouse import roles
from orchestration.warehouse.connection import connect
from orchestration.warehouse.readers import reader_url
from orchestration.warehouse.roles import BUILDER, LOADER, become, is_member
from orchestration.warehouse.schema import ensure_schema

# Written without quotes it would be another name, or none.
TENANT = 'Svc."Usage"@corp'
OWNERS = """
    select namespaces.nspname, array_agg(distinct pg_get_userbyid(relations.relowner)::text)
    from pg_class as relations
    inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
    where namespaces.nspname in ('raw', 'staging', 'marts') and relations.relkind in ('r', 'v')
    group by 1 order by 1
"""


@pytest.fixture
def built(connection: psycopg.Connection) -> psycopg.Connection:
    """A warehouse with something in each schema, made by the user itself, as before there were roles."""
    connection.execute(
        "create schema staging; create view staging.rows as select * from raw.worker_count;"
        " create schema marts;"
        " create table marts.figures (id int); create view marts.views as select 1 as one"
    )
    connection.commit()
    return connection


@pytest.fixture
def login(empty_database_url: str) -> Iterator[str]:
    """The URL of an ordinary user to whom an empty database belongs, without rights over the server."""
    with connect(empty_database_url, autocommit=True) as administrator:
        database, tenant = sql.Identifier(administrator.info.dbname), sql.Identifier(TENANT)
        administrator.execute(sql.SQL("create role {} login createrole password 'x'").format(tenant))
        administrator.execute(sql.SQL("alter database {} owner to {}").format(database, tenant))
        yield reader_url(empty_database_url, TENANT, password="x")
        administrator.execute("drop schema if exists raw cascade")
        administrator.execute(sql.SQL("reassign owned by {} to current_user").format(tenant))
        for role in ("tenant_loader", "tenant_dbt", TENANT):
            if administrator.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                identifier = sql.Identifier(role)
                administrator.execute(sql.SQL("drop owned by {0}; drop role {0}").format(identifier))


def test_what_was_made_before_there_were_roles_is_given_to_them(built):
    ensure_schema(built)
    assert built.execute(OWNERS).fetchall() == [
        ("marts", [BUILDER]),
        ("raw", [LOADER]),
        ("staging", [BUILDER]),
    ]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        pytest.param(LOADER, "insert into raw.worker_count values (1, 5, 0, 'pool')", id="loader lands"),
        pytest.param(LOADER, "truncate raw.run_minutes", id="loader replaces"),
        pytest.param(BUILDER, "select * from raw.run_minutes", id="dbt reads raw"),
        pytest.param(BUILDER, "drop table marts.figures; create table marts.figures ()", id="dbt builds"),
        pytest.param(BUILDER, "create schema intermediate", id="dbt makes its schemas"),
    ],
)
def test_each_role_can_do_its_work(built, role, statement):
    ensure_schema(built)
    become(built, role)
    built.execute(statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        pytest.param(LOADER, "select * from marts.figures", id="loader reads a mart"),
        pytest.param(LOADER, "drop view staging.rows", id="loader drops a view"),
        pytest.param(LOADER, "create table marts.mine ()", id="loader makes a mart"),
        pytest.param(LOADER, "create schema mine", id="loader makes a schema"),
        pytest.param(BUILDER, "insert into raw.worker_count values (1, 5, 0, 'pool')", id="dbt lands"),
        pytest.param(BUILDER, "delete from raw.usage_loads", id="dbt forgets a load"),
        pytest.param(BUILDER, "alter table raw.run_minutes add column mine int", id="dbt alters raw"),
        pytest.param(BUILDER, "create table raw.mine ()", id="dbt makes a raw table"),
        pytest.param(BUILDER, "create role mine", id="dbt makes a role"),
    ],
)
def test_neither_role_can_do_the_work_of_the_other(built, role, statement):
    ensure_schema(built)
    become(built, role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        built.execute(statement)


def test_a_user_who_may_make_roles_makes_them_and_becomes_them(login, monkeypatch):
    monkeypatch.setattr(roles, "LOADER", "tenant_loader")
    monkeypatch.setattr(roles, "BUILDER", "tenant_dbt")
    with closing(connect(login)) as tenant:
        ensure_schema(tenant)
        assert tenant.execute(OWNERS).fetchall() == [("raw", ["tenant_loader"])]
        become(tenant, "tenant_dbt")
        assert tenant.execute("select count(*) from raw.run_minutes").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tenant.execute("delete from raw.run_minutes")


def test_a_user_who_may_not_have_the_roles_owns_everything_by_itself(login):
    # The server has the roles already, another user's: they cannot be had.
    with closing(connect(login)) as tenant:
        ensure_schema(tenant)
        assert not is_member(tenant, LOADER)
        assert tenant.execute(OWNERS).fetchall() == [("raw", [TENANT])]
        become(tenant, LOADER)
        assert tenant.execute("select current_user::text").fetchone() == (TENANT,)
