"""MME: fourteen subtasks, pictures with two yes/no questions each (Fu et al. 2023, arXiv 2306.13394).

A subtask gives 100 points times the share of questions answered right (acc) plus 100 times the share of
pictures with both answered right (acc+). Perception is the sum of the first ten, Cognition of the last four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmeval import data as sources
from mmeval.data import mme_results
from mmeval.data.rows import YesNoRow, pairs
from mmeval.scoring.readings import yesno
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Metric, Prompt, Task
from mmeval.types import Parts, Record, Sample, Score

PERCEPTION = {
    "existence": "Existence",
    "count": "Count",
    "position": "Position",
    "color": "Color",
    "posters": "Poster",
    "celebrity": "Celebrity",
    "scene": "Scene",
    "landmark": "Landmark",
    "artwork": "Artwork",
    "OCR": "OCR",
}
COGNITION = {
    "commonsense_reasoning": "Commonsense Reasoning",
    "numerical_calculation": "Numerical Calculation",
    "text_translation": "Text Translation",
    "code_reasoning": "Code Reasoning",
}
SUBTASKS = PERCEPTION | COGNITION
"""The benchmark's names -> labels, in the order of its published radar."""

SUFFIX = " Please answer yes or no."
"""Ends every question of the release; a sample holds the question without it."""


def samples(data: str) -> Iterator[Sample]:
    """The questions of a source, the two of a picture together. Raises InputError."""
    for pair in pairs(sources.read(data, list(SUBTASKS), MME.card["hub"]), list(SUBTASKS)):
        yield from (sample(row, number) for number, row in enumerate(pair, start=1))


def sample(row: YesNoRow, number: int) -> Sample:
    """The first or second question of a picture."""
    picture = f"{row.subtask}/{row.picture}"
    return Sample(
        id=f"{picture}#{number}",
        prompt=(row.image, row.question.removesuffix(SUFFIX)),
        targets=(row.answer.lower(),),
        groups={"image": picture, "pair": picture},
        category=row.subtask,
    )


def ending(suffix: str) -> Prompt:
    """The picture, the question, and that."""

    def words(sample: Sample) -> Parts:
        *picture, question = sample.prompt
        return (*picture, f"{question}{suffix}")

    return words


def metric(group: str) -> Metric:
    """The subtasks and the two sums, both questions of a picture being those that share that group."""

    def sum_up(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
        judged: dict[str, dict[str, list[float | None]]] = {name: {} for name in SUBTASKS}
        for record, score in zip(records, scores, strict=True):
            judged[record.category].setdefault(record.groups[group], []).append(score.value)
        subtasks = {name: subtask(pictures) for name, pictures in judged.items()}
        totals = {
            "perception": total({name: subtasks[name] for name in PERCEPTION}),
            "cognition": total({name: subtasks[name] for name in COGNITION}),
        }
        return {**totals, **subtasks}

    return sum_up


def subtask(pictures: Mapping[str, list[float | None]]) -> Statistic:
    """Of 200, from the marks of each picture's questions (1, 0, or None for one that got no answer)."""
    for picture, marks in pictures.items():
        if len(marks) != 2:
            return Statistic(200.0, 75.0, reason=f"{len(marks)} answers for {picture}, not 2")
    answered = [(picture, mark) for picture, marks in pictures.items() for mark in marks if mark is not None]
    both = [(picture, float(all(marks))) for picture, marks in pictures.items() if None not in marks]
    if not both:
        return Statistic(200.0, 75.0, reason="no picture has both its questions answered")
    acc = Mean([mark for _, mark in answered], [picture for picture, _ in answered], "acc")
    acc_plus = Mean([mark for _, mark in both], [picture for picture, _ in both], "acc+")
    return Statistic(200.0, 75.0, [((100.0, acc), (100.0, acc_plus))])


def total(subtasks: Mapping[str, Statistic]) -> Statistic:
    """The plain sum; none where a subtask has no value. A coin gives 75 in each."""
    full_marks, chance = 200.0 * len(subtasks), 75.0 * len(subtasks)
    if any(part.reason is not None for part in subtasks.values()):
        return Statistic(full_marks, chance, reason="not all of its subtasks have a value")
    return Statistic(full_marks, chance, [stratum for part in subtasks.values() for stratum in part.strata])


def read_predictions(folder: str) -> list[Record]:
    """The answers in a results folder of the benchmark's own format. Raises InputError."""
    return mme_results.records(Path(folder), list(SUBTASKS))


MME = Task(
    name="mme",
    version=1,
    samples=samples,
    prompts={
        "release": ending(SUFFIX),
        "single-word": ending("\nAnswer the question using a single word or phrase."),
    },
    scorers={"official": yesno.scorer(yesno.official), "strict": yesno.scorer(yesno.strict)},
    metrics={"official": metric("pair"), "strict": metric("image")},
    axes=SUBTASKS,
    totals={"perception": "Perception", "cognition": "Cognition"},
    read_predictions=read_predictions,
)
"""`official` does as the benchmark's calculation.py does: it reads the first four characters and takes two
adjacent lines of a results folder for one picture; `strict` reads the whole answer and pairs by picture."""
