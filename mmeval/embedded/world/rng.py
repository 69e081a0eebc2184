"""Chance from a name: the same name gives the same rolls on every machine and every Python.

Built on `random.Random.random` and `getrandbits` alone: Python makes no such promise for `choice` and `shuffle`.
"""

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """Rolls that depend on nothing but the name they were made from."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)

    def below(self, end: int) -> int:
        """Return a whole number from 0 to end - 1."""
        return int(self._random.random() * end)

    def between(self, low: float, high: float) -> float:
        """Return a number from low to high."""
        return low + (high - low) * self._random.random()

    def coin(self, heads: float = 0.5) -> bool:
        """Return True with that probability."""
        return self._random.random() < heads

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items, all alike likely."""
        return items[self.below(len(items))]

    def other(self, items: Iterable[T], than: T) -> T:
        """Return one of the items that are not `than`, all alike likely."""
        return self.pick([item for item in items if item != than])

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return all of the items in any order."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in items]

    def swapped(self, first: T, second: T) -> tuple[T, T]:
        """Return both, in any order: which of two near facts is to be the true one."""
        return (first, second) if self.coin() else (second, first)

    def noise(self, count: int) -> bytes:
        """Return random bytes."""
        return self._random.getrandbits(8 * count).to_bytes(count, "little")
