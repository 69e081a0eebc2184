"""Rotations of a question, and questions with missing rotations."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmeval.scoring.metrics import circular
from mmeval.scoring.metrics.circular import turned, turned_letter
from mmeval.types import Record, Score


def question_rows(
    question: str, marks: Sequence[float | None], options: int, **tags: str
) -> list[tuple[Record, Score]]:
    """The turns of a question with their marks, in the order given."""
    rows = []
    for turn, mark in enumerate(marks):
        tag = {**({"turn": str(turn)} if turn else {}), **tags}
        choices = tuple("abcd"[:options])
        record = Record(f"{question}.{turn}", ("A",), groups={circular.GROUP: question}, tags=tag, choices=choices)
        rows.append((record, Score(mark, "error" if mark is None else "correct" if mark else "incorrect")))
    return rows


def grouped(*rows: tuple[Record, Score]) -> list[circular.Question]:
    return circular.questions([record for record, _ in rows], [score for _, score in rows])


def test_a_becomes_the_last_option_at_the_next_turn() -> None:
    assert turned(["w", "x", "y", "z"], 1) == ("x", "y", "z", "w")
    assert [turned_letter("A", 4, turn) for turn in range(4)] == ["A", "D", "C", "B"]


@settings(deadline=None)
@given(st.lists(st.text(), min_size=2, max_size=6), st.integers(0, 5), st.integers(0, 5))
def test_the_right_option_keeps_its_text_at_every_turn(options: list[str], right: int, turn: int) -> None:
    right, turn = right % len(options), turn % len(options)
    letter = turned_letter("ABCDEF"[right], len(options), turn)
    assert turned(options, turn)["ABCDEF".index(letter)] == options[right]


@pytest.mark.parametrize(
    ("marks", "hit"),
    [([1.0, 1.0, 1.0], 1.0), ([1.0, 0.0, 1.0], 0.0), ([1.0, None, 1.0], None), ([1.0, None, 0.0], 0.0)],
)
def test_one_wrong_turn_loses_and_an_error_leaves_open(marks: list[float | None], hit: float | None) -> None:
    (question,) = grouped(*question_rows("q", marks, 3))
    assert question.hit == hit
    assert question.first == 1.0


def test_the_order_of_the_answers_does_not_matter() -> None:
    rows = question_rows("q", [1.0, 0.0], 2) + question_rows("p", [0.0, 1.0], 2)
    assert {q.records[0].groups[circular.GROUP]: q.first for q in grouped(*rows[::-1])} == {"q": 1.0, "p": 0.0}


def test_what_lacks_turns_is_named_unless_its_data_count_fewer() -> None:
    complete, lacking = question_rows("q", [1.0] * 3, 3), question_rows("p", [1.0], 3)
    assert circular.incomplete(grouped(*complete)) is None
    assert circular.incomplete(grouped(*complete, *lacking)) == "incomplete: question p (1 of 3 rotations)"
    assert circular.incomplete(grouped(*question_rows("p", [1.0], 3, turns="1"))) is None


def test_chance_is_that_of_a_letter_drawn_for_each_turn() -> None:
    both = grouped(*question_rows("q", [1.0, 1.0], 2), *question_rows("p", [1.0] * 4, 4))
    assert circular.chance(both) == pytest.approx((1 / 4 + 1 / 256) / 2)
    many = grouped(*[row for n in range(40) for row in question_rows(f"q{n}", [1.0] * (2 + n % 3), 2 + n % 3)])
    assert circular.chance(many) == circular.chance(many[::-1])  # two runs of one data set have one chance
