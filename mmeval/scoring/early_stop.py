"""Early stopping: a question's turns are asked one after the other, and none after the one that lost it.

CircularEval counts a question only where every turn is right, so that its score stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.readings.choices import lost
from mmeval.types import Record, Sample, Score


class EarlyStop:
    """The questions that are lost so far: a turn of theirs was read by every scorer and found wrong."""

    def __init__(self, scorers: Iterable[Callable[[Record], Score]], held: Iterable[Record]) -> None:
        """`held` are the answers that are there already."""
        self._scorers = tuple(scorers)
        self._lost: set[str] = set()
        for record in held:
            self.see(record)

    def see(self, record: Record) -> None:
        """Notes an answer."""
        if record.error is None and all(lost(score(record)) for score in self._scorers):
            self._lost.add(record.groups[GROUP])

    def __contains__(self, sample: Sample) -> bool:
        """Whether the sample is a turn of a question that is lost."""
        return sample.groups.get(GROUP) in self._lost

    @staticmethod
    def waves(samples: Sequence[Sample]) -> list[list[Sample]]:
        """The first turn of every question, then the second ones, and so on."""
        turns: dict[int, list[Sample]] = {}
        for sample in samples:
            turns.setdefault(int(sample.tags.get("turn", "0")), []).append(sample)
        return [turns[turn] for turn in sorted(turns)]
