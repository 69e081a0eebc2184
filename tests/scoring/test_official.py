"""Answers read as benchmarks' own scripts read them: each value below is the script's own output."""

from __future__ import annotations

from typing import get_args

import pytest

from mmeval.cards.schema import Kind
from mmeval.scoring.metrics.groups import share
from mmeval.scoring.readings.official import AS_WRITTEN, OFFICIAL
from mmeval.types import Record

ANIMALS = ("cat", "dog", "black cat", "17")
LONG = "I would say that it must be the"
EXAMPLES: list[tuple[str, str, str, str, float | None]] = [
    # name / subset, kind, answer, key, score
    ("mmstar", "multiple choice", "B", "B", 1.0),
    ("mmstar", "multiple choice", "(b) dog", "B", 1.0),
    ("mmstar", "multiple choice", "Option B", "B", 1.0),
    ("mmstar", "multiple choice", "The answer is B.", "B", 1.0),
    ("mmstar", "multiple choice", "A dog, so B", "A", 1.0),  # an article
    ("mmstar", "multiple choice", "The correct answer is B.", "B", 0.0),
    ("mmstar", "multiple choice", "**B**", "B", 0.0),
    ("mmstar", "multiple choice", "", "B", 0.0),
    ("naturalbench", "multiple choice", "It is a dog: B", "A", 1.0),  # an article
    ("naturalbench", "multiple choice", "B, not A", "B", 1.0),
    ("naturalbench", "multiple choice", "Both", "B", 0.0),
    ("naturalbench", "yes/no", "There is no dog, yes", "no", 1.0),
    ("naturalbench", "yes/no", "NO", "no", 1.0),
    ("naturalbench", "yes/no", "None", "no", 0.0),
    ("naturalbench", "yes/no", "", "no", 0.0),
    ("ai2d", "multiple choice", "B. dog", "B", 1.0),
    ("ai2d", "multiple choice", "(b)", "B", 1.0),
    ("ai2d", "multiple choice", "(B) dog", "B", 0.0),
    ("ai2d", "multiple choice", "b. dog", "B", 0.0),
    ("ai2d", "multiple choice", "B ", "B", 0.0),
    ("realworldqa", "multiple choice", "The answer is (B).", "B", 1.0),
    ("realworldqa", "multiple choice", "B, not A", "B", 1.0),  # the first
    ("realworldqa", "multiple choice", "Either A or B", "B", 1.0),  # the last
    ("realworldqa", "multiple choice", "A dog is near", "A", 1.0),  # an article
    ("realworldqa", "multiple choice", "Dogs", "D", 1.0),  # no other letter of an option
    ("realworldqa", "multiple choice", "I choose C, as (B) is far. (C) it is", "B", 1.0),  # after a lead
    ("realworldqa", "multiple choice", "b", "B", 0.0),
    ("realworldqa", "multiple choice", "", "B", 0.0),
    ("realworldqa", "short answer", "YES.", "Yes", 1.0),
    ("realworldqa", "short answer", "2", "2", 1.0),
    ("realworldqa", "short answer", "two", "2", 0.0),
    ("realworldqa", "short answer", "Yes, there is", "Yes", 0.0),
    ("countbenchqa", "short answer", " 7\n", "7", 1.0),
    ("countbenchqa", "short answer", "7.", "7", 0.0),
    ("countbenchqa", "short answer", "seven", "7", 0.0),
    ("mantis-eval", "multiple choice", "Final Answer: (B) dog", "B", 1.0),
    ("mantis-eval", "multiple choice", "The answer is: B", "B", 1.0),
    ("mantis-eval", "multiple choice", "dog", "D", 1.0),  # its first letter
    ("mantis-eval", "multiple choice", "The second", "B", 0.0),
    ("mantis-eval", "multiple choice", "final answer: Answer: C", "C", 1.0),
    ("mantis-eval", "multiple choice", "17", "D", 1.0),  # no letter in it, and all of an option
    ("mantis-eval", "short answer", "They share two. Final Answer: Two", "two", 1.0),
    ("mantis-eval", "short answer", "Two.", "two", 0.0),
    ("mantis-eval", "short answer", "two", "(Two)\n", 1.0),
    ("mirb/codeu", "multiple choice", "b. dog", "B", 1.0),
    ("mirb/codeu", "multiple choice", "B) dog", "B", 0.0),
    ("mirb/count", "short answer", "There are 12 birds", "12", 1.0),
    ("mirb/count", "short answer", "Two.", "2", 1.0),
    ("mirb/count", "short answer", "two birds", "2", 0.0),
    ("mirb/3d_scene", "short answer", "3.5", "3", 1.0),
    ("mirb/analogy", "short answer", "I cannot tell", "no", 1.0),
    ("mirb/attribute", "short answer", "It is.\nYes", "yes", 0.0),
    ("mirb/sightseeing", "short answer", "In Paris, France", "Paris", 1.0),
    ("mirb/sightseeing", "short answer", "", "no", 1.0),
    ("mirb/plot_code", "short answer", "In Paris", "Paris", 0.0),
    ("mmiu", "multiple choice", "(b).", "B", 1.0),
    ("mmiu", "multiple choice", "B\u00a0", "B", 1.0),
    ("mmiu", "multiple choice", "B: dog", "B", 0.0),
    ("mmiu", "multiple choice", "", "B", 0.0),
    ("video-mme", "multiple choice", "The best answer is: (B) dog", "B", 1.0),
    ("video-mme", "multiple choice", "Based on it, A", "B", 1.0),
    ("video-mme", "multiple choice", "The correct option is: B", "B", 1.0),
    ("video-mme", "multiple choice", "b", "B", None),  # left out of the mean
    ("egoschema", "multiple choice", "B. dog", "B", 1.0),
    ("egoschema", "multiple choice", "(B) dog", "B", 1.0),
    ("egoschema", "multiple choice", "A dog: (B)", "A", 1.0),  # an article
    ("egoschema", "multiple choice", "(B) or (C) or (B)", "C", 1.0),  # where each occurs last
    ("egoschema", "multiple choice", f"{LONG} b. dog", "B", 1.0),
    ("egoschema", "multiple choice", f"{LONG} dog", "B", 0.25),  # drawn there; in expectation here
    ("egoschema", "multiple choice", "b", "B", 0.25),
    ("embspatial-bench", "multiple choice", "(b) dog", "B", 1.0),
    ("embspatial-bench", "multiple choice", "B", "B", 1.0),
    ("embspatial-bench", "multiple choice", "a dog is nearer", "A", 1.0),  # an article
    ("embspatial-bench", "multiple choice", "Dog", "D", 1.0),
    ("embspatial-bench", "multiple choice", "The answer is B", "B", 0.0),
    ("embspatial-bench", "multiple choice", "**B**", "B", 0.0),
    ("embspatial-bench", "multiple choice", "", "B", 0.0),
    ("longvideobench", "multiple choice", "The best option is B", "B", 1.0),
    ("longvideobench", "multiple choice", "It is B", "B", 1.0),
    ("longvideobench", "multiple choice", "A dog: B", "A", 1.0),  # an article
    ("longvideobench", "multiple choice", "Either B or A", "B", 0.0),  # E, the letter of no option
    ("longvideobench", "multiple choice", "the dog", "B", 0.25),  # drawn there; in expectation here
    ("q-bench2", "multiple choice", "(A) or (B)", "B", 1.0),
    ("q-bench2", "multiple choice", "A or B", "B", 1.0),
    ("q-bench2", "multiple choice", "A. or B. it", "A", 1.0),  # neither is between blanks
    ("q-bench2", "multiple choice", f"{LONG} black cat", "A", 1.0),  # "cat" begins last
    ("q-bench2", "multiple choice", "the black cat", "C", 0.25),  # drawn there; in expectation here
    ("seed-bench", "multiple choice", "B", "B", 1.0),
    ("seed-bench", "multiple choice", "B.", "B", 0.0),
    ("seed-bench", "multiple choice", "B", "B ", 0.0),
    ("iconqa", "multiple choice", "B", "B", 1.0),
    ("iconqa", "picture choice", "AB", "A", 0.0),
    ("iconqa", "short answer", "8", "8", 1.0),
    ("iconqa", "short answer", "8.", "8", 0.0),
    ("gqa", "short answer", "Woman.", "woman", 1.0),
    ("gqa", "short answer", "the woman", "woman", 0.0),
    ("visulogic", "multiple choice", "First\n\nAnswer: \\boxed{B}", "B", 1.0),
    ("visulogic", "multiple choice", "\\boxed{\\text{B}} or \\boxed{C}", "C", 1.0),  # the last
    ("visulogic", "multiple choice", "\\boxed{B} or \\boxed{A or C}. It is C.", "C", 1.0),
    ("visulogic", "multiple choice", "The figure turns (B).", "B", 1.0),
    ("visulogic", "multiple choice", "The answer is b. It turns", "B", 1.0),
    ("visulogic", "multiple choice", "Answer: B\nbecause", "B", 1.0),
    ("visulogic", "multiple choice", "B", "B", 1.0),
    ("visulogic", "multiple choice", "B.", "B", 0.0),
    ("visulogic", "multiple choice", "Answer: **B**", "B", 0.0),
    ("visulogic", "multiple choice", "Answer: option B", "B", 0.0),
    ("vsi-bench", "multiple choice", "b. dog", "B", 1.0),
    ("vsi-bench", "multiple choice", "B) dog", "B", 0.0),
    ("vsi-bench", "multiple choice", " B", "B", 0.0),
    ("vsi-bench", "multiple choice", "B\nA", "B", 0.0),
    ("vsi-bench", "short answer", "4.", "4", 1.0),
    ("vsi-bench", "short answer", "3.5 meters", "4", 0.8),
    ("vsi-bench", "short answer", "6", "4", 0.1),
    ("vsi-bench", "short answer", "29", "20", 0.1),  # 0.45 is more than 1 - 0.55
    ("vsi-bench", "short answer", "8", "4", 0.0),
    ("vsi-bench", "short answer", "3.5m", "4", 0.0),
    ("vsi-bench", "short answer", "four", "4", 0.0),
    ("vsi-bench", "short answer", "", "4", 0.0),
    ("vsr", "yes/no", "True.", "yes", 1.0),
    ("vsr", "yes/no", "No", "no", 1.0),
    ("vsr", "yes/no", "No, it is behind", "no", 0.0),
    ("vstar", "multiple choice", "(b) dog", "B", 1.0),
    ("vstar", "multiple choice", "The answer is black cat", "B", 1.0),  # its first letter
    ("vstar", "multiple choice", "The answer is: B", "B", 0.0),  # ": b"
    ("vstar", "multiple choice", "It is B", "B", 0.0),
    ("websrc", "short answer", "$27,500", "27500", 1.0),
    ("websrc", "short answer", "The fox!", "a Fox", 1.0),
    ("websrc", "short answer", "the", "A", 1.0),  # nothing is left of either
    ("websrc", "short answer", "red fox", "fox", 0.0),
    ("chartqa", "short answer", "104.9", "100", 1.0),
    ("chartqa", "short answer", "0.46", "45%", 1.0),
    ("chartqa", "short answer", "100.", "100", 1.0),
    ("chartqa", "short answer", "It is 100", "100", 0.0),
    ("chartqa", "short answer", "$100", "100", 0.0),
    ("chartqa", "short answer", "0.01", "0", 0.0),  # nothing is within 5% of 0
    ("chartqa", "short answer", "yes", "Yes", 1.0),
    ("docvqa", "short answer", "The  IRS", "the irs", 1.0),
    ("docvqa", "short answer", "1998.", "1998", 0.8),
    ("docvqa", "short answer", "98", "1998", 0.5),
    ("docvqa", "short answer", "8", "1998", 0.0),
    ("docvqa", "short answer", "It is 1998", "1998", 0.0),
    ("ocrbench/Doc-oriented VQA", "short answer", "It reads centre.", "CENTRE", 1.0),
    ("ocrbench/Doc-oriented VQA", "short answer", "CEN TRE", "CENTRE", 0.0),
    ("ocrbench/Handwritten Mathematical Expression Recognition", "short answer", "$y_2=- 1$", "y _ 2 = - 1\n", 1.0),
    ("ocrbench/Handwritten Mathematical Expression Recognition", "short answer", "Y_2=-1", "y_2 = - 1", 0.0),
]


