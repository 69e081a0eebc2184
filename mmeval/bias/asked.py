"""A run's scored answers as the bias study reads them, and how a run under a control is matched to it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mmeval.controls.words import TURN
from mmeval.scored import judge, score_records
from mmeval.scoring import baselines
from mmeval.scoring.baselines import yes_or_no
from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.metrics.groups import in_whole_groups, percent
from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.types import Record, Score, whole_number

TYING = ("pair", GROUP, "item")
"""Groups of records that ask one question in several ways. It is solved if all of them are correct."""


@dataclass(frozen=True)
class Asked:
    """Records and their scores by the task's first scorer, in the same order."""

    task: Task
    records: Sequence[Record]
    scores: Sequence[Score]

    @cached_property
    def by_id(self) -> dict[str, tuple[Record, Score]]:
        """Map ids to records and scores."""
        return {record.id: (record, score) for record, score in zip(self.records, self.scores, strict=True)}

    def only(self, ids: Collection[str]) -> "Asked":
        """Return a copy with only these questions."""
        pairs = [pair for pair in zip(self.records, self.scores, strict=True) if pair[0].id in ids]
        return replace(self, records=[record for record, _ in pairs], scores=[score for _, score in pairs])

    def answered(self) -> "Asked":
        """Return a copy without the questions that failed."""
        return self.only({record.id for record in self.records if record.error is None})

    def numbers(self) -> dict[str, Statistic]:
        """Return the task's own numbers, by the first scorer."""
        return self.task.metrics[next(iter(self.task.scorers))](self.records, self.scores)

    def answering(self, answer: str) -> "Asked":
        """Return a copy in which every question is answered with `answer`."""
        main = next(iter(self.task.scorers))
        records, scores = baselines.answering(self.records, answer, lambda record: judge(self.task, record, main))
        return replace(self, records=records, scores=scores)

    def accuracy(self) -> Statistic:
        """Return the percentage of correct questions, by cluster."""
        return replace(self.share(lambda record, score: score.value), chance=chance(self.records))

    def share(self, mark: Callable[[Record, Score], float | None]) -> Statistic:
        """Return the mean of a mark in percent, by cluster; None leaves a question out. Chance is unknown."""
        marks = (
            (mark(record, score), cluster(record)) for record, score in zip(self.records, self.scores, strict=True)
        )
        rows = [(value, name) for value, name in marks if value is not None]
        return percent(Mean([value for value, _ in rows], [name for _, name in rows]), None)

    def right(self) -> dict[str, bool]:
        """Map the ids of scored questions to whether they are fully correct."""
        return {id: score.value == 1.0 for id, (_, score) in self.by_id.items() if score.value is not None}


def judged(task: Task, records: Sequence[Record]) -> Asked:
    """Score records with the task's first scorer."""
    scored = score_records(task, records)
    return Asked(task, records, scored.scores[next(iter(task.scorers))])


def matched(main: Asked, control: Asked) -> tuple[Asked, Asked]:
    """Return both on their common questions; the control gets the main run's pictures, so the clusters agree.

    A question that failed in either run is left out of both, with the rest of its group: without it, a pair or a
    rotation has no result.
    """
    both = [record for record in main.records if record.id in control.by_id]
    failed = {record.id for one in (main, control) for record in one.records if record.error is not None}
    shared = in_whole_groups({record.id for record in both} - failed, both)
    own, other = main.only(shared), control.only(shared)
    records = [replace(record, images=main.by_id[record.id][0].images) for record in other.records]
    return own, replace(other, records=records)


def cluster(record: Record) -> str:
    """Return the record's cluster of dependent questions: its first group, else its pictures, else its id."""
    return next(iter(record.groups.values()), "") or " ".join(record.images) or record.id


def unit(record: Record) -> str:
    """Return the question that a record asks in one of several ways: its pair or rotations; else the record's id."""
    return next((f"{name} {record.groups[name]}" for name in TYING if name in record.groups), record.id)


def chance(records: Sequence[Record]) -> float | None:
    """Return the accuracy of guessing each question, in percent, for yes/no or lettered answers; else None."""
    if yes_or_no(records):
        return 50.0
    if not records or not all(record.choices and record.targets for record in records):
        return None
    return 100.0 * sum(len(record.targets) / len(record.choices) for record in records) / len(records)


def said(record: Record, score: Score) -> str:
    """Return the answer in a comparable form: as parsed, with letters mapped back to the unrotated options."""
    if score.answer is None:
        return f"unread: {' '.join((record.text or '').split())}"
    turn = whole_number(record.tags, TURN, "0")
    if turn and score.answer in LETTERS[: len(record.choices)]:
        return LETTERS[(LETTERS.index(score.answer) + turn) % len(record.choices)]
    return score.answer
