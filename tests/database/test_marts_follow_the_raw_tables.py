"""The marts after daily increments are the same, row for row, as the marts made anew from all raw rows."""

import re
from pathlib import Path

import psycopg
import pytest

from orchestration.contracts.raw_contracts import land_contracts
from orchestration.resources.dbt import failure_line
from orchestration.warehouse.connection import connect
from orchestration.warehouse.schema import claim_account
from tests.database.warehouse_by_hand import Warehouse

# The stack and pool ULIDs are of 2024-01-22, the runs' of 2024-02-01.
STACK, OTHER_STACK = "01HMSGMXD00000000000000001", "01HMSGMXD00000000000000002"
POOL, OTHER_POOL = "01HMSGMXD00000000000000003", "01HMSGMXD00000000000000004"
LISTED_POOL = "01HMSGMXD00000000000000005"
COMPARED_SCHEMA = "before"
OWN_SCHEMA = "analysts_own"


class ComparedWarehouse(Warehouse):
    """What its marts were, beside what they are."""

    def remember_marts(self) -> None:
        with connect(self.url) as connection:
            connection.execute(f"create schema {COMPARED_SCHEMA}".encode())
            for table in self._marts(connection):
                connection.execute(
                    f"create table {COMPARED_SCHEMA}.{table} as select * from marts.{table}".encode()
                )

    def data_test(self, name: str) -> str:
        """The query of a data test that holds now; it finds no rows."""
        assert self.failed_tests("--select", name) == set()
        (compiled,) = self._target_path.glob(f"compiled/**/{name}.sql")
        return compiled.read_text()

    def differences(self) -> dict[str, int]:
        """Rows, by mart, that are in the remembered marts or in today's but not in both."""
        found = {}
        with connect(self.url) as connection:
            for table in self._marts(connection):
                now, then = f"select * from marts.{table}", f"select * from {COMPARED_SCHEMA}.{table}"
                only_now, only_then = f"({now} except all {then})", f"({then} except all {now})"
                query = f"select count(*) from ({only_now} union all {only_then}) as difference"
                row = connection.execute(query.encode()).fetchone()
                assert row is not None
                if row[0]:
                    found[table] = row[0]
        return found

    def put_a_view_on_every_mart(self) -> None:
        with connect(self.url) as connection:
            connection.execute(f"create schema {OWN_SCHEMA}".encode())
            for table in self._marts(connection):
                view = f"create view {OWN_SCHEMA}.{table} as select * from marts.{table}"
                connection.execute(view.encode())

    def marts_without_their_view(self) -> set[str]:
        """Marts whose view is gone."""
        with connect(self.url) as connection:
            views = connection.execute("select viewname from pg_views where schemaname = %s", (OWN_SCHEMA,))
            return set(self._marts(connection)) - {name for (name,) in views}

    def foreign_keys(self) -> dict[str, bool]:
        """Foreign keys of the marts by name, and whether every row agrees with them."""
        with connect(self.url) as connection:
            rows = connection.execute(
                "select conname, convalidated from pg_constraint"
                " where contype = 'f' and connamespace = 'marts'::regnamespace"
            )
            return dict(rows.fetchall())

    @staticmethod
    def _marts(connection: psycopg.Connection) -> list[str]:
        rows = connection.execute(
            "select table_name from information_schema.tables"
            # Its row says when it was built.
            " where table_schema = 'marts' and table_name <> 'data_freshness' order by 1"
        )
        return [name for (name,) in rows]


@pytest.fixture
def warehouse(database_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch) -> ComparedWarehouse:
    return ComparedWarehouse(database_url, dbt_target=dbt_target, monkeypatch=monkeypatch)


def run(number: int) -> str:
    return f"01HNH000000000000000000{number:03d}"


def price(warehouse: ComparedWarehouse, contract: str) -> None:
    """A contract whose every line costs something: from 15 January, in periods from the 3rd of a month."""
    path = Path(__file__).parents[1] / "data" / contract
    with connect(warehouse.url) as connection:
        claim_account(connection, "acme")
        land_contracts(connection, path)


