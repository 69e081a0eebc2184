"""Eight pictures of one color each and one question for all: only the picture gives the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmeval.mmicl.context import ImagePlace
from mmeval.mmicl.examples import Example, Turn, to_json
from tests.mmicl import mmicl_small as small

ANSWERS = ("yes", "no", "a dog", "a cat", "the dog", "there is a cat", "dog is 1", "cat 0")


def write_examples(folder: Path) -> None:
    """Write pictures and `train.jsonl`."""
    lines = []
    for number, answer in enumerate(ANSWERS):
        pixels = np.zeros((16, 16, 3), np.uint8)
        pixels[:, : 2 * number + 1] = (30 * number, 255 - 30 * number, 128)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        turn = Turn((ImagePlace(0), "is there ?"), answer)
        lines.append(to_json(Example(f"e{number}", "made", (f"{number}.png",), (turn,))))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")


def write_base(folder: Path, family: small.Family = "t5") -> None:
    """Write a small model to begin with, in `folder / base`."""
    small.write(folder / "base", family, std=0.15)


def config_values(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return a configuration's values: four steps on what lies in `folder`."""
    values: dict[str, Any] = {
        "model": str(folder / "base"),
        "data": [str(folder / "train.jsonl")],
        "output": str(folder / "out"),
        "trainable": "paper",
        "dtype": "float32",
        "batch": 4,
        "workers": 0,
        "schedule": "constant_with_warmup",
        "learning_rate": 1e-3,
        "log_every": 1,
        "steps": 4,
        "evaluate_every": 4,
    }
    return {**values, **changes}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a folder with pictures, `train.jsonl` and the small model `base`."""
    write_examples(tmp_path)
    write_base(tmp_path)
    return tmp_path
