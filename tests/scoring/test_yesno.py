"""`official` is MME's four-character window; `strict` reads what is said and nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mmeval.scoring.readings.yesno import official, refuses, scorer, strict
from mmeval.types import Record


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes.", "yes"),
        ("NO", "no"),
        ("None of it", "no"),  # a false friend
        ("Eyes", "yes"),  # another
        ("**Yes**", None),  # two characters of markup leave room for "no" but not for "yes"
        ("**No**", "no"),
        ("    yes", None),
        ("Noyes", "no"),
        ("yes/no", "yes"),
        ("", None),
        ("是", None),
    ],
)
def test_official(text: str, label: str | None) -> None:
    assert official(text) == label


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "**Yes**, it does.",
        "- Yes\n- because of the hat",
        "Yes it is.",
        'Yes, the sign says "no entry"',
        'Yes, the sign says "no entr',  # cut off within the quotation
        "The answer is: yes.",
        'The answer is "yes".',
        "So the answer is yes, not no.",
        "Is it a cat? No. Is it a dog? Final answer: Yes",
        "<think>no, no, no</think>Yes",
        "it is not a cat</think>\nYes",
        r"\boxed{\text{Yes}}",
        '{"reason": "no cat", "answer": "yes"}',
        "Note: yes",
        "No. 7 in the list: yes",  # a number
        "Ｙｅｓ",
        "是的，图中有一只狗。",
        "是",
        "答案：是",
        "Yes!!!",
        "YES\N{ZERO WIDTH SPACE}",
        "True",
    ],
)
def test_strict_reads_a_yes(text: str) -> None:
    assert strict(text) == "yes"


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "***No***",
        "No there is not.",
        "No, the sign does not say yes.",
        'No. It says "YES".',
        "There is no dog, so the answer is no.",
        "Definitely not.",
        "nope",
        "否",
        "不是的，这是一只猫。",
        "Yes or no? No.",
        "<answer>no</answer>",
        "Final Answer:\n**No**",
        "N",
    ],
)
def test_strict_reads_a_no(text: str) -> None:
    assert strict(text) == "no"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "No idea",
        "no dog",  # says what is not there, not that the question is to be denied
        "none",
        "It is a dog.",
        "Yes and no.",
        "Yes, but actually no.",
        "Yes or no",
        "Please answer yes or no.",
        "yes/no",
        "The answer is not yes.",
        "The answer is no longer clear.",
        "If the answer is yes, there is a dog.",
        "I don't think the answer is yes",
        "Neither yes nor no",
        "It could be yes.",
        "The sign says: no",
        "The word reads:\n\nYes",
        "It says no",
        'The image shows the words "no smoking',
        "Yes?",
        "是不是",
        "<think>yes, I think so, but",  # cut off before it answered
        "yes-man",
        "eyes",
        "know",
    ],
)
def test_strict_guesses_nothing(text: str) -> None:
    assert strict(text) is None


OPENINGS = ["", " ", "**", "> ", "1. ", "Well, ", "The answer is ", "Answer: ", "I think ", "(", '"', "<s>", "\n\n"]
ENDINGS = ["", ".", "!", "**", '"', ")", "</s>", ", it is.", ". The sign says", " there is", "\n", "，"]


@given(st.sampled_from(OPENINGS), st.sampled_from(ENDINGS))
def test_strict_is_never_turned_around_by_what_stands_around_the_word(before: str, after: str) -> None:
    assert strict(f"{before}Yes{after}") in ("yes", None)
    assert strict(f"{before}No{after}") in ("no", None)


@given(st.text(max_size=60))
@example("İ" * 5)
@example("\ud800yes")
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert official(text) in ("yes", "no", None)
    assert strict(text) in ("yes", "no", None)


@given(
    st.lists(st.sampled_from(["yes", "no", "not", "the answer is", '"', "'", ".", ",", "?", "dog", "\n", "/", "是"]))
)
def test_a_no_that_is_said_is_never_read_as_yes(words: list[str]) -> None:
    text = " ".join(words)
    if "yes" not in text and "是" not in text:
        assert strict(text) != "yes"
    if "no" not in words and "not" not in words:
        assert strict(text) != "no"


@pytest.mark.parametrize(
    "unit", ["a", '"', " '", "final answer ", "<think>", "yes ", "no.", "a/", "是", "\n", "<", "* ", "y ", '"answer" ']
)
def test_a_hundred_thousand_characters_take_no_time(unit: str) -> None:
    text = "final answer" + unit * (100_000 // len(unit))
    start = time.perf_counter()
    strict(text)
    refuses(text)
    assert time.perf_counter() - start < 2.0  # some 0.05 s; a quadratic reading takes minutes


@pytest.mark.parametrize(
    "text", ["I cannot help with that.", "As an AI language model, I do not see", "I’m sorry, but I can’t assist."]
)
def test_a_refusal(text: str) -> None:
    assert refuses(text)
    assert scorer(strict)(Record("1", ("yes",), text=text)).outcome == "refused"


@pytest.mark.parametrize("text", ["I do not know.", "", "The man cannot swim."])
def test_not_a_refusal(text: str) -> None:
    assert scorer(strict)(Record("1", ("yes",), text=text)).outcome == "unparsed"


def test_what_an_answer_is_worth() -> None:
    score = scorer(official)
    assert score(Record("1", ("yes",), text="Yes")).value == 1.0
    assert score(Record("1", ("yes",), text="No")).value == 0.0
    assert score(Record("1", ("yes",), text="Maybe")).value == 0.0  # wrong, and counted as unparsed
    assert score(Record("1", ("yes",), error="broken picture")).value is None  # not wrong: never answered