def test_increments_equal_a_full_refresh_and_what_did_not_change_is_not_written(
    warehouse: ComparedWarehouse,
) -> None:
    price(warehouse, "contract_of_a_leap_february.csv")
    day = ((8, run(1), STACK, "PLANNING", POOL, "old"), (8, run(1), STACK, "FINISHED", POOL, "old"))
    warehouse.land("2024-02-01", runs=day, workers=((8, "old", 3), (9, "old", 2), (9, "silent", 1)))
    warehouse.land(
        "2024-02-02",
        runs=((8, run(2), STACK, "APPLYING", "", ""),),
        workers=((8, "old", 1), (9, "quiet", 6)),
    )
    warehouse.land("2024-02-04", runs=((8, run(3), STACK, "READY", POOL, "old"),), workers=((8, "old", 5),))
    warehouse.build()
    warehouse.put_a_view_on_every_mart()
    keys = warehouse.foreign_keys()
    assert {"fct_runs_stack_ulid_fkey", "billing_lines_contract_id_period_start_at_fkey"} <= set(keys)

    # A run goes on, the pool is renamed, a state nobody knows, an other stack; a day is still missing.
    warehouse.land(
        "2024-02-05",
        runs=(
            (1, run(3), STACK, "PLANNING", POOL, "new"),
            (2, run(4), OTHER_STACK, "TELEPORTING", OTHER_POOL, "silent"),
        ),
        workers=((0, "old", 2), (0, "new", 2), (1, "new", 2), (1, "silent", 4)),
    )
    warehouse.build()

    # History before the first day, a restated day without its run, the missing day, one file of a new day.
    warehouse.land("2024-01-30", runs=((8, run(5), OTHER_STACK, "PLANNING", POOL, "old"),))
    warehouse.land("2024-02-01", workers=((8, "old", 4),))
    warehouse.land("2024-02-03", workers=((3, "loud", 7),))
    warehouse.land("2024-02-06", workers=((3, "new", 9),), aspects=("worker-count",))
    warehouse.build()

    # The pool gets its old name back.
    warehouse.land(
        "2024-02-07",
        runs=((8, run(3), STACK, "APPLYING", POOL, "old"),),
        workers=((7, "new", 1), (8, "old", 1)),
    )
    warehouse.build()
    with connect(warehouse.url) as connection:
        named = connection.execute(
            "select date_day::text || ' ' || extract(hour from hour_at at time zone 'UTC'),"
            " hours.worker_pool_name, pools.worker_pool_name"
            " from marts.fct_worker_pool_hourly as hours inner join marts.dim_worker_pools as pools"
            " using (worker_pool_key) where worker_pool_key = %s and worker_count > 0"
            " and date_day >= '2024-02-04' order by hour_at",
            (POOL,),
        ).fetchall()
    assert named == [
        ("2024-02-04 8", "old", "old"),
        ("2024-02-05 0", "new", "old"),
        ("2024-02-05 1", "new", "old"),
        ("2024-02-06 3", "new", "old"),
        ("2024-02-07 7", "new", "old"),
        ("2024-02-07 8", "old", "old"),
    ]

    # Nothing landed, but Spacelift's list shows whose names "quiet" and "loud" were.
    warehouse.list_pools("2024-02-02", **{LISTED_POOL: "quiet", POOL: "new"})
    warehouse.list_pools("2024-02-06", **{LISTED_POOL: "loud", POOL: "new"})
    # The dimension alone loses the pools that were known by their names; the facts still point at them.
    warehouse.build("--select", "+dim_worker_pools")
    assert warehouse.foreign_keys() == {name: "worker_pool_key" not in name for name in keys}
    warehouse.build()
    assert warehouse.foreign_keys() == keys
    with connect(warehouse.url) as connection:
        listed = connection.execute(
            "select hours.worker_pool_name, worker_count, pools.worker_pool_name, match_method"
            " from marts.fct_worker_pool_hourly as hours inner join marts.dim_worker_pools as pools"
            " using (worker_pool_key) where worker_pool_key = %s and worker_count > 0 order by hour_at",
            (LISTED_POOL,),
        ).fetchall()
    assert listed == [("quiet", 6, "loud", "graphql"), ("loud", 7, "loud", "graphql")]

    with connect(warehouse.url) as connection:
        priced = connection.execute(
            "select period_start_at::date::text, array_agg(line_code order by line_order)"
            " from marts.billing_lines where amount > 0 group by 1 order by 1"
        ).fetchall()
    assert priced == [
        (
            "2024-01-15",
            [
                "base_fee",
                "committed_workers",
                "worker_overage",
                "private_minutes",
                "private_minutes_overage",
                "public_minutes",
                "public_minutes_overage",
                "seats",
            ],
        ),
        (
            "2024-02-03",
            [
                "base_fee",
                "committed_workers",
                "worker_overage",
                "private_minutes",
                "private_minutes_overage",
                "seats",
            ],
        ),
    ]

    warehouse.remember_marts()
    warehouse.build("--full-refresh")
    assert warehouse.differences() == {}
    assert warehouse.foreign_keys() == keys
    assert warehouse.marts_without_their_view() == set()

    with connect(warehouse.url) as connection:
        connection.execute("drop schema marts cascade; drop schema intermediate cascade")
    warehouse.build()
    assert warehouse.differences() == {}

    # Without new loads nothing is written.
    with connect(warehouse.url, autocommit=True) as connection:
        writer = "select max(xmin::text::bigint) from marts.fct_account_hourly"
        before = connection.execute(writer).fetchone()
        warehouse.build()
        assert connection.execute(writer).fetchone() == before

    # The last model by itself, or of a build that lost its lock: it looked at no day, so it calls none built.
    warehouse.land("2024-02-08")
    warehouse.build("--select", "int_usage_days")
    warehouse.build("--select", "data_freshness")
    with connect(warehouse.url) as connection:
        last_days = connection.execute(
            "select date_day::text, fingerprint = built_fingerprint"
            " from intermediate.int_usage_days where date_day > '2024-02-06' order by 1"
        )
        assert last_days.fetchall() == [("2024-02-07", True), ("2024-02-08", None)]


