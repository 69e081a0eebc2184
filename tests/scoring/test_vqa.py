"""VQA accuracy: each public script's score of an answer, computed with the script itself."""

from __future__ import annotations

import pytest

from mmeval.scoring.readings import vqa
from mmeval.scoring.readings.short import voted
from mmeval.types import InputError, Record

DOG = ["the dog"] * 10


def record(text: str, references: list[str], **tags: str) -> Record:
    return Record("1", tuple(references), tags=tags, text=text)


@pytest.mark.parametrize(
    ("text", "references", "m4c", "in_2016", "in_2021", "flamingo"),
    [
        # all agree: 2016 leaves the references alone and not the answer, 2021 leaves both alone
        ("the dog", DOG, 1.0, 0.0, 1.0, 1.0),
        ("The dog.", DOG, 1.0, 0.0, 0.0, 1.0),
        # they differ: 2016 takes punctuation off the references and nothing else
        ("2", ["two"] * 5 + ["three"] * 5, 1.0, 0.0, 1.0, 1.0),
        ("red", ["Red", "red "] + ["blue"] * 8, 0.6, 0.0, 0.6, 0.6),
        ("joe's", ["joe 's"] * 4 + ["joes"] * 6, 1.0, 0.0, 0.0, 0.0),
        ("dog\nQuestion: next?", ["dog"] * 10, 0.0, 0.0, 0.0, 1.0),
        ("red", ["red"] * 3 + ["blue"] * 7, 0.9, 0.9, 0.9, 0.9),
        # nothing is left of either, and they are equal
        ("?", ["the"] * 9 + ["cat"], 1.0, 0.0, 1.0, 1.0),
    ],
)
def test_each_generation_as_its_script(
    text: str, references: list[str], m4c: float, in_2016: float, in_2021: float, flamingo: float
) -> None:
    values = {name: score(record(text, references)).value for name, score in vqa.READINGS.items()}
    assert values == {"m4c": m4c, "2016": in_2016, "2021": in_2021, "open-flamingo": flamingo}


def test_people_without_numbers_who_say_the_same_are_left_out_together() -> None:
    sure = "\n".join(["yes"] * 6 + ["maybe", "no"] + ["yes"] * 2)
    unanswerable = record("unanswerable", ["unanswerable"] * 8 + ["x"] * 2, confidence=sure)
    # left out with any of the six that are sure: all six, and two are left to agree
    assert vqa.READINGS["open-flamingo"](unanswerable).value == 0.8
    assert vqa.READINGS["m4c"](unanswerable).value == 1.0


def test_strict_gives_nothing_for_nothing_and_finds_the_answer() -> None:
    assert voted(record("?", ["the"] * 10)).outcome == "unparsed"
    assert voted(record("The answer is the dog.", DOG)).value == 1.0


@pytest.mark.parametrize("name", vqa.READINGS)
def test_an_answer_that_declines_is_refused(name: str) -> None:
    score = vqa.READINGS[name]
    assert score(record("I cannot answer that.", DOG)).outcome == "refused"
    assert score(record("I cannot answer that.", ["I cannot answer that"] * 10)).value in (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("The Red, Ball.", "red ball"),
        ("isnt", "isn't"),
        ("couldntve", "couldntve"),
        ("couldnt've", "couldn't've"),
        ("twenty-one", "twenty 1"),
        ("1,000", "1000"),
        ("2.5", "2.5"),
        ("None", "0"),
        ("  a\ncat ", "cat"),
    ],
)
def test_words(text: str, becomes: str) -> None:
    assert vqa.normalized(text) == becomes


def test_references_are_needed() -> None:
    with pytest.raises(InputError, match="without reference answers"):
        vqa.READINGS["2016"](record("a", []))
