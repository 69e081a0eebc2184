"""A run's answers, judged, as the study of bias reads them; and its run under a control, matched to it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mmeval.controls.words import TURN
from mmeval.scored import score_records
from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.metrics.groups import percent
from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.types import Record, Score, whole_number

TYING = ("pair", GROUP, "item")
"""Groups whose questions are one question asked several ways: it is solved where all of them are."""


@dataclass(frozen=True)
class Asked:
    """Records and scores by the task's first scorer, in one order."""

    task: Task
    records: Sequence[Record]
    scores: Sequence[Score]

    @cached_property
    def by_id(self) -> dict[str, tuple[Record, Score]]:
        """Map ids to what was answered and what that was worth."""
        return {record.id: (record, score) for record, score in zip(self.records, self.scores, strict=True)}

    def only(self, ids: Collection[str]) -> "Asked":
        """Return the same of these questions alone."""
        pairs = [pair for pair in zip(self.records, self.scores, strict=True) if pair[0].id in ids]
        return replace(self, records=[record for record, _ in pairs], scores=[score for _, score in pairs])

    def numbers(self) -> dict[str, Statistic]:
        """Return the task's own numbers, by the first scorer."""
        return self.task.metrics[next(iter(self.task.scorers))](self.records, self.scores)

    def accuracy(self, right: Callable[[Record, Score], float | None] | None = None) -> Statistic:
        """Return the share of questions that are right, of 100, over the clusters; or that of another mark."""
        mark = right or (lambda record, score: score.value)
        rows = [
            (value, cluster(record))
            for record, score in zip(self.records, self.scores, strict=True)
            if (value := mark(record, score)) is not None
        ]
        return percent(Mean([value for value, _ in rows], [name for _, name in rows]), chance(self.records))

    def right(self) -> dict[str, bool]:
        """Map the ids of the questions that have a mark to whether it is full."""
        return {id: score.value == 1.0 for id, (_, score) in self.by_id.items() if score.value is not None}


def judged(task: Task, records: Sequence[Record]) -> Asked:
    """Judge records by the task's first scorer."""
    scored = score_records(task, records)
    return Asked(task, records, scored.scores[next(iter(task.scorers))])


def matched(main: Asked, control: Asked) -> tuple[Asked, Asked]:
    """Return both on the questions that both have, the control's clusters being those of the main run's pictures.

    Where one of the two answers is an error, the question is left out of both.
    """
    shared = {
        id
        for id, (record, _) in control.by_id.items()
        if id in main.by_id and record.error is None and main.by_id[id][0].error is None
    }
    own, other = main.only(shared), control.only(shared)
    records = [replace(record, images=main.by_id[record.id][0].images) for record in other.records]
    return own, replace(other, records=records)


def cluster(record: Record) -> str:
    """Return what questions share that are not independent: their first group, else their pictures."""
    return next(iter(record.groups.values()), "") or " ".join(record.images) or record.id


def unit(record: Record) -> str:
    """Return the question that a record asks in one of several ways: its pair, its turns; else itself."""
    return next((f"{name} {record.groups[name]}" for name in TYING if name in record.groups), record.id)


def chance(records: Sequence[Record]) -> float | None:
    """Return what guessing one question at a time gives, of 100, where answers are yes and no or letters."""
    if yes_or_no(records):
        return 50.0
    if not records or not all(record.choices and record.targets for record in records):
        return None
    return 100.0 * sum(len(record.targets) / len(record.choices) for record in records) / len(records)


def yes_or_no(records: Sequence[Record]) -> bool:
    """Tell whether every question is answered with yes or no."""
    return bool(records) and all(set(record.targets) <= {"yes", "no"} and record.targets for record in records)


def said(record: Record, score: Score) -> str:
    """Return what was answered, so that two answers can be compared: what was read, letters as the options had them."""
    if score.answer is None:
        return f"unread: {' '.join((record.text or '').split())}"
    turn = whole_number(record.tags, TURN, "0")
    if turn and score.answer in LETTERS[: len(record.choices)]:
        return LETTERS[(LETTERS.index(score.answer) + turn) % len(record.choices)]
    return score.answer
