"""What a person may ask of a run of the daily job, beside its days."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

# At run time these would load Dagster, which no command needs before it knows that it can run.
if TYPE_CHECKING:
    from orchestration.assets.raw_selfhosted_rows import ReportConfig
    from orchestration.landing.usage_file import UsageFile


@dataclass(frozen=True)
class RunOptions:
    """As they are, the days are downloaded and the models of days that changed are built.

    With `file` its aspect is landed from there, and what only the vendor could tell is left out of the run,
    as it is without `download`. Without `build_models` a file is only landed, because another one follows.
    With `report` it is the job of a self-hosted instance.
    """

    from_archive: bool = False
    accept_shrinkage: bool = False
    full_refresh: bool = False
    file: "UsageFile | None" = None
    download: bool = True
    build_models: bool = True
    report: "ReportConfig | None" = None
