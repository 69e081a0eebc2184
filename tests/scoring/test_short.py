"""Short answers: different answers stay different, and each comparison has a worked example."""

from __future__ import annotations

import time

import pytest

from mmeval.cards.schema import check
from mmeval.scoring.readings import short
from mmeval.types import InputError, Record, Score


def scored(match: str, text: str, *targets: str) -> Score:
    return short.MATCHES[match](Record("1", targets, text=text))


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        *(("5", "-5"), ("-5", "5"), ("<5", ">5"), ("B-", "B+"), ("O+", "O-"), ("C", "C++"), ("C", "C#"), ("15", "1,5")),
        *(("1.5", "15"), ("2", "2%"), ("$5", "5"), ("vitamin A", "vitamin"), ("A1", "1"), (".5", "5"), ("1/2", "12")),
        *(("x2", "x^2"), ("3:15", "315"), ("a cat", "a"), ("ab", "a b"), ("not red", "red"), ("5 m", "5 mm")),
    ],
)
def test_exact_never_makes_different_answers_equal(target: str, answer: str) -> None:
    assert scored("exact", answer, target).value == scored("exact", target, answer).value == 0.0


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        *(("A", "A"), ("The", "The"), ("+", "+"), ("=", "="), ("-5", "−5"), ("?", "?"), ("the red fox", "Red fox.")),
        *(("5", "**5**"), ("5", "Answer: 5"), ("5", "**Answer:** 5"), ("5", "\\boxed{5}"), ("5", "$\\boxed{5}$")),
        *(
            ("5", "<answer>5</answer>"),
            ("5", "5<|im_end|>"),
            ("5", "５"),
            ("5", "five"),
            ("1000", "1,000"),
            ("5", "$5$"),
        ),
        *(("red", '"red"'), ("red", "“Red.”"), ("red", "The answer is red."), ("red", "\\boxed{\\text{red}}")),
        *(
            ("red", "The final answer is: **red**"),
            ("red", "<think>blue</think>red"),
            ("红色", "答案是红色。"),
            ("C++", "C++."),
        ),
        *(("answer", "answer"), ("man on a horse", "a man on the horse"), ("-", "-")),
    ],
)
def test_exact_takes_an_answer_as_people_write_it(target: str, answer: str) -> None:
    assert scored("exact", answer, target).outcome == "correct"


@pytest.mark.parametrize(
    "text",
    [
        "The red bar is 12 and the blue one 1.8. So the answer is 13.8.",
        "12 + 1.8 = 13.8\n**Answer:** 13.8",
        "The answer is 12. No, both count.\n\nThe final answer is: **13.8**.",
        "Both count; therefore, the answer is $13.8$.",
    ],
)
def test_the_last_sentence_that_says_the_answer_is_read(text: str) -> None:
    assert scored("exact", text, "13.8").value == scored("relaxed", text, "13.9").value == 1.0


@pytest.mark.parametrize("text", ["A poster says: the answer is 5", "I doubt that the answer is 5", "5. It isn't 6"])
def test_what_others_say_or_what_is_doubted_is_not_the_answer(text: str) -> None:
    assert scored("exact", text, "5").value == 0.0


@pytest.mark.parametrize("text", ["", " . ", "**", '""', "<think>5"])
def test_what_says_nothing_is_unparsed(text: str) -> None:
    assert scored("exact", text, "5").outcome == "unparsed"


@pytest.mark.parametrize(
    ("tolerance", "answer", "target", "outcome"),
    [
        ("0", "1.0", "1", "correct"),
        ("0", "There are three dogs.", "3", "correct"),
        ("0", "-3", "3", "incorrect"),
        ("0", "2 + 1 = 3", "3", "correct"),
        ("0", "2 or 3", "3", "unparsed"),
        ("0", "The answer is not 3.", "3", "unparsed"),
        ("0", "It is not 3.", "3", "unparsed"),
        ("0", "I cannot count the 3 dogs in this picture.", "3", "unparsed"),
        ("0", "The age gap between the two people is unknown, as I can't see them.", "2", "correct"),  # its known trap
        ("0", "It isn't possible to tell the ages of the two people.", "2", "unparsed"),
        ("0", "There are more than 3 dogs.", "3", "unparsed"),
        ("0", "I can't be exact, but there are 3 dogs.", "3", "correct"),
        ("0", "There are 3. It is not easy to see 3 of them.", "3", "correct"),
        ("0", "I'm sorry, but I can't help with that. Of 3 people", "3", "refused"),
        ("0", "I'm unable to see all of it. Answer: 3", "3", "correct"),
        ("0", "many", "3", "unparsed"),
        ("0", "$1,234.50", "1234.5", "correct"),
        ("0", "1,5", "1.5", "correct"),
        ("0", "1/2", "0.5", "correct"),
        ("0", "1e3", "1000", "correct"),
        ("0", "12,34,567", "1234567", "correct"),
        ("0", "1,2,3", "123", "unparsed"),
        ("0", "12,5,7", "1257", "unparsed"),
        ("0", "1.234,5", "1.2345", "unparsed"),
        ("0", "1.234.567", "1234567", "unparsed"),
        ("0", "1/0", "1", "unparsed"),
        ("0.5", "3.5", "3", "correct"),
        ("0.5", "3.51", "3", "incorrect"),
        ("5%", "105", "100", "correct"),
        ("5%", "105.1", "100", "incorrect"),
        ("5%", "-95", "-100", "correct"),
        ("0", "minus 5", "-5", "correct"),
        ("0", "negative five", "5", "incorrect"),
        ("0", "5 million", "5", "incorrect"),
        ("0", "$5 million", "5000000", "correct"),
        *(
            ("0", text, "5", "unparsed")
            for text in ("at least 5", "at most five", "over 5", "up to 5", "x > 5", "5 < x")
        ),
        *(("0", text, "5", "unparsed") for text in ("5 or more", "5+", "five or fewer", "half of 5", "twice 5", "≥5")),
        ("0", "It is at least 5. So it is 5.", "5", "correct"),
        ("0", "width = 5, height = 6", "6", "unparsed"),
        ("0", "A = 3\nB = 4\nA + B = 7", "7", "correct"),
    ],
)
def test_numeric(tolerance: str, answer: str, target: str, outcome: str) -> None:
    assert short.numeric(tolerance)(Record("1", (target,), text=answer)).outcome == outcome


