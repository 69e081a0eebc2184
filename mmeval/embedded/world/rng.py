"""Random numbers from a name: the same name gives the same numbers on every machine and Python version.

Only `random.Random.random` and `getrandbits` are used, because Python does not guarantee this for `choice` and
`shuffle`.
"""

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """Random numbers that depend only on a name."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)

    def below(self, end: int) -> int:
        """Return a whole number from 0 to end - 1."""
        return int(self._random.random() * end)

    def between(self, low: float, high: float) -> float:
        """Return a number from low to high."""
        return low + (high - low) * self._random.random()

    def coin(self, heads: float = 0.5) -> bool:
        """Return True with the given probability."""
        return self._random.random() < heads

    def pick(self, items: Sequence[T]) -> T:
        """Return a random item."""
        return items[self.below(len(items))]

    def other(self, items: Iterable[T], than: T) -> T:
        """Return a random item that is not `than`."""
        return self.pick([item for item in items if item != than])

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in random order."""
        remaining = list(items)
        return [remaining.pop(self.below(len(remaining))) for _ in items]

    def swapped(self, first: T, second: T) -> tuple[T, T]:
        """Return both in random order, to choose which of two similar facts is true."""
        return (first, second) if self.coin() else (second, first)

    def noise(self, count: int) -> bytes:
        """Return random bytes."""
        return self._random.getrandbits(8 * count).to_bytes(count, "little")
