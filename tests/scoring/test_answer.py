"""Cleaning an answer before it is parsed, and marking it."""

from __future__ import annotations

import time

import pytest

from mmeval.evaluation import rendering
from mmeval.reasoning import split
from mmeval.scoring.readings import short, yesno
from mmeval.scoring.readings.answer import marked, plain
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.types import Record, Request, Response, Sample

FORMS = [
    ("<think>", "</think>"),
    ("<THINK>", "</THINK>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
]


@pytest.mark.parametrize(("opens", "closes"), FORMS)
def test_reasoning_is_no_answer_in_any_form_and_of_any_kind(opens: str, closes: str) -> None:
    assert split(f"{opens}Say A.{closes}\nB") == ("Say A.", "B")
    for thought in (f"{opens}Answer: A. Yes. 7{closes}", f"Answer: A. Yes. 7{closes}"):  # a template may open it
        assert strict(f"{thought}B", ("bear", "cat")) == "B"
        assert yesno.strict(f"{thought} No") == "no"
        assert short.exact(Record("1", ("5",), text=f"{thought}5")).value == 1.0
    unended = f"{opens}The answer is A. Yes. 7"
    assert strict(unended, ("bear", "cat")) is None
    assert yesno.strict(unended) is None
    assert short.exact(Record("1", ("7",), text=unended)).outcome == "unparsed"


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("B", "", "B"),
        ("<think></think>B", "", "B"),
        ("<think><think>a</think>B", "a", "B"),  # opened by the template and by the model
        ("<think>a</think>B<think>c</think>", "a\nc", "B"),
        ("a</think>b</think>B", "a\nb", "B"),
        ("Well. <think>a", "Well.\na", ""),
        ("<think>a</think>", "a", ""),
        ("I think B", "", "I think B"),
    ],
)
def test_reasoning_and_answer(text: str, reasoning: str, answer: str) -> None:
    assert split(text) == (reasoning, answer)


def test_a_record_keeps_the_reasoning_and_the_whole_text() -> None:
    sample = Sample("1", ("Which?",), ("B",), (("a",), ("b",)))
    record = rendering.record(sample, Request("1", ("Which?",)), Response("1", text="<think>(A)?</think>(B)"))
    assert (record.reasoning, record.text) == ("(A)?", "<think>(A)?</think>(B)")
    assert letters.mmmu(record.text or "", ("a", "b")) == "B"  # an official reading reads what its script read
    separate = rendering.record(sample, Request("1", ("Which?",)), Response("1", text="B", reasoning="I see b."))
    assert separate.reasoning == "I see b."


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("Ｂ．", "B."),
        ("−5", "-5"),
        ("“red”\N{ZERO WIDTH SPACE}", '"red"'),
        ("5<|im_end|>", "5"),
        ("<s> 5 </s>", "5"),
        ("5<end_of_turn>", "5"),
        ("a < b > c", "a < b > c"),
        (r"$\frac{1}{2}$", "$1/2$"),
        (r"2\frac{1}{2}", "2 1/2"),  # not 21/2
        (r"\dfrac{3+4}{2}", "(3+4)/2"),
    ],
)
def test_plain(text: str, becomes: str) -> None:
    assert plain(text) == becomes


def test_what_is_marked() -> None:
    text = 'a \\boxed{\\text{B}} <answer> C </answer> "answer": "D" \\boxed{\\frac{1}{2}} \\boxed{open'
    assert [inner for _, inner in marked(plain(text))] == ["B", " C ", "D", "1/2"]


@pytest.mark.slow
def test_a_million_characters_take_no_time() -> None:
    start = time.process_time()
    for unit in ("<think>", "</think>", "\\boxed{", "<answer>", "[THINK]a[/THINK]", "{", "<|", '"answer":"'):
        marked(plain(unit * (1_000_000 // len(unit))))
    assert time.process_time() - start < 20  # some 3 s
