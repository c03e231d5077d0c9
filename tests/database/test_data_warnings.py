"""Rows that land as they came although they look wrong: dbt warns of each. The rules: docs/data-rules.md."""

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import pytest
from dbt.artifacts.schemas.results import TestStatus
from dbt.cli.main import dbtRunner

from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.landing.archive_body import ArchivedBody
from orchestration.landing.raw_tables import land
from orchestration.resources.dbt import dbt_environment, failure_line
from orchestration.spacelift.aspects import ASPECTS
from tests.conftest import target_of

DAY, AFTER = dt.date(2024, 2, 29), dt.date(2024, 3, 1)
HOUR = 1_709_164_800
RUN, STACK, POOL = (f"01HMSGMXD0000000000000000{number}" for number in (1, 2, 3))
FILES = {
    "run-minutes": [
        "timestamp_unix,state_duration_minutes,public,run_state,run_type,run_ulid,stack_name,stack_slug,"
        "stack_ulid,is_stack,worker_pool_name,worker_pool_ulid",
        f"{HOUR},60,false,PLANNING,TASK,{RUN},a,a,{STACK},true,p,{POOL}",
        f"{HOUR},60.5,false,APPLYING,TASK,{RUN},a,a,{STACK},true,p,{POOL}",
        f"{HOUR + 3600},7,false,PLANNING,TASK,{RUN},a,a,{STACK},true,p,{POOL}",
        f"{HOUR + 3600},7,false,PLANNING,TASK,{RUN},a,a,{STACK},true,p,{POOL}",
        f"{HOUR + 7260},1,false,PLANNING,TASK,{RUN},a,a,{STACK},true,p,{POOL}",
        f"{HOUR + 10800},1,true,PLANNING,TASK,{RUN},a,a,{STACK},true,p,{POOL}",
        f"{HOUR + 14400},2,false,PLANNING,TASK,{RUN},a,a,{STACK},true,,",
        f"{HOUR + 14400},9,false,READY,TASK,{RUN},a,a,{STACK},true,,",
    ],
    "worker-count": [
        "id,count,timestamp_unix,worker_pool_name",
        f"1,3,{HOUR},p",
        f"2,4,{HOUR + 3600},p",
        f"2,4,{HOUR + 3600},p",
        f"3,5,{HOUR + 7260},p",
    ],
}


def test_rows_that_look_wrong_land_unchanged_and_each_is_warned_of(
    connection, database_url: str, dbt_target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, lines in FILES.items():
        (load,) = land(
            connection,
            aspect=ASPECTS[name],
            account="acme",
            since=DAY,
            until=AFTER,
            blocks=["".join(f"{line}\n" for line in lines).encode()],
            commit_archive=lambda: ArchivedBody("u", "s", 1),
        )
        assert (load.rows_landed, load.rows_quarantined) == (len(lines) - 1, 0)
    # With psql, which asks nobody.
    for hour, minutes in enumerate(("307445734561825860", "-1e300", "Infinity", "NaN")):
        connection.execute(
            "insert into raw.run_minutes values (%s, %s, true, 'DONE', 'TASK', %s, 'a', 'a', %s, true)",
            [HOUR + 3600 * hour, minutes, RUN, STACK],
        )
    connection.commit()
    for name, value in dbt_environment(database_url, inherited=os.environ).items():
        monkeypatch.setenv(name, value)
    outcome = dbtRunner().invoke(
        [
            *QUIET_ARGUMENTS,
            "build",
            *project_arguments(PROJECT_DIR, target_path=target_of(database_url, dbt_target)),
            "--select=+int_usage_days stg_spacelift__run_minutes stg_spacelift__worker_count",
            # No tests that read other models as well.
            "--indirect-selection=cautious",
            "--exclude-resource-type=unit_test",
        ]
    )
    assert outcome.success, failure_line(outcome, database_url=database_url)
    warnings = {
        result.node.name: result.failures for result in outcome.result if result.status == TestStatus.Warn
    }
    assert warnings == {
        "stg_run_minutes_has_at_most_60_minutes_in_an_hour": 5,
        "stg_run_minutes_has_one_row_per_run_state_and_hour": 1,
        "stg_run_minutes_has_hourly_buckets": 1,
        "stg_run_minutes_names_a_pool_only_where_the_workers_are_private": 1,
        "assert_stg_run_minutes_names_the_pool_of_private_work": 1,
        "stg_worker_count_has_one_row_per_pool_and_hour": 1,
        "stg_worker_count_has_hourly_buckets": 1,
    }
    minutes = connection.execute(
        "select sum(state_minutes), count(state_minutes), count(*) from staging.stg_spacelift__run_minutes"
    )
    assert minutes.fetchone() == (60 + Decimal("60.5") + 7 + 7 + 1 + 1 + 2 + 9, 8, 12)
