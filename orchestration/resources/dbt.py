"""dbt inside this process: one `dbt build` a run, its events handed on while it works.

Here: the thread that dbt runs in, its arguments and environment, what its failure says.
Not here: events in Dagster's terms (dbt_events.py), the manifest (dbt_manifest.py).
"""

import ctypes
import gc
import io
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dbt.adapters.factory import FACTORY
from dbt.artifacts.schemas.results import NodeStatus
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt_common.events.base_types import EventMsg
from dbt_common.exceptions import DbtBaseException
from psycopg.pq import Conninfo

from orchestration.dbt_events import BuildTranslation, DagsterEvent
from orchestration.dbt_manifest import PROJECT_DIR, QUIET_ARGUMENTS, project_arguments
from orchestration.warehouse.connection import SESSION_SQL, connect
from orchestration.warehouse.failures import lock_holders
from orchestration.warehouse.roles import BUILDER, is_member

# A count that takes longer is left out: it must never be what a daily run waits for.
ROW_COUNT_TIMEOUT_MILLISECONDS = 300
FAILURES_NAMED_AT_MOST = 10
_FAILED = {NodeStatus.Error, NodeStatus.Fail, NodeStatus.RuntimeErr, NodeStatus.PartialSuccess}
_INTERRUPTED_JOIN_SECONDS = 20.0
_LOCK_WORDS = "due to lock timeout"


class DbtFailedError(Exception):
    """dbt ended without success; one line names what failed."""


class DbtResource(dg.ConfigurableResource[Any]):
    """Builds the dbt project into the warehouse."""

    project_dir: str = str(PROJECT_DIR)

    def build(
        self,
        context: dg.AssetExecutionContext,
        *,
        database_url: str,
        target_path: Path,
        full_refresh: bool = False,
    ) -> Iterator[DagsterEvent]:
        """Run `dbt build` for what the step selected, yielding Dagster's events as dbt reports.

        The target folder is used again by the next run: it keeps dbt's parsing warm and the last compiled SQL
        at hand, and it never grows.

        Raises:
            DbtFailedError: after all events, when a model or a test failed.
        """
        translation = BuildTranslation(context)
        arguments = [
            *QUIET_ARGUMENTS,
            "build",
            # Nobody reads the manifest and the results that dbt would write after every build.
            "--no-write-json",
            *project_arguments(Path(self.project_dir), target_path=target_path),
            *translation.selection_arguments(),
            # They test the SQL, not the data: make test runs them, a warehouse need not.
            "--exclude-resource-type=unit_test",
            *(["--full-refresh"] if full_refresh else []),
        ]
        # A run has a process of its own, and what is loaded by now stays until its end. Not looked through by
        # the collector again and again, dbt takes a tenth less.
        gc.freeze()
        with (
            _environment(dbt_environment(database_url, inherited=os.environ)),
            _row_counter(database_url) as count_rows,
        ):
            for message in _invoke(arguments, database_url=database_url):
                for event in translation.dagster_events(message):
                    table = translation.table_of(event)
                    rows = count_rows(table) if table else None
                    if rows is not None and isinstance(event, dg.Output):
                        event = event.with_metadata({**event.metadata, "dagster/row_count": rows})
                    yield event


