"""The pieces of an answer, letter by letter: nothing of the reasoning or of its tags, nothing twice."""

from __future__ import annotations

import pytest

from mmeval.reasoning import split
from mmeval.types import Pieces, Response


def letter_by_letter(text: str) -> list[str]:
    pieces: list[str] = []
    display = Pieces(pieces.append)
    for length in range(len(text)):
        display.grow(split(text[:length])[1])
    display.end(Response("r", text=split(text)[1]))
    return pieces


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("<think>", "</think>"), ("<seed:think>", "</seed:think>"), ("<reasoning>", "</reasoning>"),
        ("◁think▷", "◁/think▷"), ("[THINK]", "[/THINK]"), ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|channel|>commentary<|message|>", "<|channel|>final<|message|>"),
    ],
)  # fmt: skip
def test_reasoning_and_its_tags_are_never_shown(begins: str, ends: str) -> None:
    pieces = letter_by_letter(f"{begins}\nhm {ends}\n\nIt is red. ")
    assert "".join(pieces) == "It is red."
    assert len(pieces) == len("Itisred.")  # a blank comes with what follows it


@pytest.mark.parametrize(
    "text", ["a < b and c[0] > 1", "<b>bold</b> [link](x)", "", "  \n", "ü\ufffd?", "ends in <thi"]
)
def test_what_looks_like_a_tag_is_shown_in_the_end(text: str) -> None:
    assert "".join(letter_by_letter(text)) == text.strip()


def test_reasoning_that_was_not_marked_is_followed_by_the_answer_on_a_new_line() -> None:
    assert "".join(letter_by_letter("It may be</think>red")) == "It may be\nred"


def test_an_error_shows_nothing_more() -> None:
    pieces: list[str] = []
    display = Pieces(pieces.append)
    display.grow("the beg")
    display.end(Response("r", error="it broke off"))
    assert pieces == ["the beg"]
