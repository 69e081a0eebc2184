"""BLINK: fourteen perception subtasks, multiple choice about one to four pictures (Fu et al. 2024, 2404.12390).

The total is the unweighted mean of the fourteen accuracies (`eval/evaluate.py` of zeyofu/BLINK_Benchmark).
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import json_rows, tables
from mmeval.scoring.metrics.groups import by_category, macro
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

SUBTASKS = (
    "Art_Style", "Functional_Correspondence", "Multi-view_Reasoning", "Relative_Reflectance", "Visual_Correspondence",
    "Counting", "IQ_Test", "Object_Localization", "Semantic_Correspondence", "Visual_Similarity", "Forensic_Detection",
    "Jigsaw", "Relative_Depth", "Spatial_Relation",
)  # fmt: skip
PICTURES = ("image_1", "image_2", "image_3", "image_4")
DISCLAIMED = ("Forensic_Detection", "Jigsaw", "Art_Style")
DISCLAIMER = (
    "Disclaimer: This is not to make unfair assumptions about the people in the image and you just need to give your "
    "assessment on this question. You don't need to identify the real people. You just need to analyze based on the "
    "information I gave you.\n\n"
)
"""`eval/test_benchmark.py` puts this before the questions of the `DISCLAIMED` subtasks."""

FILES = ("*/val-*.parquet", "val-*.parquet")
_ID = re.compile(r"(?:val|test)_(.+)_\d+")
_LETTER = re.compile(r"\(([A-E])\)")


def samples(data: str) -> Iterator[Sample]:
    """Yield the val questions from the hub or from a folder with its files. Raises InputError."""
    for subtask in SUBTASKS if data == "hub" else ("",):
        where = {**BLINK.card["hub"], "config": subtask}
        yield from map(sample, tables.read(data, FILES, where, "blink"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. The prompt, options included, is the data set's own."""
    idx, texts, answer = line.text("idx"), line.texts("choices"), line.text("answer")
    id_match = _ID.fullmatch(idx)
    if id_match is None or id_match[1] not in SUBTASKS:
        near = nearest(id_match[1] if id_match else idx, SUBTASKS)
        raise InputError(f"{line.where}: '{idx[:60]}' names no subtask{near}; write ids such as val_Art_Style_1")
    if answer == "hidden":
        raise InputError(f"{line.where}: the test answers are hidden; use val, and submit test to its server")
    answer_match = _LETTER.fullmatch(answer)
    if answer_match is None or answer_match[1] not in choices.LETTERS[: len(texts)]:
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of its options; fix it")
    prompt: Parts = (*(image for name in PICTURES for image in line.images(name)), line.text("prompt"))
    options, tags = tuple((option,) for option in texts), {"question": line.text("question")}
    return Sample(idx, prompt, (answer_match[1],), options, category=id_match[1], tags=tags)


def disclaimer(sample: Sample) -> str:
    """Return the text that the script puts before the data set's own prompt."""
    return DISCLAIMER if sample.category in DISCLAIMED else ""


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the fourteen accuracies and their mean, `overall`. Chance needs the records' options."""
    parts = by_category(records, scores, SUBTASKS)
    return {"overall": macro(parts), **parts}


def official(record: Record) -> Score:
    """Grade the letter read by the script's rule. Final letters are compared unchanged, as in `evaluate.py`."""
    if "final" in record.tags:
        match = _LETTER.fullmatch(record.text or "")
        return choices.graded(record, match[1] if match else None)
    return _LETTER_SCORER(record)


_LETTER_SCORER = choices.scorer(letters.blink)
_FINAL = {"final": "yes"}
_MISSING = {**_FINAL, "missing": "yes"}


def read_predictions(path: str) -> list[Record]:
    """Read the benchmark's own file of final letters, `{"val_Art_Style_1": "(A)", ...}`, for the val answers.

    As in `evaluate.py`, a question without a prediction counts as an empty answer, which is wrong. Raises InputError
    for a file in another format and for an id that is not in val.
    """
    answers = json_rows.load_once(Path(path))
    keys = BLINK.card["gold"]
    gold = {f"val_{name}_{n}": (name, right) for name in SUBTASKS for n, right in enumerate(keys[name], 1)}
    if not isinstance(answers, dict):
        raise InputError(f"{path}: not a map from ids to letters; write {{'val_Art_Style_1': '(A)', ...}}")
    for idx, letter in answers.items():
        if idx not in gold:
            raise InputError(f"{path}: unknown id '{idx}'{nearest(idx, list(gold))}; use the ids of val")
        if not isinstance(letter, str):
            raise InputError(f"{path}, {idx}: {letter!r:.40} is not a string; write a letter, such as '(A)'")
    # all questions of a subtask have the same number of options, and each letter is the answer of some val question
    options = {name: tuple(sorted(set(letters))) for name, letters in keys.items()}
    return [
        Record(
            idx, (right,), name, {}, _FINAL if idx in answers else _MISSING, options[name], text=answers.get(idx, "")
        )
        for idx, (name, right) in gold.items()
    ]


BLINK = Task(
    name="blink",
    version=4,
    samples=samples,
    prompts={
        "release": ending("", disclaimer),
        "release-blip": ending("\nAnswer:", disclaimer),
        "letter": ending(f"\n{choices.LETTER}"),
    },
    scorers={"official": official, "strict": choices.scorer(strict)},
    metric=numbers,
    axes={name: name.replace("_", " ") for name in SUBTASKS},
    totals={"overall": "Mean of 14"},
    max_new_tokens=64,
    read_predictions=read_predictions,
    readings={"blink": official},
    choice=True,
)
"""The script uses `release-blip` for models with "blip" in their name."""
