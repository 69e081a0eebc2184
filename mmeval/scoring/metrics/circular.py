"""CircularEval: a question is asked once for each turn of its options, and counts only where every answer is right.

Rule: MMBench (Liu et al. 2023, arXiv 2307.06281), section 4.2; turns as VLMEvalKit's `vlmutil circular` makes them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TypeVar

from mmeval.scoring.readings.choices import LETTERS, lost
from mmeval.types import Record, Sample, Score, whole_number

T = TypeVar("T")
GROUP = "circular"
"""The group that ties the turns of a question together."""


def turned(choices: Sequence[T], turn: int) -> tuple[T, ...]:
    """Return the options in the order of a turn, from 0: at each, A takes B's text, the last one A's."""
    return (*choices[turn:], *choices[:turn])


def turned_letter(letter: str, options: int, turn: int) -> str:
    """Return the letter that the right option has at a turn."""
    return LETTERS[(LETTERS.index(letter) - turn) % options]


@dataclass(frozen=True)
class Question:
    """The turns of one question: records and marks, in the order of the turns."""

    records: Sequence[Record]
    marks: Sequence[float | None]

    @cached_property
    def turns(self) -> int:
        """How many turns it should have: one for each option, unless the data say fewer."""
        return whole_number(self.records[0].tags, "turns", str(len(self.records[0].choices)))

    @cached_property
    def first(self) -> float | None:
        """The mark of the question as it is, which is all that VanillaEval asks."""
        return self.marks[0] if self.records[0].tags.get("turn", "0") == "0" else None

    @cached_property
    def hit(self) -> float | None:
        """0 where one turn is wrong; else 1, or None where one has no mark."""
        if 0.0 in self.marks:
            return 0.0
        return None if None in self.marks else 1.0

    @cached_property
    def whole(self) -> bool:
        """Whether every turn was asked: none was left out because an earlier one had lost the question."""
        return not any("skipped" in record.tags for record in self.records)

    @cached_property
    def cluster(self) -> str:
        """What questions about the same pictures share."""
        return " ".join(self.records[0].images) or self.records[0].groups[GROUP]


def questions(records: Sequence[Record], scores: Sequence[Score]) -> list[Question]:
    """Group records into questions, in the order in which each is first met."""
    groups: dict[str, list[tuple[Record, float | None]]] = {}
    for record, score in zip(records, scores, strict=True):
        groups.setdefault(record.groups[GROUP], []).append((record, score.value))
    ordered = (sorted(rows, key=lambda row: _turn(row[0])) for rows in groups.values())
    return [Question([record for record, _ in rows], [mark for _, mark in rows]) for rows in ordered]


def incomplete(found: Sequence[Question]) -> str | None:
    """Return a sentence naming the questions that lack turns, or None."""
    lacking = [question for question in found if len(question.records) != question.turns]
    if not lacking:
        return None
    names = [f"{q.records[0].groups[GROUP]} ({len(q.records)} of {q.turns} turns)" for q in lacking[:3]]
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return f"incomplete: question {', '.join(names)}{more}"


def chance(found: Sequence[Question]) -> float | None:
    """Return the share of questions that drawing a letter for each turn gets right, in expectation."""
    shares = [len(q.records[0].choices) ** -float(q.turns) for q in found if q.records[0].choices]
    return math.fsum(shares) / len(shares) if shares else None  # the same in any order of the answers


def _turn(one: Record | Sample) -> int:
    return whole_number(one.tags, "turn", "0")


class EarlyStop:
    """The questions that are lost so far: every scorer read an answer to a turn of theirs, and found it wrong.

    Their later turns need not be asked: the score stays the same.
    """

    def __init__(self, scorers: Iterable[Callable[[Record], Score]], held: Iterable[Record]) -> None:
        self._scorers = tuple(scorers)
        self._lost: set[str] = set()
        for record in held:
            self.see(record)

    def see(self, record: Record) -> None:
        """Take note of an answer."""
        if record.error is None and all(lost(score(record)) for score in self._scorers):
            self._lost.add(record.groups[GROUP])

    def __contains__(self, sample: Sample) -> bool:
        """Return whether the sample is a turn of a question that is lost."""
        return sample.groups.get(GROUP) in self._lost

    @staticmethod
    def waves(samples: Sequence[Sample]) -> list[list[Sample]]:
        """Return the first turn of every question, then the second ones, and so on."""
        return [list(wave) for _, wave in groupby(sorted(samples, key=_turn), key=_turn)]
