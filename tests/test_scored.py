"""Errors in the numbers: counted as wrong where an answer can be, withheld where several answers are compared."""

from __future__ import annotations

import pytest

from mmeval.task_loading import load_task
from mmeval.types import Record
from tests.evaluating import results


def cell(caption: int, image: int, error: str | None = None) -> Record:
    likelihoods = (-1.0, -2.0, -9.0, -9.0) if caption == image else (-2.0, -1.0, -9.0, -9.0)
    return Record(
        id=f"0/{caption}{image}",
        targets=("yes" if caption == image else "no",),
        groups={"pair": "0"},
        tags={"caption": str(caption), "image": str(image)},
        loglikelihoods=None if error else likelihoods,
        error=error,
    )


def test_a_comparison_that_lacks_an_answer_has_no_value_and_says_why() -> None:
    cells = [cell(caption, image) for caption in (0, 1) for image in (0, 1)]
    assert results(load_task("winoground"), cells).metrics["group"].value == 100
    scores = results(load_task("winoground"), [*cells[:3], cell(1, 1, "out of memory")])
    assert scores.metrics["group"].value is None
    assert scores.metrics["group"].reason == "1 of 4 questions ended in an error"
    assert "Numbers are withheld: 1 of 4 questions has no answer." in scores.remarks


def test_an_error_counts_as_wrong_and_is_reported() -> None:
    answers = [Record(f"random/{n}", ("yes",), "random", {"image": str(n)}, text="yes") for n in range(3)]
    failed = Record("random/3", ("yes",), "random", {"image": "3"}, error="out of memory")
    scores = results(load_task("pope"), [*answers, failed])
    assert scores.metrics["random/recall"].value == 75
    assert "Errors count as wrong: 1 of 4 questions has no answer." in scores.remarks
    assert "The most frequent error (1 of 1): out of memory" in scores.remarks


def test_errors_that_differ_in_their_numbers_are_one_error() -> None:
    errors = ["no such file", "no such file", *(f"the prompt has {n:,} tokens" for n in (998, 1_002, 2_345))]
    records = [Record(str(n), ("yes",), "random", {"image": str(n)}, error=error) for n, error in enumerate(errors)]
    scores = results(load_task("pope"), records)
    assert "The most frequent error (3 of 5; its numbers vary): the prompt has 998 tokens" in scores.remarks


def test_cut_answers_are_counted_without_comparing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def compared(first: object, second: object) -> bool:
        raise AssertionError("10,000 cut answers would take a minute")

    monkeypatch.setattr(Record, "__eq__", compared)
    answers = (("", "hm", 30), ("yes, be", "hm", 16), ("yes, be", "", 12))
    cut = [
        Record(
            *(str(n), ("yes",), "random", {"image": str(n)}), text=text, reasoning=reasoning,
            finish_reason="length", output_tokens=tokens,
        )
        for n, (text, reasoning, tokens) in enumerate(answers)
    ]  # fmt: skip
    remarks = results(load_task("pope"), cut).remarks
    assert "1 of 3 answers was cut while the model was still reasoning; raise --thinking-tokens." in remarks
    assert "2 of 3 answers were cut at 16 tokens; raise --max-new-tokens." in remarks
