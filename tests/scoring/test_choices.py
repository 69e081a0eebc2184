"""Parsing letters: cases that no recording has, and properties that hold for any text."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmeval.scoring.readings import choices, short, yesno
from mmeval.scoring.readings.scripts.public import READINGS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.types import Image, InputError, Record

ANIMALS = ["teddy bear", "rabbit", "cat", "dog"]
POINTS = ["Point A", "Point B", "Point C"]
LETTERS = ["b", "c", "d", "a"]
TREES = ["iron", "oak", "I", "ink", "elm", "fir", "gum", "hay", "ivy"]
NUMBERS = ["1", "2.0", "3.5", "40"]
CHINESE = ["泰迪熊", "兔子", "猫", "狗"]


@pytest.mark.parametrize(
    ("text", "options", "letter"),
    [
        ("_B_", ANIMALS, "B"),
        ("B?", ANIMALS, "B"),
        ("（b）", ANIMALS, "B"),
        ("b. rabbit", ANIMALS, "B"),
        ("The answer is (d)", ANIMALS, "D"),
        ("The answer is A teddy bear", ANIMALS, "A"),
        ("The answer is a dog.", ANIMALS, "D"),  # an article, not the letter
        ("The answer is a spider.", ANIMALS, None),
        ("The answer is black.", ANIMALS, None),  # not "B"
        ("A photo of a cat", ANIMALS, "C"),
        ("A is correct", ANIMALS, "A"),
        ("A is for apple", ANIMALS, None),
        ("First, A is wrong. B is wrong. C is wrong. So D", ANIMALS, "D"),
        ("Answer: B\nExplanation: A is not right since C and D", ANIMALS, "B"),
        ("The answer is A, B", ANIMALS, None),
        ("B or C", ANIMALS, None),
        ("ABCD", ANIMALS, None),
        ("The answer is E.", ANIMALS, None),
        ("not a dog but a cat", ANIMALS, "C"),
        ("It could be a cat or a dog", ANIMALS, None),
        ("I cannot tell if it is a cat", ANIMALS, None),
        ("Is it a cat?", ANIMALS, None),
        ("hotdog", ANIMALS, None),
        ("A B. A B.", ["Vitamin A", "Vitamin B"], None),
        ("Vitamin B", ["Vitamin A", "Vitamin B"], "B"),
        ("Vitamin C", ANIMALS, None),
        ("<think>A or B? B</think>The answer is C", ANIMALS, "C"),
        ("\\boxed{\\text{C}}", ANIMALS, "C"),
        ("\\boxed{cat}", ANIMALS, "C"),
        ("The answer is Point B", POINTS, "B"),
        ("B is closer", POINTS, "B"),
        ("A and B", ["only the first", "only the second", "both A and B", "neither"], None),
        ("D. a", LETTERS, "D"),
        ("C. d", LETTERS, "C"),
        ("a", LETTERS, "D"),
        ("A", LETTERS, "A"),
        ("I", TREES, None),  # the letter, or the third option?
        ("2", NUMBERS, None),
        ("2.0", NUMBERS, "B"),
        ("It is 3.5", ["3", "5"], None),
        ("I think it is 3.5.", NUMBERS, "C"),
        ("-5", ["5", "6"], None),
        ("-5", ["5", "6", "-5"], "C"),
        ("None", ["None", "1"], "A"),
        ("NA", ["1", "NA"], "B"),
        ("熊猫", CHINESE, None),  # a panda, which ends in "cat"
        ("这是一只狗", CHINESE, "D"),
        ("不是猫", CHINESE, None),
        ("应该选B", CHINESE, "B"),
        ("Z", ANIMALS, "Z"),
        ("Cannot determine the answer", ANIMALS, "Z"),
        ("", ANIMALS, None),
    ],
)
def test_strict(text: str, options: list[str], letter: str | None) -> None:
    assert strict(text, options) == letter


def test_strict_reads_what_a_careful_person_reads() -> None:
    lines = (Path(__file__).parents[1] / "recordings" / "letter_answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    read = [(row["letter"], strict(row["text"], row["choices"]), row["text"]) for row in rows]
    assert [reading for reading in read if reading[1] not in (None, reading[0])] == []  # no wrong letter, none invented
    readable = [reading for reading in read if reading[0]]
    assert sum(reading[1] is not None for reading in readable) >= 0.97 * len(readable)
    assert len(rows) > 900


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_strict_keeps_its_bars_on_answers_that_were_written_before_its_rules_were_read(number: int) -> None:
    lines = (Path(__file__).parents[1] / "recordings" / "fresh_answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["set"] == number]
    read = [(row["letter"], strict(row["text"], row["choices"]), row["text"]) for row in rows]
    assert [reading for reading in read if reading[1] not in (None, reading[0])] == []
    readable = [reading for reading in read if reading[0]]
    assert sum(reading[1] is not None for reading in readable) >= 0.95 * len(readable)  # "a chicken sandwich" is unread


def read_blind(row: dict[str, Any]) -> str | None:
    """Read an answer of the blind set: a letter, yes or no, or whether a short answer is right."""
    if row["kind"] == "letter":
        letter = strict(row["text"], row["choices"])
        return None if letter == choices.NONE_OF_THEM else letter  # it declines to choose
    if row["kind"] == "yes/no":
        return yesno.strict(row["text"], (row["language"],))
    score = short.exact(Record("1", (row["target"],), text=row["text"]))
    return None if score.outcome == "unparsed" else score.outcome


@pytest.mark.parametrize("part", range(1, 10))
def test_strict_keeps_its_bars_on_answers_whose_meaning_was_fixed_before_it_was_built(part: int) -> None:
    lines = (Path(__file__).parents[1] / "recordings" / "blind_answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["part"] == part]
    read = [(row["meant"], read_blind(row), row["text"]) for row in rows]
    wrong = [text for meant, answer, text in read if answer not in (None, meant)]
    assert wrong == (["The plate is made of china."] if part == 3 else [])  # the option is China
    readable = [reading for reading in read if reading[0]]
    assert sum(reading[1] is not None for reading in readable) >= 0.97 * len(readable)


KINDS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "recordings" / "kind_answers.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


@pytest.mark.parametrize("kind", sorted({row["kind"] for row in KINDS}))
def test_strict_reads_every_form_of_a_kind_and_nothing_that_only_looks_like_it(kind: str) -> None:
    read = [(row["letter"], strict(row["text"], row["choices"]), row["text"]) for row in KINDS if row["kind"] == kind]
    assert [reading for reading in read if reading[0] != reading[1]] == []


@pytest.mark.parametrize(
    ("form", "text", "letter"),
    [
        ("declared", "The best option to choose here is B.", "B"),
        ("declared", "I would go with C.", "C"),
        ("declared", "It has long ears, so it is B.", "B"),
        ("called right", "B is the correct answer.", "B"),
        ("alone at the end", "The ears are long.\n\nB", "B"),
        ("opening", "(B) Option C would need whiskers.", "B"),
        ("opening", "Rabbit, because of its ears.", "B"),
        ("preferred", "Option B is most similar to the first animal.", "B"),
        ("plain statement", "The image shows a small brown dog.", "D"),
        ("plain statement", "He is holding a cat.", "C"),
        ("denied", "The answer is not B.", None),
        ("doubted", "The answer might be B.", None),
        ("asked", "Is the answer B?", None),
        ("supposed", "If it had long ears, the answer would be B.", None),
        ("attributed", "Students often say that the answer is B.", None),
        ("of someone else", "Their answer is C.", None),
        ("taken back", "The answer is B. Hmm, I can't decide.", None),
        ("two answers", "The answer is B. The answer is C.", None),
        ("letter and words", "It is a dog, so the answer is B.", None),
        ("part of a name", "Route C is the best.", None),
        ("compared", "It is as big as a dog.", None),
        ("no predicate", "It has the ears of a rabbit.", None),
        ("another action", "It eats a rabbit.", None),
    ],
)
def test_a_letter_is_read_from_forms_that_commit_and_from_no_others(form: str, text: str, letter: str | None) -> None:
    assert strict(text, ANIMALS) == letter, form


def test_options_are_found_in_the_question_where_a_record_knows_letters_alone() -> None:
    text = "A: which?\nHow many stumps?\nOptions: A: nan, B: Two, C: One, D: Cannot be determined\nName a letter."
    question = Record("1", ("B",), choices=("A", "B", "C", "D"), question=text, text="Two")
    assert choices.offered(question) == ("", "Two", "One", "Cannot be determined")
    for read in (strict, READINGS["2026-08"]):
        assert choices.scorer(read)(question).answer == "B"
    text = "Which?\n(A) a cat\n(B) a dog"
    assert choices.offered(Record("1", (), choices=("A", "B", "C"), question=text)) == ("a cat", "a dog", "")
    assert choices.offered(Record("1", (), choices=("A", "B"), question="Is A taller?")) == ("A", "B")


@settings(deadline=None)
@given(st.text(), st.lists(st.text(min_size=1), min_size=2, max_size=8))
def test_whatever_is_written_a_reader_gives_a_letter_of_the_options_or_nothing(text: str, options: list[str]) -> None:
    letters = {*choices.LETTERS[: len(options)], choices.NONE_OF_THEM, None}
    assert strict(text, options) in letters
    for name, read in READINGS.items():
        assert read(text, options) in (letters | set("ABCDE") if name == "2023" else letters)


@settings(deadline=None)
@given(st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}.", "**{}**", "Answer: {}", "The answer is {}."]))
def test_a_plain_letter_is_read_by_strict_whatever_the_options(letter: str, form: str) -> None:
    assert strict(form.format(letter), ANIMALS) == letter


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        *("A ", "a.b.", "cat ", "answer is ", "( ", "not a ", "\\boxed{", '"answer": "', "final answer ", "\n", " "),
        *("<think>", "</think>", "<answer>", "(A) bear\n", "B, ", "the second ", "因此", "*", "if ", "A or "),
        *("答案是", "la respuesta es ", 'my friend says "', "→ ", "[x] ", "\\frac{1}", "you asked which "),
        *("B is the only ", "B is correct, ", "answer: ", "**", "A is correct and ", "the best ", "so B ", "A. No\n"),
        *("answer is " + ":" * 100, 'reads "', "I deny that B is "),
        "x\n" + " " * 199_997 + "y",
    ],
)
def test_an_answer_of_200_000_characters_takes_time_in_proportion(unit: str) -> None:
    start = time.process_time()
    strict(unit * (200_000 // len(unit)), ANIMALS)
    assert time.process_time() - start < 5  # at most some 0.5 s; what is quadratic takes minutes


def test_the_last_of_several_final_answers_stands() -> None:
    assert strict("Final answer: A. No, wait. Final answer: B.", ANIMALS) == "B"


def record(text: str | None = None, **more: object) -> Record:
    return Record("1", ("B",), choices=tuple(ANIMALS), text=text, **more)  # type: ignore[arg-type]


def test_a_scorer_tells_right_from_wrong_unread_and_declined() -> None:
    score = choices.scorer(strict)
    scores = {text: score(record(text)) for text in ("B", "C", "perhaps", "Z")}
    assert [(s.value, s.outcome, s.answer) for s in scores.values()] == [
        (1.0, "correct", "B"),
        (0.0, "incorrect", "C"),
        (0.0, "unparsed", None),
        (0.0, "refused", "Z"),
    ]
    assert [choices.lost(s) for s in scores.values()] == [False, True, False, True]


def test_without_a_known_answer_there_is_no_score() -> None:
    score = choices.scorer(strict)(Record("1", (), choices=tuple(ANIMALS), text="B"))
    assert (score.value, score.outcome, score.answer) == (None, "unscored", "B")


def test_likelihoods_are_compared_per_byte_of_the_option_unless_told_otherwise() -> None:
    # per byte: -2.0, -0.5, -3.3, -4.0; as sums the short ones win
    ranked = record(loglikelihoods=(-20.0, -3.0, -10.0, -12.0))
    assert choices.LIKELIHOOD_SCORERS["likelihood"](ranked).answer == "B"
    long = record(loglikelihoods=(-4.0, -3.0, -2.5, -2.6))
    assert choices.LIKELIHOOD_SCORERS["likelihood"](long).answer == "A"
    assert choices.LIKELIHOOD_SCORERS["likelihood-sum"](long).answer == "C"


def test_options_that_are_equally_likely_are_no_choice() -> None:
    even = record(loglikelihoods=(0.0, 0.0, 0.0, 0.0))
    assert choices.LIKELIHOOD_SCORERS["likelihood"](even).outcome == "unparsed"


def test_options_are_listed_with_their_pictures() -> None:
    picture = Image(b"x")
    assert choices.listed([("one",), (picture, " two")]) == ("A. one\nB. ", picture, " two\n")
    with pytest.raises(InputError, match="option 27 has no letter: there are 26 letters"):
        choices.listed([("x",)] * 27)


def test_the_histogram_names_every_letter_and_what_was_not_read() -> None:
    score = choices.scorer(strict)
    records = [record(text) for text in ("A", "A", "B", "perhaps")]
    assert choices.histogram(records, [score(r) for r in records]) == "A 50%, B 25% (right: 100%), none 25%"
