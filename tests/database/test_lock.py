"""The writer's lock: one at a time, never left behind."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest

from orchestration.warehouse.connection import connect
from orchestration.warehouse.lock import writer_lock

TIMEOUT_SECONDS = 20


def never() -> None:
    pytest.fail("there was nobody to wait for")


def test_a_second_writer_says_once_that_it_waits_and_goes_on_when_the_first_is_done(
    database_url: str,
) -> None:
    events: list[str] = []
    waiting = threading.Event()

    def second_writer() -> None:
        with writer_lock(database_url, on_wait=lambda: (events.append("waits"), waiting.set())):
            events.append("second writes")

    thread = threading.Thread(target=second_writer)
    with writer_lock(database_url, on_wait=never):
        thread.start()
        assert waiting.wait(TIMEOUT_SECONDS)
        time.sleep(0.2)
        events.append("first is done")
    thread.join(TIMEOUT_SECONDS)
    assert events == ["waits", "first is done", "second writes"]


def test_an_error_in_the_work_releases_the_lock(database_url: str) -> None:
    with pytest.raises(ValueError, match="bad row"), writer_lock(database_url, on_wait=never):
        raise ValueError("bad row")
    with writer_lock(database_url, on_wait=never):
        pass


def test_a_writer_that_is_killed_leaves_no_lock(database_url: str) -> None:
    with a_holder(database_url) as kill:
        kill()
        # The server may need a moment to see that the connection is gone.
        with writer_lock(database_url, on_wait=lambda: None):
            pass


def test_writers_of_two_databases_do_not_wait_for_each_other(
    database_url: str, empty_database_url: str
) -> None:
    with writer_lock(database_url, on_wait=never), writer_lock(empty_database_url, on_wait=never):
        pass


def test_the_lock_does_not_stop_readers(database_url: str) -> None:
    with writer_lock(database_url, on_wait=never), connect(database_url) as reader:
        assert reader.execute("select count(*) from raw.usage_loads").fetchone() == (0,)


@contextlib.contextmanager
def a_holder(url: str) -> Iterator[Callable[[], None]]:
    """Another process that holds the lock; gives what kills it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(url, theirs))
    process.start()
    assert ours.poll(TIMEOUT_SECONDS)
    try:
        yield process.kill
    finally:
        process.kill()
        process.join(TIMEOUT_SECONDS)


def _hold(url: str, pipe: Connection) -> None:
    with writer_lock(url, on_wait=never):
        pipe.send("held")
        time.sleep(3 * TIMEOUT_SECONDS)
