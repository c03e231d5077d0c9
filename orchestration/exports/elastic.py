"""Zero-filled hours from the marts into Elasticsearch, day by day, each day once for each state of it.

Here: which days have to be posted, and the record of them. Not here: the documents (elastic_documents.py),
HTTP (elastic_client.py).

`raw.elastic_exports` has what each posted day rested on: what it was built from, the percentiles of its
billing period, and the shape of the documents. A day where that differs is posted again, whole; documents of
the day that are no longer in the marts are deleted. Where the index is missing, every day is posted.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from orchestration.exports.elastic_client import Document, ElasticClient
from orchestration.exports.elastic_documents import GRAINS, INDEX, TEMPLATE
from orchestration.exports.focus import ExportError
from orchestration.landing.windows import ONE_DAY, windows
from orchestration.warehouse.schema import account_of

# Posted, cleaned and recorded together.
DAYS_AT_ONCE = 31
_ROWS_AT_ONCE = 2_000

# What the second of two exports says (warehouse/lock.py).
WAITING = "Waiting for another export to Elasticsearch."


@dataclass(frozen=True)
class Exported:
    """What an export did."""

    days: int
    documents: int
    deleted: int


@dataclass(frozen=True)
class DayRange:
    """UTC days, both ends included; None is open."""

    first: dt.date | None = None
    last: dt.date | None = None


def export_to_elastic(
    connection: psycopg.Connection,
    client: ElasticClient,
    *,
    target: str,
    days: DayRange | None = None,
    on_progress: Callable[[dt.date, int], None] = lambda last, documents: None,
) -> Exported:
    """Post the days that changed since they were last posted to `target`; with `days` those, changed or not.

    The connection must have no transaction open. Whoever calls is the only one that exports
    (warehouse/lock.py).

    Raises:
        ExportError: there are no marts yet.
        ElasticError: the server refuses, or does not answer; what was recorded stays.
        psycopg.Error: the database failed.
    """
    account = account_of(connection)
    states = day_states(connection)
    if account is None or not states:
        raise ExportError("there are no marts yet: start `spacelift-usage run` first")
    # Before the index is there: should this export stop part-way, the next one must not take days for posted
    # that only an index before this one had.
    client.prepare_index(
        INDEX, template=TEMPLATE, before_new=lambda: _forget_posted(connection, target=target)
    )
    posted = _posted(connection, target=target)
    if days is not None:
        wanted = [day for day in states if (days.first or day) <= day <= (days.last or day)]
    else:
        wanted = [day for day, state in states.items() if posted.get(day) != state]
    documents = deleted = 0
    for window in windows(wanted, at_most=DAYS_AT_ONCE):
        exported_at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        parameters = {
            "first": window[0],
            "last": window[-1],
            "account": account,
            "exported_at": exported_at,
        }
        posted_now = client.index_documents(INDEX, _documents(connection, parameters))
        deleted += client.delete_others(
            INDEX,
            query={
                "bool": {
                    "filter": [
                        {"term": {"account": account}},
                        {
                            "range": {
                                "@timestamp": {
                                    "gte": f"{window[0]}T00:00:00Z",
                                    "lt": f"{window[-1] + ONE_DAY}T00:00:00Z",
                                }
                            }
                        },
                    ],
                    "must_not": [{"term": {"exported_at": exported_at}}],
                }
            },
        )
        documents += posted_now
        record_posted(connection, {day: states[day] for day in window}, target=target)
        on_progress(window[-1], documents)
    return Exported(days=len(wanted), documents=documents, deleted=deleted)


def _documents(connection: psycopg.Connection, parameters: dict[str, object]) -> Iterator[Document]:
    # One snapshot for all three, so that a build meanwhile cannot come between them.
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        for grain in GRAINS:
            with connection.cursor(name="elastic_export") as cursor:
                cursor.itersize = _ROWS_AT_ONCE
                cursor.execute(grain.documents, parameters)
                for id_, document in cursor:
                    yield Document(id_, document)


def day_states(connection: psycopg.Connection) -> dict[dt.date, str]:
    """For every built day of the calendar, in order, a fingerprint of what its documents rest on."""
    with connection.transaction():
        known = connection.execute("select to_regclass('marts.data_freshness')").fetchone()
        if known is None or known[0] is None:
            return {}
        rows = connection.execute(
            """
            select
                days.date_day,
                md5(concat_ws('|', days.built_fingerprint, %s::text, string_agg(
                    percentiles::text, '|'
                    order by percentiles.period_start_at, percentiles.scope, percentiles.worker_pool_key
                )))
            from intermediate.int_fact_days as days
            left join marts.dim_billing_periods as periods
                on days.ends_at > periods.period_start_at and days.starts_at < periods.period_end_at
            left join marts.billing_worker_percentiles as percentiles
                on periods.contract_id = percentiles.contract_id
                and periods.period_start_at = percentiles.period_start_at
            where days.built_fingerprint is not null
            group by days.date_day, days.built_fingerprint
            order by days.date_day
            """,
            [_shape()],
        ).fetchall()
    return dict(rows)


def _shape() -> str:
    """Another one after an upgrade that changes the documents."""
    return hashlib.sha256(repr((TEMPLATE, [grain.select for grain in GRAINS])).encode()).hexdigest()


def _posted(connection: psycopg.Connection, *, target: str) -> dict[dt.date, str]:
    with connection.transaction():
        rows = connection.execute(
            "select usage_date, fingerprint from raw.elastic_exports where target = %s", [target]
        ).fetchall()
    return dict(rows)


def _forget_posted(connection: psycopg.Connection, *, target: str) -> None:
    with connection.transaction():
        connection.execute("delete from raw.elastic_exports where target = %s", [target])


def record_posted(connection: psycopg.Connection, states: dict[dt.date, str], *, target: str) -> None:
    """Note what days rested on when they were posted."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.elastic_exports (target, usage_date, fingerprint) values (%s, %s, %s)"
            " on conflict (target, usage_date) do update"
            " set fingerprint = excluded.fingerprint, exported_at = now()",
            [(target, day, state) for day, state in states.items()],
        )
