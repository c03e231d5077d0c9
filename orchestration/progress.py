"""How long work tells whoever watches that it moves on.

The assets report through this logger; the command line listens (runs/shown_progress.py), elsewhere nobody
does. Dagster's own event log would cost about 10 ms a line.
"""

import logging
from dataclasses import dataclass

PROGRESS_LOGGER = logging.getLogger("orchestration.progress")


@dataclass(frozen=True)
class DaysLanded:
    """One aspect of a run: how many of its days are done, failed ones included, and rows landed so far."""

    aspect: str
    done: int
    total: int
    rows: int

    def __str__(self) -> str:
        return f"{self.aspect}: {self.done} of {self.total} days, {self.rows:,} rows"


@dataclass(frozen=True)
class Waiting:
    """Nothing moves for a known reason."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Note(Waiting):
    """What a person should read while the run goes on, though nothing waits."""


def report(message: DaysLanded | Waiting) -> None:
    """Tell the listeners, if there are any."""
    PROGRESS_LOGGER.info(message)
