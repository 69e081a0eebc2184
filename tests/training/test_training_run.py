"""Training end to end on small models: what learns, what is written, and that a run goes on as if never stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mmeval.mmicl import checkpoints
from mmeval.mmicl.checkpoints import save
from mmeval.mmicl.context import Shown
from mmeval.mmicl.mic.examples import Example, Turn, to_json
from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.run import train
from tests.mmicl import mmicl_small as small

ANSWERS = ("yes", "no", "a dog", "a cat", "the dog", "there is a cat", "dog is 1", "cat 0")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight pictures of one colour each, one question for all: only the picture tells the answer."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = []
    for number, answer in enumerate(ANSWERS):
        pixels = np.zeros((16, 16, 3), np.uint8)
        pixels[:, : 2 * number + 1] = (30 * number, 255 - 30 * number, 128)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        turn = Turn((Shown(0), "is there ?"), answer)
        lines.append(to_json(Example(f"e{number}", "made", (f"{number}.png",), (turn,))))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def begin(tmp_path: Path, data: Path, family: small.Family = "t5", **changes: Any) -> Config:
    model = small.model(family)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    save(model, small.processor(family), tmp_path / "base")
    values: dict[str, Any] = {
        "model": str(tmp_path / "base"),
        "data": (str(data / "train.jsonl"),),
        "output": str(tmp_path / "out"),
        "trainable": "paper",
        "dtype": "float32",
        "batch": 4,
        "workers": 0,
        "schedule": "constant_with_warmup",
        "log_every": 1,
    }
    return Config(**{**values, **changes})


@pytest.mark.parametrize("family", small.FAMILIES)
def test_eight_samples_are_learnt_word_for_word(tmp_path: Path, data: Path, family: small.Family) -> None:
    config = begin(
        tmp_path,
        data,
        family,
        trainable="everything",
        steps=300,
        learning_rate=3e-3,
        batch=8,
        evaluate_every=300,
        held_out=str(data / "train.jsonl"),
        max_new_tokens=6,
    )
    train(config)
    state = json.loads((tmp_path / "out" / "checkpoint-300" / "trainer_state.json").read_text())
    assert state["best_metric"] == 1.0


def test_a_run_goes_on_as_if_never_stopped(tmp_path: Path, data: Path) -> None:
    config = begin(tmp_path, data, steps=8, learning_rate=1e-3, evaluate_every=3)
    whole = train(replace(config, output=str(tmp_path / "whole")))
    train(replace(config, steps=6))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "checkpoint-3",
        "checkpoint-6",
        "config.json",
        "left_out.jsonl",
        "trained",
        "trained.txt",
    }
    assert {path.name for path in (tmp_path / "out" / "checkpoint-6").iterdir()} >= {
        "config.json",
        "mmicl_processor.json",
        "optimizer.pt",
        "rng_state.pth",
        "scheduler.pt",
        "tokenizer.json",
        "trained.safetensors",
        "trainer_state.json",
        "training.json",
    }
    final = train(config)
    one, other = (checkpoints.load_model(folder).state_dict() for folder in (whole, final))
    base = checkpoints.load_model(tmp_path / "base").state_dict()
    learnt = set(json.loads((final / "training.json").read_text())["names"])
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=0, atol=1e-6)
        assert torch.equal(value, base[key]) == (key not in learnt), key
