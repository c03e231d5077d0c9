"""The dashboard's file: read the marts, build the page, write it whole.

Here: one consistent reading, the JavaScript that draws, an exchange of the file at the end. Not here: what is
on the page (page.py).
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from orchestration.dashboard.billing_data import billing_frames
from orchestration.dashboard.periods import numbers_of, read_periods, read_pools
from orchestration.dashboard.tiles import Freshness
from orchestration.dashboard.usage_data import coverage_frames, minutes_frame, waiting_frame, worker_frames

FILE_NAME = "dashboard.html"

# What page.js calls.
_SNIPPET = "window.vegaEmbed = vegaEmbed;"

_FRESHNESS = """
    select account, first_day, loaded_through, days_covered, days_missing, days_suspicious, built_at
    from marts.data_freshness
    where loaded_through is not null
"""


class DashboardError(Exception):
    """The dashboard cannot be made; one line says why and what to do."""


class NothingToShowError(DashboardError):
    """No marts, or no day in them yet."""


@dataclass(frozen=True)
class Written:
    """What was written."""

    path: Path
    size_bytes: int
    periods: int


def write_dashboard(connection: psycopg.Connection, *, home: Path, path: Path | None = None) -> Written:
    """Write the dashboard to `path`, else to dashboard.html in `home`; the file is replaced whole or stays.

    Raises:
        NothingToShowError: nothing has landed or been built yet.
        DashboardError: the file cannot be written.
    """
    from orchestration.dashboard.page import page_html

    target = (path or home / FILE_NAME).absolute()
    if target.exists() and not target.is_file():
        raise DashboardError(f"{target} is no ordinary file: name another")
    try:
        with connection.transaction():
            # All charts show the same moment, whatever is built meanwhile.
            connection.execute("set transaction isolation level repeatable read read only")
            freshness = _freshness(connection)
            periods = read_periods(connection)
            pools = read_pools(connection)
            pool_numbers = numbers_of(pools)
            frames = {
                **worker_frames(connection, periods=periods, pool_numbers=pool_numbers),
                "minutes": minutes_frame(connection),
                "waiting": waiting_frame(connection, periods=periods, pool_numbers=pool_numbers),
                **coverage_frames(connection, periods=periods),
                **billing_frames(connection, periods=periods, pool_numbers=pool_numbers),
            }
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise NothingToShowError("the marts have not been built yet: spacelift-usage run") from error
    try:
        page = page_html(
            freshness=freshness, periods=periods, pools=pools, frames=frames, vega=_vega(home)
        ).encode()
        _replace(target, page)
    except OSError as error:
        raise DashboardError(f"{target} cannot be written: {error.strerror or error}") from error
    return Written(path=target, size_bytes=len(page), periods=len(periods))


def _freshness(connection: psycopg.Connection) -> Freshness:
    with connection.cursor(row_factory=class_row(Freshness)) as cursor:
        freshness = cursor.execute(_FRESHNESS).fetchone()
    if freshness is None:
        raise NothingToShowError("nothing has landed yet, so there is nothing to show: spacelift-usage run")
    return freshness


def _vega(home: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the wheel; kept, because bundling takes seconds."""
    kept = home / "cache" / f"vega-{version('vl-convert-python')}.js"
    with suppress(FileNotFoundError):
        return kept.read_text(encoding="utf-8")
    import vl_convert

    kept.parent.mkdir(parents=True, exist_ok=True)
    script: str = vl_convert.javascript_bundle(_SNIPPET)
    _replace(kept, script.encode())
    return script


def _replace(target: Path, content: bytes) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
