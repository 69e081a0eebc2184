"""The claims, measured: every model of a family answers the same questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from experiments.replication import questions
from experiments.replication.measure import Answers, Asker, ask
from experiments.replication.questions import Asked
from mmeval.embedded.world.puzzles import SHOTS
from mmeval.types import Estimate

PICTURES = (1, 2, 3, 4, 6, 8)
"""Numbers of pictures in one question."""
WORDS = (0, 50, 100, 250, 500, 800)
"""Words before a question, about as many tokens; the shipped models read 1,024 in all."""

Row = dict[str, Estimate]
Rows = dict[str, Row]
Family = Mapping[str, Asker]
"""Models by the name of their row; the claims are about the first."""


def claims(family: Family, pictures: int, puzzles: int) -> dict[str, Rows]:
    """Measure (a) to (e): `pictures` for each of MME's subtasks, `puzzles` of each kind. Prints each one's name."""
    measures: dict[str, Callable[[], Rows]] = {
        "mme": lambda: _mme(family, pictures),
        "several": lambda: _several(family, puzzles),
        "novel": lambda: _novel(family, 2 * puzzles),
        "bias": lambda: _bias(family, pictures),
        "longer": lambda: _longer(family, pictures, puzzles),
    }
    results: dict[str, Rows] = {}
    for name, measure in measures.items():
        print(f"measuring {name}", flush=True)
        results[name] = measure()
    return results


def ablations(family: Family, pictures: int, puzzles: int) -> Rows:
    """Measure (f): each model on the questions of (a), (b) and (c), one number each."""
    single = list(questions.mme(pictures))
    several = [question for kind in questions.SEVERAL for question in questions.several(kind, puzzles)]
    novel = list(questions.novel(2 * puzzles, 4))
    return {
        name: {
            "one picture": ask(model, single).accuracy(),
            "several pictures": ask(model, several).accuracy(),
            "new words, 4 shots": ask(model, novel).accuracy(),
        }
        for name, model in family.items()
    }


def _answers(family: Family, drawing: Iterable[Asked]) -> dict[str, Answers]:
    """Ask every model the same questions, which are drawn once."""
    drawn = list(drawing)
    return {name: ask(model, drawn) for name, model in family.items()}


def _mme(family: Family, pictures: int) -> Rows:
    answers_by_name = _answers(family, questions.mme(pictures))
    return {
        name: {"all": answers.accuracy()} | {kind: answers.of(kind).accuracy() for kind in answers.kinds}
        for name, answers in answers_by_name.items()
    }


def _several(family: Family, puzzles: int) -> Rows:
    """Measure each model, and how far the first is ahead of each other one."""
    answers_by_name = _answers(
        family, (question for kind in questions.SEVERAL for question in questions.several(kind, puzzles))
    )
    rows = {
        name: {"all": answers.accuracy(), "mean of kinds": answers.mean_of_kinds()}
        | {kind: answers.of(kind).accuracy() for kind in questions.SEVERAL}
        for name, answers in answers_by_name.items()
    }
    first, *baselines = answers_by_name
    for name in baselines:
        rows[f"{first} minus {name}"] = _differences(answers_by_name[first], answers_by_name[name])
    return rows


def _differences(first: Answers, second: Answers) -> Row:
    return {"all": first.minus(second)} | {kind: first.of(kind).minus(second.of(kind)) for kind in questions.SEVERAL}


def _novel(family: Family, puzzles: int) -> Rows:
    by_shots = {shots: _answers(family, questions.novel(puzzles, shots)) for shots in SHOTS}
    changed = {
        f"4 shots, {change}": _answers(family, questions.novel(puzzles, 4, change))
        for change in ("pictures removed", "labels shuffled", "of another task", "in pixels")
    }
    changed["1 shot, in pixels"] = _answers(family, questions.novel(puzzles, 1, "in pixels"))
    return {
        name: {f"{shots} shots": answers[name].accuracy() for shots, answers in by_shots.items()}
        | {"4 minus 0 shots": by_shots[4][name].minus(by_shots[0][name])}
        | {label: answers[name].accuracy() for label, answers in changed.items()}
        for name in family
    }


def _longer(family: Family, pictures: int, puzzles: int) -> Rows:
    """Measure the cost of more pictures, and of a longer text before the question."""
    few = max(1, pictures // 4)
    measured = {
        f"{number} picture{'s' * (number > 1)}": _answers(family, questions.among(puzzles, number))
        for number in PICTURES
    } | {f"{words} words": _answers(family, questions.behind_words(few, words)) for words in WORDS}
    return {name: {label: answers[name].accuracy() for label, answers in measured.items()} for name in family}


def _bias(family: Family, pictures: int) -> Rows:
    own_picture = _answers(family, questions.mme(pictures))
    other_pictures = {
        label: _answers(family, questions.mme(pictures, show))
        for show, label in (("blank", "a blank picture"), ("other", "another's picture"))
    }
    behind = {how: _answers(family, questions.behind_text(pictures, how)) for how in ("long", "misleading")}
    rows: Rows = {}
    for name in family:
        row = {"its own picture": own_picture[name].accuracy()}
        for label, answers in other_pictures.items():
            row[label] = answers[name].accuracy()
            row[f"gain over {label}"] = own_picture[name].minus(answers[name])
        for how, answers in behind.items():
            row[f"after a {how} text"] = answers[name].accuracy()
            row[f"loss after a {how} text"] = own_picture[name].minus(answers[name])
        rows[name] = row
    return rows
