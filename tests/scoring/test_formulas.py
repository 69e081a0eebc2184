"""Answers to questions of mathematics: LaTeX, MATH-Vision's script (each value is its own output), and strict."""

from __future__ import annotations

import pytest

from mmeval.scoring.readings import choices, formulas
from mmeval.scoring.readings.latex import beginning, whole
from mmeval.scoring.readings.scripts import mathvision
from mmeval.types import Record

HALF = ("4", "$\\frac{1}{2}$", "6", "7", "8")
ANGLES = ("80", "82", "$84^{\\circ}$", "86", "88")
OFFICIAL: list[tuple[str, str, tuple[str, ...], float]] = [
    # answer, key, options, score
    ("The answer is (B).", "B", HALF, 1.0),
    ("\\boxed{\\frac{2}{4}}", "B", HALF, 1.0),
    ("\\boxed{B) 1/2}", "B", HALF, 0.0),  # a letter and a value
    ("(B) $\\frac{1}{2}$", "B", HALF, 0.0),
    ("So it is 0.5", "B", HALF, 1.0),
    ("I choose B because it is half", "B", HALF, 0.0),
    ("B\nas it is half", "B", HALF, 1.0),
    ("It must be (B).", "B", HALF, 1.0),
    ("\\boxed{84}", "C", ANGLES, 0.0),  # the degree is removed from the answer but not from the option
    ("\\boxed{C}", "C", ANGLES, 1.0),
    ("\\boxed{84^\\circ}", "84", (), 1.0),
    ("84 degrees", "84", (), 0.0),
    ("12 trees", "12", (), 1.0),  # the library knows "tr"
    ("12 apples", "12", (), 0.0),
    ("\\boxed{5 \\text{ km}}", "5", (), 1.0),
    ("\\boxed{5 \\text{ cm}}", "5", (), 0.0),
    ("\\boxed{2\\sqrt{3}}", "$\\sqrt{12}$", (), 1.0),
    ("$5\\sqrt3$", "$5 \\sqrt{3}$", (), 1.0),
    ("\\boxed{3.464}", "$2 \\sqrt{3}$", (), 1.0),  # to two decimals
    ("\\boxed{3.47}", "$2 \\sqrt{3}$", (), 0.0),
    ("\\dfrac{\\pi}{4}", "\\frac{3.14}{4}", (), 1.0),
    ("3/4", "0.75", (), 1.0),
    ("\\boxed{1:2}", "0.5", (), 1.0),
    ("\\boxed{2\\frac{1}{2}}", "2.5", (), 0.0),
    ("\\boxed{2\\frac{1}{2}}", "1", (), 1.0),  # a product
    ("\\boxed{(3.0,-4)}", "(3,-4)", (), 1.0),
    ("\\boxed{(3,4-8)}", "(3,-4)", (), 1.0),
    ("[1,2/2]", "[1.0,1]", (), 0.0),  # 1.0 is not 1 in a list
    ("The answer is 12. It was easy.", "12", (), 1.0),
    ("the answer is\n12", "12", (), 1.0),
    ("x = 5", "5", (), 1.0),
    ("\\boxed{5} or \\boxed{6}", "6", (), 1.0),
    ("\\boxed{5", "5", (), 0.0),
    ("\\boxed{50\\%}", "50", (), 1.0),
    ("", "5", (), 0.0),
]


@pytest.mark.parametrize(("text", "key", "options", "value"), OFFICIAL)
def test_mathvisions_script(text: str, key: str, options: tuple[str, ...], value: float) -> None:
    assert mathvision.scored(Record("1", (key,), choices=options, text=text)).value == value


def test_an_answer_that_mathvision_cannot_score() -> None:
    assert mathvision.scored(Record("1", ("5",), error="out of memory")).outcome == "error"
    assert mathvision.scored(Record("1", (), text="5")).outcome == "unscored"
    assert mathvision.scored(Record("1", ("5",), text=" ")).outcome == "unparsed"


