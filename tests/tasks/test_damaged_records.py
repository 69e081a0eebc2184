"""Records are files that anybody may edit: scored again, a damaged one gives numbers or a sentence, no traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mmeval import load_task
from mmeval.cards.rows import KIND
from mmeval.evaluation.results import score
from mmeval.runs.run import open_run
from mmeval.scoring.readings.likelihood import likelier
from mmeval.tasks import TASKS
from mmeval.tasks.tempcompass import LABELS, match
from mmeval.types import InputError, Record
from tests.evaluating import evaluate
from tests.tasks.test_prompts import WRITERS

Rows = list[dict[str, Any]]
FIELDS = ("tags", "groups", "targets", "choices", "category", "question", "images", "loglikelihoods", "text")
OTHER: tuple[dict[str, Any], ...] = (
    {"targets": ["?"]},
    {"choices": ["x"]},
    {"choices": ["x"] * 30},
    {"category": "?"},
    {"loglikelihoods": []},
    {"loglikelihoods": [-1.0]},
)


def damaged(rows: Rows) -> Iterator[Rows]:
    """Yield the records without each field, with other values, and without or with another of each tag and group."""
    for name in FIELDS:
        empty: dict[str, Any] = {"targets": []} if name == "targets" else {}
        yield [{key: value for key, value in row.items() if key != name} | empty for row in rows]
    yield from ([row | fields for row in rows] for fields in OTHER)
    for name in ("tags", "groups"):
        for key in sorted({key for row in rows for key in row.get(name, {})}):
            maps: Sequence[dict[str, str]] = [row.get(name, {}) for row in rows]
            without = [{tag: value for tag, value in original.items() if tag != key} for original in maps]
            for additions in ({}, {key: ""}, {key: "?"}, {key: "x\ny\nz"}):
                yield [row | {name: original | additions} for row, original in zip(rows, without, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)  # each with half of the damage
def test_damaged_records_give_numbers_or_a_sentence(name: str, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    source = data / (WRITERS[name](data) or "")
    evaluate("constant", name, data=str(source), out=out, frames=2 if load_task(name).video is not None else None)
    rows = [json.loads(line) for line in (out / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    for number, changed in enumerate(islice(damaged(rows), list(TASKS).index(name) % 2, None, 2)):
        if number % 2:
            changed = [row | {"text": "1"} if "text" in row else row for row in changed]
        lines = map(json.dumps, changed)
        (out / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        with suppress(InputError):
            score(open_run(out))


@pytest.mark.parametrize("labels", ["", "?", "Option 1", "Option 1\nOption 2\nOption 1", "Option 1\nthe other"])
def test_labels_that_are_not_those_of_the_captions_are_a_sentence(labels: str) -> None:
    record = Record("7", ("A",), choices=("A dog runs.", "A cat."), tags={LABELS: labels}, text="Option 1")
    with pytest.raises(InputError, match=r"record 7: its labels of the options are .*, not one for each; restore"):
        match(record)


@pytest.mark.parametrize("values", [(), (-1.0,), (-1.0, -2.0, -3.0, float("nan"))])
def test_likelihoods_that_are_not_those_of_yes_and_no_are_a_sentence(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"cannot compare .*: each of Yes, No, yes, no must have a likelihood"):
        likelier(Record("7", ("yes",), loglikelihoods=values))


@pytest.mark.parametrize(
    ("tags", "targets", "message"),
    [
        ({"answer_type": "?"}, "5", r"the type of an answer is '\?', not one of text, integer, float, list; restore"),
        ({"answer_type": "float", "precision": "?"}, "5", r"a record's precision is '\?', not a number; restore"),
        ({"answer_type": "integer"}, "five", "a record's target is 'five', not a number; restore the file"),
    ],
)
def test_a_record_of_mathvista_with_other_facts_is_a_sentence(tags: dict[str, str], targets: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_task("mathvista").scorers["strict"](Record("7", (targets,), tags=tags, text="5"))


def test_a_kind_that_a_card_does_not_have_is_a_sentence() -> None:
    record = Record("7", ("A",), tags={KIND: "?"}, text="A")
    with pytest.raises(InputError, match=r"the kind of a question is '\?', not one of .*; restore the file"):
        load_task("mirb").scorers["strict"](record)
