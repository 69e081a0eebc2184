"""The claims, measured: every model of a family answers the same questions."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.replication import questions
from experiments.replication.measure import Answers, Asker, ask
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
    measures = {
        "mme": lambda: _mme(family, pictures),
        "several": lambda: _several(family, puzzles),
        "novel": lambda: _novel(family, 2 * puzzles),
        "bias": lambda: _bias(family, pictures),
        "longer": lambda: _longer(family, pictures, puzzles),
    }
    found: dict[str, Rows] = {}
    for name, measure in measures.items():
        print(f"measuring {name}", flush=True)
        found[name] = measure()
    return found


def ablations(family: Family, pictures: int, puzzles: int) -> Rows:
    """Measure (f): each model on the questions of (a), (b) and (c), one number each."""
    single = list(questions.mme(pictures))
    several = [one for kind in questions.SEVERAL for one in questions.several(kind, puzzles)]
    novel = list(questions.novel(2 * puzzles, 4))
    return {
        name: {
            "one picture": ask(model, single).accuracy(),
            "several pictures": ask(model, several).accuracy(),
            "new words, 4 shots": ask(model, novel).accuracy(),
        }
        for name, model in family.items()
    }


def _mme(family: Family, pictures: int) -> Rows:
    asked = list(questions.mme(pictures))
    kinds = dict.fromkeys(one.kind for one in asked)
    rows: Rows = {}
    for name, model in family.items():
        answers = ask(model, asked)
        rows[name] = {"all": answers.accuracy()} | {kind: answers.of(kind).accuracy() for kind in kinds}
    return rows


def _several(family: Family, puzzles: int) -> Rows:
    """Measure each model, and how far the first is ahead of each other one."""
    asked = [one for kind in questions.SEVERAL for one in questions.several(kind, puzzles)]
    answers = {name: ask(model, asked) for name, model in family.items()}
    rows = {
        name: {"all": found.accuracy(), "mean of kinds": found.mean_of_kinds()}
        | {kind: found.of(kind).accuracy() for kind in questions.SEVERAL}
        for name, found in answers.items()
    }
    first, *rest = answers
    for name in rest:
        rows[f"{first} minus {name}"] = _differences(answers[first], answers[name])
    return rows


def _differences(one: Answers, other: Answers) -> Row:
    return {"all": one.minus(other)} | {kind: one.of(kind).minus(other.of(kind)) for kind in questions.SEVERAL}


def _novel(family: Family, puzzles: int) -> Rows:
    rows: Rows = {}
    for name, model in family.items():
        by_shots = {shots: ask(model, list(questions.novel(puzzles, shots))) for shots in SHOTS}
        rows[name] = {f"{shots} shots": answers.accuracy() for shots, answers in by_shots.items()}
        rows[name]["4 minus 0 shots"] = by_shots[4].minus(by_shots[0])
        for change in ("pictures removed", "labels shuffled", "of another task", "in pixels"):
            rows[name][f"4 shots, {change}"] = ask(model, list(questions.novel(puzzles, 4, change))).accuracy()
        rows[name]["1 shot, in pixels"] = ask(model, list(questions.novel(puzzles, 1, "in pixels"))).accuracy()
    return rows


def _longer(family: Family, pictures: int, puzzles: int) -> Rows:
    """Measure the cost of more pictures, and of a longer text before the question."""
    rows: Rows = {}
    for name, model in family.items():
        row = {
            f"{number} picture{'s' * (number > 1)}": ask(model, list(questions.among(puzzles, number))).accuracy()
            for number in PICTURES
        }
        few = max(1, pictures // 4)
        row |= {f"{words} words": ask(model, list(questions.behind_words(few, words))).accuracy() for words in WORDS}
        rows[name] = row
    return rows


def _bias(family: Family, pictures: int) -> Rows:
    rows: Rows = {}
    for name, model in family.items():
        own = ask(model, list(questions.mme(pictures)))
        row = {"its own picture": own.accuracy()}
        for show, label in (("blank", "a blank picture"), ("other", "another's picture")):
            answers = ask(model, list(questions.mme(pictures, show)))
            row[label] = answers.accuracy()
            row[f"gain over {label}"] = own.minus(answers)
        for how in ("long", "misleading"):
            answers = ask(model, list(questions.behind_text(pictures, how)))
            row[f"after a {how} text"] = answers.accuracy()
            row[f"loss after a {how} text"] = own.minus(answers)
        rows[name] = row
    return rows