def test_mathvisions_script_reads_a_letter_as_strict_does() -> None:
    records = [Record("1", ("B",), choices=options, text="\\boxed{B}") for options in (HALF, ())]
    assert [mathvision.scored(record).answer for record in records] == ["B", "b"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-\\frac{24}{25}", -0.96),
        ("3!+2", 8),
        ("2^3^2", 64),
        ("-2^2", -4),
        ("\\binom{5}{2}", 10),
        ("1,234.5", 1234.5),
        ("12\\%", 0.12),
        ("\\sqrt[3]{8}", 2),
        ("\\log_2 8", 3),
        ("\\sin^2(0)+\\cos 0", 1),
        ("\\left(1+2\\right)\\{4\\}", 12),
        ("7}.theansweris:8", 7),  # what cannot be read is dropped
        ("7.so", 7),
        ("7 cm", None),  # letters would be a product with variables
        ("7-", None),
        ("7,8", None),
        ("7?", None),
        ("x=7", None),
        ("\\sqrt{-1}", None),
        ("1/0", None),
        ("9^9^9^9^9", None),
        ("9999999!", None),
        ("(" * 5000 + "1" + ")" * 5000, None),
        ("1" * 5000, None),
        ("", None),
    ],
)
def test_the_value_that_a_text_begins_with(text: str, value: float | None) -> None:
    assert beginning(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2\\frac{1}{2}", 2.5),
        ("2 1/2", 2.5),
        ("\\frac12", 0.5),
        ("2√3", None),
        ("3π", 9.42477796076938),
        ("−3.", -3),
        ("7.so", None),
        ("7}", None),
        ("2 3", None),
        ("1.2.3", None),
    ],
)
def test_the_value_of_a_whole_text(text: str, value: float | None) -> None:
    assert whole(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("So it is $\\boxed{\\frac{3}{4}}$.", "0.75", 1.0),
        ("The answer is \\(\\frac{\\sqrt{3}}{2}\\).", "$\\sqrt{3}/2$", 1.0),
        ("\\boxed{315.4 \\text{ cm}^2}", "Area $=315.4 \\mathrm{~cm}^{2}$", 1.0),
        ("The area is 30 square inches.", "30", 1.0),
        ("\\boxed{60^{\\circ}}", "60", 1.0),
        ("f(x) = -x^2 + 1", "-x^2+1", 1.0),
        ("\\boxed{17\\%}", "17", 1.0),
        ("(2, \\frac{1}{2})", "$(2,\\frac{1}{2})$", 1.0),
        ("\\boxed{\\text{even}}", "even", 1.0),
        ("5π", "5", 0.0),
        ("\\boxed{5\\pi}", "5", 0.0),
        ("\\boxed{0.33}", "$\\frac{1}{3}$", 0.0),
        ("not 5", "5", 0.0),
        ("5 or 6", "5", 0.0),
        ("1", "$x^2+y^2=1$", 0.0),  # an equation is not its right side
        ("", "5", 0.0),
        ("A desk lamp.", "desk lamp", 1),
        ("blue line", "the blue line", 1),
        ("10^-3", "$10^{-3}$", 1),
        ("10^3", "$10^{-3}$", 0),
        *(("12 m", "12 in", 0), ("12 in", "12 ft", 0), ("5 hours", "5 seconds", 0), ("12 cm", "12 \\text{ cm}^2", 0)),
        *(("12 inches", "12 in", 1), ("12 square meters", "12 \\mathrm{~m}^{2}", 1), ("It is 12 m long.", "12 m", 1)),
        *(("x<5", "5", 0), ("x \\leq 5", "5", 0), ("x<=5", "5", 0), ("x<5", "x<5", 1), ("A=5, B=6", "6", 0)),
    ],
)
def test_short_answers_by_value(text: str, key: str, value: float) -> None:
    assert formulas.scored(Record("1", (key,), text=text)).value == value


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is \\boxed{B}.", "B"),
        ("$\\frac{1}{2}$", "B"),
        ("So it is \\boxed{\\frac{2}{4}}.", "B"),
        ("\\boxed{0.5 \\text{ cm}}", "B"),
        ("\\boxed{5}", None),
        ("It is 6 or 7.", None),
    ],
)
def test_options_by_value(text: str, letter: str | None) -> None:
    assert choices.scorer(formulas.chosen)(Record("1", ("B",), choices=HALF, text=text)).answer == letter
