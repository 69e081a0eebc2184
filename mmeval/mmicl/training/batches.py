"""Choose the rows of a batch: of similar length, by number or by a budget of tokens, divided among processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from mmeval.mmicl.training.index import Index

Numbers = npt.NDArray[np.int64]
CHUNK = 50
"""Number of batches whose rows are sorted by length together."""


class LengthBatches(Sampler[list[int]]):
    """Batches of rows with similar lengths and numbers of pictures, in an order that every epoch shuffles.

    Rows are shuffled, cut into chunks of fifty batches, and sorted within a chunk; then batches are shuffled. In the
    first epoch the `largest` largest batches come first, so a run that does not fit into memory fails at once.
    """

    def __init__(
        self,
        index: Index,
        size: int,
        seed: int,
        largest: int = 0,
        *,
        tokens: int | None = None,
        weights: Sequence[float] = (),
        process: int = 0,
        processes: int = 1,
    ) -> None:
        """Take rows of an index, `size` per batch, or as many as fit into `tokens`, padding included.

        `weights`, one per file, are the files' sampling rates; an epoch has as many rows as the index. All processes
        get the same number of batches.
        """
        self.lengths = index.table[:, 3] + index.table[:, 5]
        self.costs = index.table[:, 3] + index.table[:, 4] if tokens is None else self.lengths
        self.files = index.table[:, 0]
        self.size, self.seed, self.largest, self.tokens, self.weights = size, seed, largest, tokens, tuple(weights)
        self.process, self.processes, self.epoch = process, processes, 0
        self.batch_size, self.drop_last = size, False  # accelerate reads them
        self._count = len(self._cut(np.random.default_rng((seed, 0)), tokens))

    @property
    def sampler(self) -> LengthBatches:
        """The object on which accelerate calls `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is used."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self._count // self.processes)

    def __iter__(self) -> Iterator[list[int]]:
        batches = self.plan()
        batches += batches[: -len(batches) % self.processes]
        return (batch.tolist() for batch in batches[self.process :: self.processes])

    def plan(self) -> list[Numbers]:
        """Return this epoch's batches for all processes; every epoch has the same number."""
        rng = np.random.default_rng((self.seed, self.epoch))
        batches = self._cut_to_count(rng)
        shuffled = [batches[number] for number in rng.permutation(len(batches))]
        if self.epoch == 0:
            longest = np.array([self.costs[batch].max() * len(batch) for batch in shuffled])
            front = np.argsort(-longest, kind="stable")[: self.largest]
            others = np.setdiff1d(np.arange(len(shuffled)), front)
            shuffled = [shuffled[number] for number in (*front, *others)]
        return shuffled

    def _cut_to_count(self, rng: np.random.Generator) -> list[Numbers]:
        """Cut the rows into as many batches as in the first epoch, for which the schedule was made."""
        state = rng.bit_generator.state
        batches, budget = self._cut(rng, self.tokens), self.tokens
        while budget is not None and len(batches) > self._count:
            rng.bit_generator.state = state
            budget += max(1, budget // 200)
            batches = self._cut(rng, budget)
        while len(batches) < self._count:
            widest = max(range(len(batches)), key=lambda number: len(batches[number]))
            batch = batches[widest]
            batches[widest : widest + 1] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        return batches

    def _cut(self, rng: np.random.Generator, tokens: int | None) -> list[Numbers]:
        order = self._drawn(rng)
        size = self.size if tokens is None else max(1, int(tokens / self.lengths.mean()))
        chunks = [order[start : start + CHUNK * size] for start in range(0, len(order), CHUNK * size)]
        sorted_chunks = [chunk[np.argsort(self.costs[chunk], kind="stable")] for chunk in chunks]
        if tokens is not None:
            return [batch for chunk in sorted_chunks for batch in within(chunk, self.lengths, tokens)]
        ordered = np.concatenate(sorted_chunks)
        return [ordered[start : start + size] for start in range(0, len(ordered), size)]

    def _drawn(self, rng: np.random.Generator) -> Numbers:
        """Shuffle the rows of an epoch: each row once, or from each file as many as its weight says."""
        if not self.weights:
            return rng.permutation(len(self.files))
        counts = np.diff(np.round(np.cumsum([0, *self.weights]) / sum(self.weights) * len(self.files)).astype(int))
        drawn = []
        for file, count in enumerate(counts):
            rows = np.flatnonzero(self.files == file)
            times, remainder = divmod(int(count), max(1, len(rows)))
            drawn += [*[rows] * times, rng.permutation(rows)[:remainder]]
        return rng.permutation(np.concatenate(drawn))


def within(rows: Numbers, lengths: Numbers, tokens: int) -> Iterator[Numbers]:
    """Cut sorted rows so that rows times longest is at most `tokens`; a longer row gets its own batch."""
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or lengths[rows[end]] * (end + 1 - start) > tokens:
            yield rows[start:end]
            start = end