@pytest.mark.parametrize(("answer", "value"), [("-5", 1.0), ("-4.5", 0.9), ("5", 0.0), ("100", 0.0), ("minus 5", 1.0)])
def test_mean_relative_accuracy_of_a_negative_number(answer: str, value: float) -> None:
    assert scored("mra", answer, "-5").value == value


@pytest.mark.parametrize(
    ("answer", "target", "value"),
    [
        ("105", "100", 1.0),
        ("105.1", "100", 0.0),
        ("12%", "0.12", 1.0),
        ("12", "12%", 0.0),
        ("0.01", "0", 0.0),  # a reference of 0 must be equal as a text
        ("0", "0", 1.0),
        ("1,000", "1000", 0.0),  # no number to the script
        ("Yes", "yes", 1.0),
        ("yes!", "yes", 0.0),
        ("2009", "2010", 1.0),  # its known trap: a year is a number
    ],
)
def test_relaxed_as_chartqa(answer: str, target: str, value: float) -> None:
    assert short.relaxed(answer, [target]) == value
    assert scored("relaxed", f"The answer is {answer}", "x", target).value == value


@pytest.mark.parametrize(
    ("answer", "targets", "value"),
    [
        ("Hello", ["hello"], 1.0),
        ("helo", ["hello"], 1 - 1 / 5),
        ("abcd", ["abxy"], 0.5),  # a half counts
        ("abcd", ["axyz"], 0.0),
        ("kitten", ["sitting", "kitchen"], 1 - 2 / 7),  # the nearer one
        ("new  york", ["new york"], 1.0),
        ("a" * 100, ["a"], 0.0),
    ],
)
def test_anls_as_docvqa(answer: str, targets: list[str], value: float) -> None:
    assert short.anls(answer, targets) == pytest.approx(value)


def test_contains_as_ocrbench() -> None:
    assert scored("contains", "The sign says\nSTOP here", "says stop").value == 1.0
    assert scored("contains", "The sign says go", "stop", "halt").value == 0.0
    assert scored("contains", "<think>stop</think>go", "stop").value == 0.0
    assert (
        scored("contains", "<think>x</think>$\\frac{1}{2} + x^2$", "\\frac { 1 } { 2 } + x ^ 2").value == 1.0
    )  # blanks
    assert scored("contains", "nowhere", "now here").value == 0.0
    assert scored("contains", "I'm sorry, but I cannot read the text.", "text").outcome == "refused"
    assert scored("contains", "I'm unable to read all of it.\nAnswer: STOP", "stop").outcome == "correct"


def test_mean_relative_accuracy_as_vsi_bench() -> None:
    marks = [scored("mra", text, "4").value for text in ("4", "It is 3.5 m.", "**6**", "Answer: 8", "3 or 4", "none")]
    assert marks == [1.0, 0.8, 0.1, 0.0, 0.0, 0.0]
    assert (scored("mra", "0", "0").value, scored("mra", "0.1", "0").value) == (1.0, 0.0)
    assert scored("mra", "4", "none", "8", "5").value == 0.6  # the nearest; 0.2 is more than 1 - 0.8


def test_a_tolerance_is_given_where_numbers_are_compared_and_nowhere_else() -> None:
    values = {"about": "x", "kind": "short answer", "files": "q.jsonl", "fields": {"question": "q", "answer": "a"}}
    assert check({**values, "match": "numeric", "tolerance": 0.5}, "c.yaml").tolerance == "0.5"
    for wrong in ({"match": "numeric"}, {"tolerance": "5%"}, {"match": "numeric", "tolerance": "-1"}):
        with pytest.raises(InputError, match="tolerance"):
            check({**values, **wrong}, "c.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("match", [*short.MATCHES])
def test_fifty_thousand_characters_take_no_time(match: str) -> None:
    start = time.process_time()
    for unit in ("a ", "1,", "**", '"', "the ", "5 ", "answer is ", "$ "):
        scored(match, unit * (50_000 // len(unit)), "5 a")
        short.numeric("0")(Record("1", ("5",), text=unit * (50_000 // len(unit))))
    assert time.process_time() - start < 15
