"""What reports say of runs, their stacks and pools, as rows of the run-minutes file.

Here: also of which runs no report tells. Not here: the minutes (transitions.py), landing (usage_days.py).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import psycopg

from orchestration.selfhosted.raw_rows import EVER, covering_reports, latest_rows
from orchestration.selfhosted.report import HEARTBEATS, RUNS, STACKS, WORKER_POOLS
from orchestration.selfhosted.transitions import HoursUnknownError, Spent
from orchestration.selfhosted.ulid import created_at, is_ulid

UsageRow = tuple[Any, ...]


class ReportedRuns:
    """What a row of the run-minutes file says about a run besides its minutes."""

    def __init__(self, connection: psycopg.Connection, *, names: Mapping[str, str], since: dt.date) -> None:
        self._names = names
        self._runs = {
            key.upper(): row for key, row in latest_rows(connection, RUNS, key="ulid", since=since).items()
        }
        told_since = min(covering_reports(connection, table=RUNS, since=EVER), default=EVER)
        self._told_since = dt.datetime.combine(told_since, dt.time(), dt.UTC)
        self._stacks = latest_rows(connection, STACKS, key="id", since=EVER)
        # Which number is which pool: `worker_pools` may have no ULIDs, heartbeats have both.
        pools = {
            **latest_rows(connection, HEARTBEATS, key="worker_pool_id", since=since),
            **{
                key: {"worker_pool_ulid": row["ulid"]}
                for key, row in latest_rows(connection, WORKER_POOLS, key="id", since=EVER).items()
                if row.get("ulid")
            },
        }
        self._pools = {
            key: ulid.upper()
            for key, row in pools.items()
            if isinstance(ulid := row.get("worker_pool_ulid"), str) and ulid
        }

    def is_told(self, run_ulid: str) -> bool:
        """False for a run that was created before the first report began: no report has it.

        Raises:
            HoursUnknownError: it has no ULID, so nothing says when it was created.
        """
        if run_ulid in self._runs:
            return True
        if not is_ulid(run_ulid):
            raise HoursUnknownError(f"run {run_ulid!r:.40} has no ULID")
        return created_at(run_ulid) >= self._told_since

    def row(self, spent: Spent) -> UsageRow:
        """The row in the file's columns.

        Raises:
            HoursUnknownError: the run's stack is not in the reports.
        """
        run = self._runs.get(spent.run_ulid)
        stack = self._stacks.get(str(run.get("stack_id"))) if run else None
        stack_ulid = stack.get("ulid") if stack else None
        if run is None or stack is None or not isinstance(stack_ulid, str):
            raise HoursUnknownError(f"no stack is known of run {spent.run_ulid}")
        pool_id = stack.get("worker_pool_id")
        pool = self._pools.get(str(pool_id)) if pool_id is not None else None
        run_type = run.get("type")
        return (
            int(spent.hour_at.timestamp()),
            spent.minutes,
            pool_id is None,
            spent.state,
            run_type.upper() if isinstance(run_type, str) else None,
            spent.run_ulid,
            # Reports leave names out, and what has no name cannot be charged with anything.
            _text(stack.get("name")) or stack_ulid.upper(),
            _text(stack.get("slug")),
            stack_ulid.upper(),
            stack.get("is_module") not in (True, "true", "t", 1),
            self._names.get(pool, pool) if pool else None,
            pool,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
