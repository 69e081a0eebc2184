"""Answers to MMMU and MMMU-Pro, read as their scripts do: each value below is the scripts' own output."""

from __future__ import annotations

import pytest

from mmeval.scoring.metrics.groups import guessing
from mmeval.scoring.readings.choices import Reader
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.scripts.mmmu import open_answer
from mmeval.types import Record, Score

ANIMALS = ("cat", "dog", "black cat", "17")
LONG = "I would say that it must be the"


@pytest.mark.parametrize(
    ("text", "mmmu", "pro"),
    [
        ("B", "B", "B"),
        ("(A) or (B)", "B", "B"),
        ("A or B.", "B", "B"),
        ("B. dog", None, "B"),
        ("A. or B. it", None, "A"),  # neither is between spaces
        ("**B**", None, None),
        ("I think (a)", None, None),
        ("the black cat", None, None),  # too short to search an option
        (f"{LONG} dog", "B", "B"),
        (f"{LONG} black cat", "A", "A"),  # "cat" begins last
        ("(A)\nAnswer: B", "A", "B"),
        ("Answer: C\nAnswer: Bird", None, "B"),  # a capital letter in a word
        ("Answer: dog", None, None),
        ("Answer: BC, (A)", "A", "A"),  # three letters
        ("", None, None),
    ],
)
def test_letters(text: str, mmmu: str | None, pro: str | None) -> None:
    assert letters.mmmu(text, ANIMALS) == mmmu
    assert letters.mmmu_pro(text, ANIMALS) == pro


@pytest.mark.parametrize(
    ("text", "key", "correct"),
    [
        ("30", "30.0", True),
        ("It is 30 watts.", "30", True),
        ("36 watts", "30", False),
        ("1,000", "1000", True),
        ("It is 2.829", "2.83", True),  # rounded to two decimals
        ("2.8", "2.83", False),
        ("0.286", "0.2857", True),
        ("-120", "-120", True),
        ("between 3-5", "-5", True),
        ("12,5", "12", False),
        ("1.5e3 J", "1500", True),
        ("not embryonic", "embryonic", True),  # a part of it
        ("It is small", "is", False),  # only what follows the lead
        ("A", "A", True),
        ("Step A", "A", True),
        ("Banana", "A", False),
        ("x = 5, y = 6", "5", False),  # only what follows the last equals sign
        ("x is 5\nDone", "5", True),
        ("x = 5\nso y = 6", "5", False),  # an equals sign counts in the last line
        ("This is so \nbig", "big", False),
        ("", "5", False),
    ],
)
def test_open_answers(text: str, key: str, correct: bool) -> None:
    assert open_answer(Record("1", (key,), text=text)).value == float(correct)


def test_any_of_several_answers_is_right() -> None:
    assert open_answer(Record("1", ("$MgS$", "MgS"), text="The answer is MgS.")) == Score(1.0, "correct", "mgs")


def test_no_answer_and_no_key() -> None:
    assert open_answer(Record("1", ("5",), error="x")).outcome == "error"
    assert open_answer(Record("1", (), text="5")) == Score(None, "unscored", "5.0")
    assert open_answer(Record("1", ("5",), text=" ")).outcome == "unparsed"


@pytest.mark.parametrize("read", [letters.mmmu, letters.lmms_eval, letters.mmmu_pro])
def test_an_option_that_is_a_picture_is_in_no_answer(read: Reader) -> None:
    assert read("I cannot tell which of these it is", ("", "", "a cat")) is None


def test_a_draw_is_never_the_letter_of_no_option() -> None:
    record = Record("1", ("B",), choices=("['A', 'B', 'Not enough information']",), text="hm")
    assert letters.drawn(letters.mmmu_pro)(record) == Score(0.0, "unparsed")
    assert guessing([record]) == 0.0


@pytest.mark.parametrize("text", ["is " + "1" * 200_000 + "a", "1.1" * 60_000, "so is " * 40_000, "x\n" * 100_000])
def test_a_long_answer_takes_no_long_time(text: str) -> None:
    assert open_answer(Record("1", ("5",), text=text)).value == 0.0
