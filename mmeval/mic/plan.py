"""Choose by seed which rows become examples and which their demonstrations; no picture is read."""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmeval.mic.rows import SPLITS, SourceRow
from mmeval.types import InputError

SHARD = 128
"""Rows per shard."""
SPARE = 8
"""Extra demonstrations sampled, to replace those whose pictures turn out unusable."""
LOOK = 64
"""Maximum number of rows examined to find demonstrations about other pictures."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row, the number of its demonstrations, and the rows to take them from, in this order."""

    row: SourceRow
    shots: int
    candidates: tuple[SourceRow, ...]


@dataclass(frozen=True)
class Selection:
    """The rows of every split, and the numbers of the sampled ones, in the order of the data set's files."""

    rows: Mapping[str, Sequence[SourceRow]]
    numbers: Mapping[str, Sequence[int]]
    shots: tuple[int, int]
    seed: int

    @property
    def total(self) -> int:
        """The number of sampled rows, over all splits."""
        return sum(map(len, self.numbers.values()))

    def shards(self, split: str) -> list[str]:
        """Return the names of the shards of a split, in order."""
        return [f"{split}-{first // SHARD:06}" for first in range(0, len(self.numbers[split]), SHARD)]

    def shard(self, name: str) -> list[Drawn]:
        """Return the contents of a shard; deterministic."""
        split, _, number = name.partition("-")
        first = int(number) * SHARD
        return [self._draw(split, number) for number in self.numbers[split][first : first + SHARD]]

    def _draw(self, split: str, number: int) -> Drawn:
        rows = self.rows[split]
        row = rows[number]
        rng = random.Random(f"{self.seed}/demonstrations/{row.id}")
        shots = rng.randint(*self.shots)
        candidates: list[SourceRow] = []
        if shots:
            scenes = row.scenes  # never another question on the same picture, so never the row itself
            indices: Iterable[int] = (rng.randrange(len(rows)) for _ in range(LOOK))
            if len(rows) <= LOOK:
                indices = rng.sample(range(len(rows)), len(rows))
            for candidate in (rows[index] for index in indices):
                if candidate is not row and not candidate.problem and scenes.isdisjoint(candidate.scenes):
                    candidates.append(candidate)
                    scenes |= candidate.scenes
                if len(candidates) == shots + SPARE:
                    break
        return Drawn(row, shots, tuple(candidates))


def bounds(text: str) -> tuple[int, int]:
    """Parse `0..5` as the minimum and maximum number of demonstrations; `3` means exactly three. Raises InputError."""
    match = re.fullmatch(r"(\d{1,2})(?:\.\.(\d{1,2}))?", text.strip())
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if low > high:
        raise InputError(f"--shots {text}: not a number or a range; write it like 0..5 or 3")
    return low, high


def draw(
    rows: Iterable[SourceRow], sizes: Mapping[str, int], limit: int | None, shots: tuple[int, int], seed: int
) -> Selection:
    """Sample rows of each split without replacement: `limit`, else the size in `sizes`, or all if there are fewer.

    A split that `sizes` does not name is taken whole; a split of size 0 stays empty. Raises InputError if two rows
    have the same id or there is no row.
    """
    by_split: dict[str, list[SourceRow]] = {split: [] for split in SPLITS}
    ids: set[str] = set()
    for row in rows:
        by_split[row.split].append(row)
        ids.add(row.id)
    if len(ids) != sum(map(len, by_split.values())):
        raise InputError("two rows of the data set have the same id; check whether the folder holds a file twice")
    if not ids:
        raise InputError("the data set has no rows; check that this is the right folder")
    numbers: dict[str, list[int]] = {}
    for split, pool in by_split.items():
        size = sizes.get(split, len(pool))
        if size and limit is not None:
            size = limit
        if size := min(size, len(pool)):
            numbers[split] = sorted(random.Random(f"{seed}/{split}").sample(range(len(pool)), size))
    return Selection(by_split, numbers, shots, seed)
