"""Scored answers as the bias study counts them, and how a run under a control is matched to its run."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from mmeval.controls.words import TURN
from mmeval.runs.scored import Scored
from mmeval.scoring.baselines import yes_or_no
from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.metrics.groups import guessing, in_whole_groups, percent
from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.types import Record, Score, whole_number

TYING = ("pair", GROUP, "item")
"""Groups of records that ask one question in several ways. It is solved if all of them are correct."""


def answered(scored: Scored) -> Scored:
    """Return the questions that did not fail."""
    return scored.of({record.id for record in scored.records if record.error is None})


def accuracy(scored: Scored) -> Statistic:
    """Return the percentage of correct questions, by cluster; no value where the run's table has none."""
    statistic = replace(mean_of(scored, lambda record, score: score.value), chance=chance(scored.records))
    return statistic if scored.withheld is None else replace(statistic, strata=(), reason=scored.withheld)


def gain_on(main: Scored, control: Scored, ids: Collection[str]) -> Statistic:
    """Return 100 plus the percentage points that the control takes away on these questions, by cluster.

    It lies between 0 and 200, so that two gains can be paired as two scores are.
    """

    def mark(record: Record, score: Score) -> float | None:
        other = control.by_id[record.id][1].value
        return None if score.value is None or other is None else (1 + score.value - other) / 2

    statistic = mean_of(main.of(ids), mark)
    return replace(statistic, full_marks=200.0, strata=[((200.0, mean),) for ((_, mean),) in statistic.strata])


def mean_of(scored: Scored, mark: Callable[[Record, Score], float | None]) -> Statistic:
    """Return the mean of a mark in percent, by cluster; None leaves a question out. Chance is unknown."""
    marks = ((mark(record, score), cluster(record)) for record, score in zip(scored.records, scored.main, strict=True))
    rows = [(value, name) for value, name in marks if value is not None]
    return percent(Mean([value for value, _ in rows], [name for _, name in rows]), None)


def are_right(scored: Scored) -> dict[str, bool]:
    """Map the ids of scored questions to whether they are fully correct."""
    return {id: score.value == 1.0 for id, (_, score) in scored.by_id.items() if score.value is not None}


def matched(main: Scored, control: Scored) -> tuple[Scored, Scored]:
    """Return both on their common questions; the control gets the main run's pictures, so the clusters agree.

    A question that failed in either run is left out of both, with the rest of its group: without it, a pair or a
    rotation has no result.
    """
    common = [record for record in main.records if record.id in control.by_id]
    failed = {record.id for scored in (main, control) for record in scored.records if record.error is not None}
    shared = in_whole_groups({record.id for record in common} - failed, common)
    return main.of(shared), _showing(main, control.of(shared))


def _showing(main: Scored, control: Scored) -> Scored:
    """Return the control's answers as if the main run's pictures had been shown."""
    records = [replace(record, images=main.by_id[record.id][0].images) for record in control.records]
    return replace(control, records=records, columns=[_showing(main, column) for column in control.columns])


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
    return guessing(records) if all(record.targets for record in records) else None


def comparable(record: Record, score: Score) -> str:
    """Return the answer in a comparable form: as parsed, with letters mapped back to the unrotated options."""
    if score.answer is None:
        return f"unread: {' '.join((record.text or '').split())}"
    turn = whole_number(record.tags, TURN, "0")
    if turn and score.answer in LETTERS[: len(record.choices)]:
        return LETTERS[(LETTERS.index(score.answer) + turn) % len(record.choices)]
    return score.answer
