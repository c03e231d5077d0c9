"""Why a run failed, in a person's words, from what Dagster recorded."""

from collections.abc import Iterable, Mapping

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)


def reason_of(event: dg.DagsterEvent) -> str:
    """What a failed step says, in one line: ours, else the root of the error."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error and error.cause:
        error = error.cause
    message = " ".join(error.message.split()) if error else "failed without saying why"
    return f"{event.step_key}: {message}"


def reasons_of(events: Iterable[dg.DagsterEvent], *, otherwise: str) -> str:
    """What the failed steps of a run say; `otherwise` when no step failed."""
    return "; ".join(reason_of(event) for event in events) or otherwise


def days_of(tags: Mapping[str, str]) -> str:
    """The days that a run is about, from its tags."""
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first and last:
        return f"{first} to {last}"
    return tags.get(PARTITION_NAME_TAG) or "no days of its own"
