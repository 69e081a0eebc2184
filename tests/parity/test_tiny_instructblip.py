"""A peer's answers of a tiny InstructBLIP on 80 MME questions, through our adapter, task and loop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mmeval
from tests.parity.conftest import Recordings


@pytest.mark.parametrize("batch_tokens", [60, 100_000])
def test_the_same_eighty_answers(fixtures: Recordings, tmp_path: Path, batch_tokens: int) -> None:
    folder = fixtures / "tiny_instructblip"
    expected = json.loads((folder / "expected.json").read_text())
    run = mmeval.evaluate(
        model=str(folder / "model"),
        task="mme",
        data=str(folder / "mme.parquet"),
        prompt="single-word",
        out=tmp_path / "run",
        batch_tokens=batch_tokens,
    )
    answers: dict[str, list[str]] = {}
    for record in sorted(run.records, key=lambda record: record.id):
        answers.setdefault(record.id.partition("#")[0], []).append(str(record.text))
    recorded: dict[str, list[str]] = {}
    for answer in expected["answers"]:
        recorded.setdefault(answer["question_id"], []).append(answer["prediction"])
    assert answers == recorded
    values = run.scores["value"]
    assert values["perception"] == pytest.approx(expected["perception"])
    assert values["cognition"] == pytest.approx(expected["cognition"])
    for subtask, score in expected["per_category"].items():
        assert values[subtask] == pytest.approx(score), subtask