def record(name: str, kind: str, text: str | None, key: str) -> Record:
    """Return the record of an example."""
    choice = kind.endswith("choice")
    tags = {AS_WRITTEN: key} if choice and key != key.strip() else {}
    options = ANIMALS if choice else ()
    return Record("1", (key.strip() if choice else key,), name.partition("/")[2], tags=tags, choices=options, text=text)


@pytest.mark.parametrize(("name", "kind", "text", "key", "worth"), EXAMPLES)
def test_worked_examples(name: str, kind: str, text: str, key: str, worth: float | None) -> None:
    score = OFFICIAL[name.partition("/")[0]][kind]
    assert score(record(name, kind, text, key)).value == worth


def test_what_a_script_leaves_out_is_in_no_denominator() -> None:
    score = OFFICIAL["video-mme"]["multiple choice"]
    records = [record("video-mme", "multiple choice", text, "B") for text in ("B", "A", "none of them", "")]
    assert share(records, [score(each) for each in records]).values == [1.0, 0.0]


def test_every_reading_has_examples_and_reads_kinds_that_there_are() -> None:
    assert {(name.partition("/")[0], kind) for name, kind, *_ in EXAMPLES} >= {
        (name, kind) for name, kinds in OFFICIAL.items() for kind in kinds if kind != "picture choice"
    }
    assert {kind for kinds in OFFICIAL.values() for kind in kinds} <= set(get_args(Kind))


def test_an_empty_answer_is_no_option_that_is_a_picture() -> None:
    pictured = Record("1", ("A",), choices=("", ""), text="")
    assert OFFICIAL["mantis-eval"]["multiple choice"](pictured).outcome == "unparsed"


@pytest.mark.parametrize("name", OFFICIAL)
def test_no_answer_is_an_error(name: str) -> None:
    for kind, score in OFFICIAL[name].items():
        assert score(record(name, kind, None, "B")).outcome == "error"
