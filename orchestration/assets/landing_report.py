"""What a raw asset tells the UI: materializations of the days that landed, metadata, its own two checks.

A step that is tried again forgets what its first attempt saw in the files, and raw.usage_loads does not keep
it. So each attempt tells it to Dagster's event log before the next one, as an observation of the asset; the
last attempt adds up.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

# Private: an output with this key in its metadata is not taken for a materialization of the whole range.
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from orchestration.landing.loads import Load
from orchestration.loads import LandedDay

NO_UNKNOWN_COLUMNS = "no_unknown_columns"
NO_QUARANTINED_ROWS = "no_quarantined_rows"

_FOUND = "found_before_the_retry"


@dataclass(frozen=True)
class _Findings:
    """What some attempts saw in the files that they landed."""

    unknown_columns: list[str]
    columns_read_by_place: list[str]
    rows_read_slowly: int


def landing_check_specs(key: Sequence[str]) -> list[dg.AssetCheckSpec]:
    """The checks that only the landing itself can answer."""
    return [
        dg.AssetCheckSpec(
            NO_UNKNOWN_COLUMNS,
            asset=key,
            description="The file's header has no column that this project does not know yet, nor one that "
            "was read by its place because of another name. A warning: the known columns landed, a new one "
            "is in the archive, and one of another name may have another unit.",
        ),
        dg.AssetCheckSpec(
            NO_QUARANTINED_ROWS,
            asset=key,
            description="No row had to be set aside. A warning: the others landed, these stand in "
            "raw.quarantined_rows with their reasons.",
        ),
    ]


def tell_before_retry(context: dg.AssetExecutionContext, *, loads: Sequence[Load]) -> None:
    """Keep what this attempt found, for the one that will say how the step ended."""
    found = asdict(_findings_of(loads))
    if any(found.values()):
        context.log_event(dg.AssetObservation(context.asset_key, metadata={_FOUND: found}))


def landing_result(
    context: dg.AssetExecutionContext,
    *,
    days: Sequence[dt.date],
    landed: Sequence[LandedDay],
    loads: Sequence[Load],
) -> dg.MaterializeResult:
    """The step's result: every landed day materialized with its own counts, and no other day."""
    rows = sum(day.rows_landed for day in landed)
    found = _merged([*_earlier_findings(context), _findings_of(loads)])
    metadata: dict[str, Any] = {
        "days": len(landed),
        "rows": rows,
        # Many of them mean that the vendor writes values in a new way; landing is then many times slower.
        "rows_read_slowly_percent": round(100 * found.rows_read_slowly / rows, 3) if rows else 0.0,
    }
    if landed:
        metadata["loaded_through"] = max(day.usage_date for day in landed).isoformat()
    if len(landed) < len(days):
        for day in landed:
            _materialize(context, day, metadata=metadata)
        metadata = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
    else:
        for day in landed:
            context.add_asset_metadata(_metadata_of_day(day), partition_key=day.usage_date.isoformat())
    return dg.MaterializeResult(metadata=metadata, check_results=_check_results(landed=landed, found=found))


def _materialize(context: dg.AssetExecutionContext, day: LandedDay, *, metadata: Mapping[str, Any]) -> None:
    context.log_event(
        dg.AssetMaterialization(
            context.asset_key,
            partition=day.usage_date.isoformat(),
            metadata={**metadata, **_metadata_of_day(day)},
        )
    )


def _metadata_of_day(day: LandedDay) -> dict[str, Any]:
    return {
        "dagster/row_count": day.rows_landed,
        "quarantined_rows": day.rows_quarantined,
        "rows_outside_the_day": day.rows_outside_window,
        "archive_uri": day.archive_uri or "",
    }


def _findings_of(loads: Sequence[Load]) -> _Findings:
    return _Findings(
        unknown_columns=sorted({field for load in loads for field in load.unknown_fields}),
        columns_read_by_place=sorted({field for load in loads for field in load.fields_by_position}),
        rows_read_slowly=sum(load.rows_read_slowly for load in loads),
    )


def _earlier_findings(context: dg.AssetExecutionContext) -> list[_Findings]:
    """Of this step's former attempts in this run."""
    if context.retry_number == 0:
        return []
    observations = (
        record.event_log_entry.asset_observation
        for record in context.instance.get_records_for_run(
            context.run.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION
        ).records
    )
    return [
        _Findings(**observation.metadata[_FOUND].value)
        for observation in observations
        if observation and observation.asset_key == context.asset_key and _FOUND in observation.metadata
    ]


def _merged(findings: Sequence[_Findings]) -> _Findings:
    return _Findings(
        unknown_columns=sorted({column for each in findings for column in each.unknown_columns}),
        columns_read_by_place=sorted({column for each in findings for column in each.columns_read_by_place}),
        rows_read_slowly=sum(each.rows_read_slowly for each in findings),
    )


def _check_results(*, landed: Sequence[LandedDay], found: _Findings) -> list[dg.AssetCheckResult]:
    unknown, by_place = found.unknown_columns, found.columns_read_by_place
    remarks = [f"Not landed: {', '.join(unknown)}."] if unknown else []
    if by_place:
        remarks.append(f"Read by place, look whether they mean the same: {', '.join(by_place)}.")
    quarantined = sum(day.rows_quarantined for day in landed)
    rows = sum(day.rows_landed for day in landed) + quarantined
    return [
        dg.AssetCheckResult(
            check_name=NO_UNKNOWN_COLUMNS,
            passed=not remarks,
            severity=dg.AssetCheckSeverity.WARN,
            description=" ".join(remarks) or None,
            metadata={"unknown_columns": len(unknown), "columns_read_by_place": len(by_place)},
        ),
        dg.AssetCheckResult(
            check_name=NO_QUARANTINED_ROWS,
            passed=quarantined == 0,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{quarantined} of {rows} rows stand in raw.quarantined_rows."
            if quarantined
            else None,
            metadata={
                "quarantined_rows": quarantined,
                "quarantined_percent": round(100 * quarantined / rows, 3) if rows else 0.0,
            },
        ),
    ]
