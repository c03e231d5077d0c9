"""How long a step waits before it asks the vendor again."""

import pytest

from orchestration.assets.land_days import (
    FIRST_WAIT_SECONDS,
    JITTER,
    LONGEST_WAIT_SECONDS,
    MAX_RETRIES,
    wait_seconds,
)


def test_waits_grow_and_all_of_them_together_are_bounded():
    for jitter in (-1.0, 0.0, 1.0):
        waits = [
            wait_seconds(retry_number=number, retry_after=None, jitter=jitter)
            for number in range(MAX_RETRIES)
        ]
        assert waits == sorted(set(waits))
        assert waits[0] == FIRST_WAIT_SECONDS * (1 + JITTER * jitter)
        assert sum(waits) < 10 * 60
    assert wait_seconds(retry_number=99, retry_after=None, jitter=1) <= LONGEST_WAIT_SECONDS * (1 + JITTER)


@pytest.mark.parametrize("jitter", [-1.0, -0.3, 0.0, 1.0])
@pytest.mark.parametrize(
    ("wish", "at_least"),
    [
        pytest.param(0.0, 0.0, id="at once"),
        pytest.param(120.0, 120.0, id="two minutes"),
        pytest.param(7200.0, LONGEST_WAIT_SECONDS, id="longer than a run may last"),
    ],
)
def test_the_servers_wish_is_kept_up_to_a_bound_and_nobody_comes_back_early(wish, at_least, jitter):
    waited = wait_seconds(retry_number=3, retry_after=wish, jitter=jitter)
    assert at_least <= waited <= at_least * (1 + JITTER)
    assert (waited > at_least) == (at_least > 0 and jitter != 0)