def test_a_worker_or_a_billable_minute_lost_on_the_way_to_the_account_is_found(
    warehouse: ComparedWarehouse,
) -> None:
    runs = (
        (8, run(1), STACK, "PLANNING", POOL, "a"),
        (9, run(2), STACK, "APPLYING", "", ""),
    )
    warehouse.land("2024-02-01", runs=runs, workers=((8, "a", 3),))
    warehouse.land("2024-02-02", workers=((8, "a", 3),), aspects=("worker-count",))
    warehouse.land("2024-02-03")
    warehouse.build("--select", "+fct_account_hourly")
    wrong_rows = warehouse.data_test("assert_fct_account_hourly_sums_to_staging")
    for wrong in (
        "worker_count = worker_count - 1",
        "worker_count = null",
        "private_billable_minutes = private_billable_minutes - 0.000001",
        "public_billable_minutes = 0",
        "public_billable_minutes = null",
    ):
        with connect(warehouse.url) as connection, connection.transaction(force_rollback=True):
            connection.execute(
                f"update marts.fct_account_hourly set {wrong} where date_day = '2024-02-01'".encode()
            )
            assert len(connection.execute(wrong_rows.encode()).fetchall()) == 1, wrong


def test_a_reader_holds_nobody_up_and_who_locks_a_mart_is_named(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.land("2024-02-01")
    warehouse.build("--select", "+dim_dates")
    warehouse.land("2024-02-02")
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=200ms")
    with psycopg.connect(warehouse.url, application_name="metabase") as reader:
        assert reader.execute("select count(*) from marts.dim_dates").fetchone() == (1,)
        warehouse.build("--select", "+dim_dates")
        reader.execute("lock table marts.dim_dates in share mode")
        warehouse.land("2024-02-03")
        line = failure_line(warehouse.try_build("--select", "+dim_dates"), database_url=warehouse.url)
        pid = reader.info.backend_pid
        expected = rf"dim_dates \(canceling statement due to lock timeout\); .* pid {pid} \(metabase of user"
        assert re.search(expected, line), line
        assert reader.execute("select count(*) from marts.dim_dates").fetchone() == (2,)
    warehouse.build("--select", "+dim_dates")
    with connect(warehouse.url) as connection:
        assert connection.execute("select count(*) from marts.dim_dates").fetchone() == (3,)
