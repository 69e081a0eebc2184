"""`make replicate`: evaluates the tiny family on every claim and writes `reports/replication/`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mmeval.models import Settings, find_model, load_model
from mmeval.replication import page, questions
from mmeval.replication.measure import Answers, ask
from mmeval.types import Estimate, Model
from mmeval.world.puzzles import SHOTS

MODELS = {"mmicl-tiny": None, "instructblip-tiny": "side-by-side", "blip2-tiny": "side-by-side", "text-tiny": None}
"""The family, and the context in which each sees several pictures (None: its own)."""
PICTURES, PUZZLES = 40, 100

Row = dict[str, Estimate]


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/replication"))
    parser.add_argument("--model", action="append", choices=MODELS, help="default: all")
    arguments = parser.parse_args()
    names = arguments.model or list(MODELS)
    family = {name: _load(name, MODELS[name]) for name in names}
    found: dict[str, dict[str, Row]] = {
        "mme": _mme(family),
        "several": _several(family),
        "novel": _novel(family),
        "bias": _bias(family),
        "contexts": _contexts(names[0]),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    plain = {
        claim: {row: {k: asdict(e) for k, e in cells.items()} for row, cells in rows.items()}
        for claim, rows in found.items()
    }
    (arguments.out / "numbers.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    for path in page.write(found, arguments.out):
        print(path)


def _load(name: str, context: str | None) -> Model:
    checkpoint = find_model(name)
    return load_model(checkpoint, Settings(context)) if context else load_model(checkpoint)


def _mme(family: dict[str, Model]) -> dict[str, Row]:
    """(a) MME's questions, right in percent, by subtask."""
    asked = list(questions.mme(PICTURES))
    rows: dict[str, Row] = {}
    for name, model in family.items():
        answers = ask(model, asked)
        kinds = dict.fromkeys(one.kind for one in asked)
        rows[name] = {"all": answers.accuracy()} | {kind: answers.of(kind).accuracy() for kind in kinds}
    return rows


def _several(family: dict[str, Model]) -> dict[str, Row]:
    """(b) Several pictures, and by how much the first model is ahead of each other one."""
    asked = [one for kind in questions.SEVERAL for one in questions.several(kind, PUZZLES)]
    answers = {name: ask(model, asked) for name, model in family.items()}
    rows = {
        name: {"all": found.accuracy()} | {kind: found.of(kind).accuracy() for kind in questions.SEVERAL}
        for name, found in answers.items()
    }
    first, *rest = answers
    for name in rest:
        rows[f"{first} minus {name}"] = _differences(answers[first], answers[name])
    return rows


def _differences(one: Answers, other: Answers) -> Row:
    return {"all": one.minus(other)} | {kind: one.of(kind).minus(other.of(kind)) for kind in questions.SEVERAL}


def _novel(family: dict[str, Model]) -> dict[str, Row]:
    """(c) New words after demonstrations, and with the demonstrations spoiled."""
    rows: dict[str, Row] = {}
    for name, model in family.items():
        by_shots = {shots: ask(model, list(questions.novel(2 * PUZZLES, shots))) for shots in SHOTS}
        rows[name] = {f"{shots} shots": answers.accuracy() for shots, answers in by_shots.items()}
        rows[name]["4 minus 0 shots"] = by_shots[4].minus(by_shots[0])
        for change in ("pictures removed", "labels shuffled"):
            rows[name][f"4 shots, {change}"] = ask(model, list(questions.novel(2 * PUZZLES, 4, change))).accuracy()
    return rows


def _bias(family: dict[str, Model]) -> dict[str, Row]:
    """(d) What the picture is worth, and what a text before the question costs."""
    rows: dict[str, Row] = {}
    for name, model in family.items():
        own = ask(model, list(questions.mme(PICTURES)))
        row = {"its own picture": own.accuracy()}
        for show, label in (("blank", "a blank picture"), ("other", "another's picture")):
            answers = ask(model, list(questions.mme(PICTURES, show)))
            row[label] = answers.accuracy()
            row[f"gain over {label}"] = own.minus(answers)
        for how in ("long", "misleading"):
            answers = ask(model, list(questions.told(PICTURES, how)))
            row[f"behind a {how} text"] = answers.accuracy()
            row[f"loss behind a {how} text"] = own.minus(answers)
        rows[name] = row
    return rows


def _contexts(name: str) -> dict[str, Row]:
    """(e) Without the image declaration: the same weights, pictures not introduced."""
    checkpoint = find_model(name)
    asked = [one for kind in questions.SEVERAL for one in questions.several(kind, PUZZLES)]
    rows: dict[str, Row] = {}
    for context in ("declaration", "plain"):
        answers = ask(load_model(checkpoint, Settings(context)), asked)
        rows[f"{name}, {context}"] = {"several pictures": answers.accuracy()}
    return rows


if __name__ == "__main__":
    main()
