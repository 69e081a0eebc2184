"""CircularEval: a question is asked once per rotation of its options and counts only if every answer is right.

The rule is MMBench's (Liu et al. 2023, arXiv 2307.06281, section 4.2), the rotations those of `vlmutil circular` in
VLMEvalKit.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TypeVar

from mmeval.scoring.facts import needed
from mmeval.scoring.readings.choices import LETTERS, lost
from mmeval.scoring.sampled import answers
from mmeval.types import Record, Sample, Score, whole_number

T = TypeVar("T")
GROUP = "circular"
"""The group that ties a question's rotations together."""


def turned(choices: Sequence[T], turn: int) -> tuple[T, ...]:
    """Return the options in the order of a rotation, from 0. Each step gives A the text of B, and the last one A's."""
    return (*choices[turn:], *choices[:turn])


def turned_letter(letter: str, options: int, turn: int) -> str:
    """Return the right option's letter in a rotation."""
    return LETTERS[(LETTERS.index(letter) - turn) % options]


@dataclass(frozen=True)
class Question:
    """The rotations of one question: records and marks, in order."""

    records: Sequence[Record]
    marks: Sequence[float | None]

    @cached_property
    def turns(self) -> int:
        """The number of rotations it should have: one per option, unless the data say fewer."""
        return whole_number(self.records[0].tags, "turns", str(len(self.records[0].choices)))

    @cached_property
    def first(self) -> float | None:
        """The mark of the first pass, which is all that VanillaEval counts."""
        return self.marks[0] if self.records[0].tags.get("turn", "0") == "0" else None

    @cached_property
    def hit(self) -> float | None:
        """0 if any rotation has less than full marks, otherwise None if any has no mark, otherwise 1."""
        if any(mark is not None and mark < 1.0 for mark in self.marks):
            return 0.0
        return None if None in self.marks else 1.0

    @cached_property
    def whole(self) -> bool:
        """Whether every rotation was asked, none skipped because an earlier one was wrong."""
        return not any("skipped" in record.tags for record in self.records)

    @cached_property
    def cluster(self) -> str:
        """The cluster, shared by questions about the same pictures."""
        return " ".join(self.records[0].images) or self.records[0].groups[GROUP]


def questions(records: Sequence[Record], scores: Sequence[Score]) -> list[Question]:
    """Group records into questions, in order of first appearance."""
    groups: dict[str, list[tuple[Record, float | None]]] = {}
    for record, score in zip(records, scores, strict=True):
        groups.setdefault(record.groups[GROUP], []).append((record, score.value))
    ordered = (sorted(rows, key=lambda row: _turn(row[0])) for rows in groups.values())
    return [Question([record for record, _ in rows], [mark for _, mark in rows]) for rows in ordered]


def incomplete(all_questions: Sequence[Question]) -> str | None:
    """Return a sentence that names the questions with missing rotations, or None."""
    incomplete_questions = [question for question in all_questions if len(question.records) != question.turns]
    if not incomplete_questions:
        return None
    names = [
        f"{q.records[0].groups[GROUP]} ({len(q.records)} of {q.turns} rotations)" for q in incomplete_questions[:3]
    ]
    more = f" and {len(incomplete_questions) - 3} more" if len(incomplete_questions) > 3 else ""
    return f"incomplete: question {', '.join(names)}{more}"


def chance(all_questions: Sequence[Question]) -> float | None:
    """Return the expected share of questions right if every rotation gets a random letter."""
    shares = [len(q.records[0].choices) ** -float(q.turns) for q in all_questions if q.records[0].choices]
    return math.fsum(shares) / len(shares) if shares else None  # fsum: independent of the order


def _turn(item: Record | Sample) -> int:
    return whole_number(item.tags, "turn", "0")


class EarlyStop:
    """The questions lost so far: every scorer parsed the answer to one of their rotations and found it wrong.

    Later rotations need not be asked, since they cannot change the score. If several answers are sampled, a question
    is lost when it is lost for the first answers, for the second ones, and so on.
    """

    def __init__(
        self, scorers: Iterable[Callable[[Record], Score]], records: Iterable[Record], number_of_samples: int = 1
    ) -> None:
        self._scorers = tuple(scorers)
        self._samples = number_of_samples
        self._lost: dict[str, set[int]] = {}
        for record in records:
            self.see(record)

    def see(self, record: Record) -> None:
        """Record an answer."""
        if record.error is not None:
            return
        with needed([record]):
            marks = [[score(answer) for score in self._scorers] for answer in answers(record)]
            lost_samples = self._lost.setdefault(record.groups[GROUP], set())
        lost_samples |= {index for index, scores in enumerate(marks) if all(map(lost, scores))}

    def __contains__(self, sample: Sample) -> bool:
        """Return whether the sample is a rotation of a lost question."""
        return len(self._lost.get(sample.groups.get(GROUP, ""), ())) == self._samples

    @staticmethod
    def waves(samples: Sequence[Sample]) -> list[list[Sample]]:
        """Return the first rotation of every question, then the second ones, and so on."""
        return [list(wave) for _, wave in groupby(sorted(samples, key=_turn), key=_turn)]
