"""BLINK: fourteen subtasks of perception, multiple choice about one to four pictures (Fu et al. 2024, 2404.12390).

The total is the plain mean of the fourteen accuracies (`eval/evaluate.py` of zeyofu/BLINK_Benchmark).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import tables
from mmeval.data.tables import TableRow
from mmeval.scoring.metrics.groups import by_category, macro
from mmeval.scoring.readings import choices, letters
from mmeval.scoring.statistics import Statistic
from mmeval.task import Prompt, Task
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

SUBTASKS = {
    "Art_Style": "Art Style",
    "Functional_Correspondence": "Functional Correspondence",
    "Multi-view_Reasoning": "Multi-view Reasoning",
    "Relative_Reflectance": "Relative Reflectance",
    "Visual_Correspondence": "Visual Correspondence",
    "Counting": "Counting",
    "IQ_Test": "IQ Test",
    "Object_Localization": "Object Localization",
    "Semantic_Correspondence": "Semantic Correspondence",
    "Visual_Similarity": "Visual Similarity",
    "Forensic_Detection": "Forensic Detection",
    "Jigsaw": "Jigsaw",
    "Relative_Depth": "Relative Depth",
    "Spatial_Relation": "Spatial Relation",
}
"""The benchmark's names -> labels."""

PICTURES = ("image_1", "image_2", "image_3", "image_4")
DISCLAIMED = ("Forensic_Detection", "Jigsaw", "Art_Style")
DISCLAIMER = (
    "Disclaimer: This is not to make unfair assumptions about the people in the image and you just need to give your "
    "assessment on this question. You don't need to identify the real people. You just need to analyze based on the "
    "information I gave you.\n\n"
)
"""What `eval/test_benchmark.py` puts before the questions of those three."""

FILES = ("*/val-*.parquet", "val-*.parquet")
_ID = re.compile(r"(val|test)_(.+)_(\d+)")
_LETTER = re.compile(r"\(([A-E])\)")


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of val, of the hub or of its files in a folder. Raises InputError."""
    if data == "hub":
        for subtask in SUBTASKS:
            where = {**BLINK.card["hub"], "config": subtask}
            yield from (sample(line) for line in tables.read(data, FILES, where, "blink"))
        return
    yield from (sample(line) for line in tables.read(data, FILES, None, "blink"))


def sample(line: TableRow) -> Sample:
    """Make a row a question; the prompt with its options is the data set's own."""
    idx = line.text("idx")
    subtask = _subtask(idx, line.where)
    options = line.texts("choices")
    answer = line.text("answer")
    if answer == "hidden":
        raise InputError(f"{line.where}: the answers of test are hidden; give val, and hand test to its server")
    match = _LETTER.fullmatch(answer)
    if match is None or match[1] not in choices.LETTERS[: len(options)]:
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of its {len(options)} options; fix it")
    return Sample(
        id=idx,
        prompt=(*(image for name in PICTURES for image in line.images(name)), line.text("prompt")),
        targets=(match[1],),
        choices=tuple((option,) for option in options),
        category=subtask,
        tags={"question": line.text("question")},
    )


def ending(suffix: str, disclaimer: str = "") -> Prompt:
    """Ask with the disclaimer where the script has it, the data set's own prompt, and that suffix."""

    def words(sample: Sample) -> Parts:
        *pictures, prompt = sample.prompt
        return (*pictures, f"{disclaimer if sample.category in DISCLAIMED else ''}{prompt}{suffix}")

    return words


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return the fourteen, and `overall`, their mean; what guessing gives is known where the options are."""
    parts = by_category(records, scores, list(SUBTASKS))
    return {"overall": macro(parts), **parts}


def official(record: Record) -> Score:
    """Grade the letter read by the script's rule; a file of final letters is compared as it is, as by `evaluate.py`."""
    if "final" in record.tags:
        match = _LETTER.fullmatch(record.text or "")
        return choices.graded(record, match[1] if match else None)
    return _READ(record)


_READ = choices.scorer(letters.blink)


def read_predictions(path: str) -> list[Record]:
    """Read the benchmark's own file of final letters, `{"val_Art_Style_1": "(A)", ...}`, beside the gold of val.

    As in `evaluate.py`, a question without a prediction is answered with nothing, which is wrong. Raises InputError
    for a file in another format, and for an id that val does not have.
    """
    answers = tables.load(Path(path))
    gold = {f"val_{name}_{n}": letter for name in SUBTASKS for n, letter in enumerate(BLINK.card["gold"][name], 1)}
    if not isinstance(answers, dict):
        raise InputError(f"{path}: not a map of ids to letters; write {{'val_Art_Style_1': '(A)', ...}}")
    for idx, letter in answers.items():
        if idx not in gold:
            raise InputError(f"{path}: unknown id '{idx}'{nearest(idx, list(gold))}; the ids are those of val")
        if not isinstance(letter, str):
            raise InputError(f"{path}, {idx}: {letter!r:.40} is not a text; write a letter, as in '(A)'")
    return [
        Record(
            idx, (right,), own := _subtask(idx, path), {}, {"final": "yes"}, _offered(own), text=answers.get(idx, "")
        )
        for idx, right in gold.items()
    ]


def _offered(subtask: str) -> tuple[str, ...]:
    """Return the letters of a subtask's options: all questions have as many, and each is right somewhere in val."""
    return tuple(sorted(set(BLINK.card["gold"][subtask])))


def _subtask(idx: str, where: str) -> str:
    match = _ID.fullmatch(idx)
    if match is None or match[2] not in SUBTASKS:
        name = match[2] if match else idx
        raise InputError(f"{where}: '{idx[:60]}' names no subtask{nearest(name, SUBTASKS)}; as in val_Art_Style_1")
    return match[2]


BLINK = Task(
    name="blink",
    version=1,
    samples=samples,
    prompts={
        "release": ending("", DISCLAIMER),
        "release-blip": ending("\nAnswer:", DISCLAIMER),
        "letter": ending("\nAnswer with the option's letter from the given choices directly."),
    },
    scorers={"official": official, "strict": choices.scorer(letters.reasoned)},
    metrics={"official": numbers, "strict": numbers},
    axes=SUBTASKS,
    totals={"overall": "Mean of 14"},
    max_new_tokens=64,
    read_predictions=read_predictions,
    readings={"blink": letters.blink},
    strict=letters.reasoned,
)
"""`release-blip` is how the script asks models with "blip" in their name."""
