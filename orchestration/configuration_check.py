"""Whether each configured part answers, in one line each, secrets never among them.

Not here: the parts that not everybody has (optional_parts.py).
"""

import datetime as dt
from contextlib import closing

import psycopg

from orchestration.landing.archive import Archive
from orchestration.landing.errors import ArchiveError
from orchestration.loads import FRESH_FOR, expected_aspects, last_successes, suspicious_days
from orchestration.optional_parts import Part, contracts, drop_folder, elastic, reporting
from orchestration.resources.spacelift import spacelift_client
from orchestration.settings import (
    ENDPOINT,
    KEY_ID,
    KEY_SECRET,
    TOKEN,
    Settings,
)
from orchestration.spacelift.aspects import ASPECTS
from orchestration.spacelift.errors import SpaceliftError
from orchestration.warehouse import embedded
from orchestration.warehouse.connection import connect
from orchestration.warehouse.errors import WarehouseError
from orchestration.warehouse.failures import in_one_line
from orchestration.warehouse.schema import account_of


def check_parts(settings: Settings) -> list[Part]:
    """Ask each part; changes nothing but that Spacelift counts the API key as in use."""
    return [
        _spacelift(settings),
        _database(settings),
        _archive(settings),
        contracts(settings),
        reporting(settings),
        elastic(settings),
        drop_folder(settings),
        _freshness(settings, now=dt.datetime.now(tz=dt.UTC)),
    ]


def _spacelift(settings: Settings) -> Part:
    if not settings.has_credentials:
        return Part("spacelift", "not configured", f"set {ENDPOINT}, {KEY_ID} and {KEY_SECRET}, or {TOKEN}")
    try:
        with spacelift_client(settings) as client:
            client.verify_credentials()
    except SpaceliftError as error:
        return Part("spacelift", "failed", str(error))
    kind = "token" if settings.token else "API key"
    return Part("spacelift", "ok", f"{settings.endpoint} takes the {kind}; account {settings.account}")


def _database(settings: Settings) -> Part:
    try:
        if settings.database_url is None:
            status = embedded.status(settings.home)
            if status.state in ("absent", "stopped"):
                return Part(
                    "database", "ok", f"embedded, {status.state}, starts with the first run: {status.folder}"
                )
        url = settings.database_url or embedded.ensure_running(settings.home)
        with closing(connect(url)) as connection:
            account = account_of(connection)
            suspicious = _suspicious(connection) if account else ""
            info = connection.info
            version = info.parameter_status("server_version")
            place = f"PostgreSQL {version} at {info.host}:{info.port}/{info.dbname}"
    except WarehouseError as error:
        return Part("database", "failed", str(error))
    if account and settings.account and account != settings.account:
        return Part(
            "database", "failed", f"{place} holds account {account}, not {settings.account}: name another"
        )
    return Part(
        "database", "ok", f"{place}; {f'account {account}{suspicious}' if account else 'no data yet'}"
    )


def _suspicious(connection: psycopg.Connection) -> str:
    """The days that keep their former rows until somebody accepts fewer; nothing when there are none."""
    days = [
        f"{aspect.name} of {day}"
        for aspect in ASPECTS.values()
        for day in suspicious_days(connection, aspect=aspect)
    ]
    return f"; suspicious: {', '.join(days)}: see --accept-shrinkage" if days else ""


def _archive(settings: Settings) -> Part:
    try:
        archive = Archive(settings.archive_url)
        bodies = sum(
            len(archive.entries(account=settings.account, aspect=aspect))
            for aspect in (ASPECTS.values() if settings.account else ())
            if settings.account
        )
    except ArchiveError as error:
        return Part("archive", "failed", str(error))
    return Part("archive", "ok", f"{archive.url}; {bodies} files of this account")


def _freshness(settings: Settings, *, now: dt.datetime) -> Part:
    name = "landing"
    try:
        if settings.database_url is None and embedded.status(settings.home).state in ("absent", "stopped"):
            return Part(name, "ok", "not known while the database is stopped")
        url = settings.database_url or embedded.ensure_running(settings.home)
        with in_one_line(url), closing(connect(url)) as connection:
            # Without an account there is no schema yet either.
            last = last_successes(connection) if account_of(connection) else {}
            expected = expected_aspects(connection) if last else []
    except WarehouseError:
        return Part(name, "failed", "not known without the database")
    if not last:
        return Part(name, "ok", "nothing has landed yet: spacelift-usage run")
    told = ", ".join(f"{aspect} at {at:%Y-%m-%d %H:%M} UTC" for aspect, at in last.items())
    if len(last) < len(expected) or now - min(last.values()) > FRESH_FOR:
        return Part(
            name,
            "late",
            f"no load of both files for {FRESH_FOR // dt.timedelta(hours=1)} hours; last: {told}",
        )
    return Part(name, "ok", f"last success: {told}")
