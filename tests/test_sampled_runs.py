"""Runs with several sampled answers per question, from asking to comparing."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mmeval
from mmeval.bias.study import study
from mmeval.models import ModelOptions
from mmeval.models.constant import Constant
from mmeval.runs.run import Run
from mmeval.types import Generation, Request, Response
from tests import mmbench_table
from tests.evaluating import evaluate


class Drawing(Constant):
    """Draws every sampled answer from the words of `answer`, depending on the question and the seed alone."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            drawn = random.Random(f"{request.id} {generation.seed}")
            texts = tuple(drawn.choice(self.answer.split()) for _ in range(generation.samples))
            yield replace(self.preview(request), text=texts[0], samples=texts, finish_reason="stop")


def load(options: ModelOptions) -> Drawing:
    return Drawing("yes no")


def drawing(words: str, task: str, out: Path, samples: int, **options: Any) -> Run:
    model = "python:tests.test_sampled_runs:load"
    return evaluate(model, task, out=out, load=lambda *_: Drawing(words), samples=samples, temperature=1.0, **options)


def test_two_runs_of_different_numbers_of_samples_are_compared_and_studied(tmp_path: Path) -> None:
    first = drawing("yes no", "mme", tmp_path / "a", 4, limit=56)
    second = drawing("yes no", "mme", tmp_path / "b", 2, limit=56, seed=1)
    (pair,) = mmeval.compare(first, second).pairs
    values = {row.metric: (row.first.value, row.other.value) for row in pair.rows}
    assert values["perception"] == tuple(run.results.metrics["perception"].value for run in (first, second))
    assert all(0.0 <= (row.p or 0.0) <= 1.0 for row in pair.rows)
    assert "(mean 0." in "".join(change.first + change.other for change in pair.gained)
    accuracy = study(first).seen["accuracy"]
    correct = first.results.counts.correct
    assert first.results.counts.samples == 4 * 56
    assert accuracy.value == pytest.approx(100 * correct / (4 * 56)) and accuracy.n == 56


@pytest.mark.parametrize("words", ["A B", "A A A B"])
def test_early_stop_with_samples_asks_less_and_scores_the_same(words: str, tmp_path: Path) -> None:
    rows = [mmbench_table.line(n, ["a cat", "a dog"], "AB"[n % 2]) for n in range(1, 30)]
    data = str(mmbench_table.write(tmp_path / "dev.tsv", rows))
    complete = drawing(words, "mmbench", tmp_path / "whole", 3, data=data)
    early = drawing(words, "mmbench", tmp_path / "early", 3, data=data, early_stop=True)
    lines = [json.loads(line) for line in (early.folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    assert 0 < sum("skipped" in line.get("tags", {}) for line in lines) < len(rows)
    assert 0.0 < (complete.results.metrics["circular"].value or 0.0) < 100.0
    for scorer in ("official", "strict"):
        assert early.results.by(scorer)["circular"] == complete.results.by(scorer)["circular"]
        assert early.results.by(scorer)["vanilla"] == complete.results.by(scorer)["vanilla"]
