"""What a person sees while a run works: bars on a terminal, plain lines elsewhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from orchestration.progress import PROGRESS_LOGGER, DaysLanded, Waiting

MODELS = "models"


class RunProgress(Protocol):
    """Something that shows progress."""

    def show(self, message: DaysLanded | Waiting) -> None:
        """Days that landed, or why nothing moves."""

    def show_model(self, *, done: int, total: int, name: str) -> None:
        """A model was built."""


class ProgressLines:
    """One line for every tenth of the days, and one for the models."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tenths: dict[str, int] = {}

    def show(self, message: DaysLanded | Waiting) -> None:
        """Print it, unless it is less than a tenth further than the last."""
        if isinstance(message, DaysLanded):
            tenth = message.done * 10 // message.total
            if tenth == self._tenths.get(message.aspect, 0):
                return
            self._tenths[message.aspect] = tenth
        self._console.print(str(message), highlight=False, markup=False, soft_wrap=True)

    def show_model(self, *, done: int, total: int, name: str) -> None:
        """Print once, when all are built."""
        if done == total:
            self._console.print(f"{MODELS}: {done} of {total} built and tested", highlight=False)


class ProgressBars:
    """A bar for each file's days and one for the models."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, message: DaysLanded | Waiting) -> None:
        """Move the file's bar, or print why nothing moves."""
        if isinstance(message, Waiting):
            self._progress.console.print(message.reason, highlight=False, markup=False, soft_wrap=True)
            return
        self._move(message.aspect, message.done, message.total, f"{message.rows:,} rows")

    def show_model(self, *, done: int, total: int, name: str) -> None:
        """Move the models' bar."""
        self._move(MODELS, done, total, name)

    def _move(self, title: str, done: int, total: int, detail: str) -> None:
        if title not in self._tasks:
            self._tasks[title] = self._progress.add_task(title, total=total, detail="")
        self._progress.update(self._tasks[title], completed=done, total=total, detail=detail)


@contextmanager
def shown_progress(console: Console) -> Iterator[RunProgress]:
    """Progress on this console while the block runs."""
    if not console.is_terminal:
        with _listening(lines := ProgressLines(console)):
            yield lines
        return
    columns = (
        TextColumn("{task.description:>13}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as progress, _listening(bars := ProgressBars(progress)):
        yield bars


class _Handler(logging.Handler):
    def __init__(self, progress: RunProgress) -> None:
        super().__init__(logging.INFO)
        self._shown = progress

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, DaysLanded | Waiting):
            self._shown.show(record.msg)


@contextmanager
def _listening(progress: RunProgress) -> Iterator[None]:
    handler = _Handler(progress)
    level, propagate = PROGRESS_LOGGER.level, PROGRESS_LOGGER.propagate
    PROGRESS_LOGGER.addHandler(handler)
    PROGRESS_LOGGER.setLevel(logging.INFO)
    PROGRESS_LOGGER.propagate = False
    try:
        yield
    finally:
        PROGRESS_LOGGER.removeHandler(handler)
        PROGRESS_LOGGER.setLevel(level)
        PROGRESS_LOGGER.propagate = propagate
