"""A peer's answers of a tiny InstructBLIP on 80 MME questions, through our adapter, task and loop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import InstructBlipConfig, InstructBlipForConditionalGeneration

import mmeval
from tests.parity.conftest import Recordings


@pytest.fixture(scope="module")
def checkpoint(fixtures: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Open the recorded model, and draw the vision encoder's weights of the size 1e-10 that are not recorded."""
    recorded = fixtures / "tiny_instructblip" / "model"
    folder = tmp_path_factory.mktemp("checkpoint") / "model"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    torch.manual_seed(0)
    model = InstructBlipForConditionalGeneration(InstructBlipConfig.from_pretrained(recorded))
    absent = model.load_state_dict(load_file(recorded / "model.safetensors"), strict=False).missing_keys
    drawn = {name: weight for name, weight in model.named_parameters() if name in absent}
    assert all(name.startswith("vision_model.") and weight.abs().max() < 1e-8 for name, weight in drawn.items())
    model.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("batch_tokens", [60, 100_000])
def test_the_same_eighty_answers(fixtures: Recordings, checkpoint: Path, tmp_path: Path, batch_tokens: int) -> None:
    folder = fixtures / "tiny_instructblip"
    expected = json.loads((folder / "expected.json").read_text())
    run = mmeval.evaluate(
        model=str(checkpoint),
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
