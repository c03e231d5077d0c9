"""Chance with a seed: the same throws, and so the same account, on every machine and Python.

Only `random()` and `getrandbits()` are used, whose sequences Python promises to keep.
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

Thing = TypeVar("Thing")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Dice:
    """One seeded sequence of throws."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up data, nothing to keep secret

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included, all equally likely."""
        return low + int(self._random.random() * (high - low + 1))

    def skewed(self, low: int, high: int) -> int:
        """A whole number from low to high: mostly near low, now and then far above."""
        throw = self._random.random()
        return low + int((high - low) * throw * throw * throw)

    def pick(self, things: Sequence[Thing], *, weights: Sequence[float] | None = None) -> Thing:
        heights = list(accumulate(weights or [1.0] * len(things)))
        return things[min(bisect_right(heights, self._random.random() * heights[-1]), len(things) - 1)]

    def ulid(self, *, unix_seconds: int) -> str:
        """A ULID made in that second: 48 bits of milliseconds, 80 of chance, in Crockford's base32."""
        milliseconds = unix_seconds * 1000 + self.between(0, 999)
        number = (milliseconds << 80) | self._random.getrandbits(80)
        return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