def dbt_environment(database_url: str, *, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables that profiles.yml reads, and libpq's own for what a profile cannot say.

    Where the database is, and as whom, an open connection says: a URL may leave that to libpq or name several
    servers, and dbt has its own opinion of what is left out.

    Raises:
        WarehouseError: the database does not answer; it is asked which role builds.
    """
    given = {
        option.keyword.decode(): option for option in Conninfo.parse(database_url.encode()) if option.val
    }
    with closing(connect(database_url)) as connection:
        info = connection.info
        variables = {
            "USAGE_DB_ROLE": _role_of_dbt(connection),
            "USAGE_DB_SESSION": SESSION_SQL,
            "USAGE_DB_HOST": info.host,
            "USAGE_DB_PORT": str(info.port),
            "USAGE_DB_USER": info.user,
            "DBT_ENV_SECRET_USAGE_DB_PASSWORD": info.password,
            "USAGE_DB_NAME": info.dbname,
            "USAGE_DB_SSLMODE": inherited.get("PGSSLMODE", "prefer"),
            "DO_NOT_TRACK": "1",
        }
        if "hostaddr" in given:
            variables["PGHOSTADDR"] = info.hostaddr
    for name, option in given.items():
        value = (option.val or b"").decode()
        if name == "sslmode":
            variables["USAGE_DB_SSLMODE"] = value
        elif option.envvar and name not in ("host", "hostaddr", "port", "user", "password", "dbname"):
            variables[option.envvar.decode()] = value
    return variables


def _role_of_dbt(connection: psycopg.Connection) -> str:
    """The role that builds, as SQL writes it; the user itself where there is no such role to become."""
    if is_member(connection, BUILDER):
        return BUILDER
    row = connection.execute("select quote_ident(current_user)").fetchone()
    return row[0] if row else ""


def failure_line(outcome: dbtRunnerResult, *, database_url: str) -> str:
    """One line for a person: which models and tests failed, each reason once, lists cut.

    When a lock was not to be had, the database is asked who has it, while they are still there to be named.
    """
    if outcome.exception is not None:
        return f"dbt stopped: {_in_one_line(str(outcome.exception))}"
    results: Sequence[Any] = getattr(outcome.result, "results", ())
    failed = [result for result in results if result.status in _FAILED]
    names_by_reason: dict[str, list[str]] = {}
    for result in failed[:FAILURES_NAMED_AT_MOST]:
        names_by_reason.setdefault(_reason(result.message or ""), []).append(result.node.name)
    named = [f"{', '.join(names)} ({reason})" for reason, names in names_by_reason.items()]
    hidden = len(failed) - FAILURES_NAMED_AT_MOST
    more = f" and {hidden} more" if hidden > 0 else ""
    holders = (
        f"; the lock was {lock_holders(database_url)}" if any(_LOCK_WORDS in name for name in named) else ""
    )
    return f"dbt: {len(failed)} of {len(results)} failed: {', '.join(named)}{more}{holders}"


def _reason(message: str) -> str:
    """What the database said, without the lines around it that say where in which file."""
    lines = [line.strip() for line in message.splitlines()]
    around = ("Database Error in ", "compiled code at ", "LINE ", "^")
    kept = [line for line in lines if not line.startswith(around)]
    return _in_one_line(" ".join(kept))


def _in_one_line(text: str) -> str:
    return " ".join(text.split())[:200]


def _invoke(arguments: Sequence[str], *, database_url: str) -> Iterator[EventMsg]:
    """dbt's events while it works in a thread of its own; the caller's thread stays free to report them."""
    reports: queue.SimpleQueue[EventMsg | dbtRunnerResult] = queue.SimpleQueue()

    def work() -> None:
        reports.put(dbtRunner(callbacks=[reports.put]).invoke(list(arguments)))

    thread = threading.Thread(target=work, name="dbt", daemon=True)
    thread.start()
    try:
        while not isinstance(report := reports.get(), dbtRunnerResult):
            yield report
    except BaseException:
        _interrupt(thread)
        raise
    thread.join()
    if not report.success:
        raise DbtFailedError(failure_line(report, database_url=database_url))


def _interrupt(thread: threading.Thread) -> None:
    """End dbt as Ctrl-C would: no further nodes, and the statements now running are cancelled."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
    )
    adapters: list[Any] = list(FACTORY.adapters.values())
    # Interrupted while it still sets itself up, dbt prints a traceback.
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for adapter in adapters:
            with suppress(DbtBaseException):
                list(adapter.cancel_open_connections())
        thread.join(_INTERRUPTED_JOIN_SECONDS)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _row_counter(database_url: str) -> Iterator[Callable[[str], int | None]]:
    """A function from a table's quoted name to its number of rows; None when it cannot be counted in time."""
    with closing(connect(database_url, autocommit=True)) as connection:
        connection.execute(f"set statement_timeout to {ROW_COUNT_TIMEOUT_MILLISECONDS}")

        def count_rows(table: str) -> int | None:
            try:
                # The name comes from dbt's manifest, already quoted.
                row = connection.execute(f"select count(*) from {table}".encode()).fetchone()  # noqa: S608
            except psycopg.Error:
                # Too slow, or the database went away: dbt says so in better words.
                return None
            return row[0] if row else None

        yield count_rows
