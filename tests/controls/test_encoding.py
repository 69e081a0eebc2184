"""The vision encoder runs once per picture, across a run and its controls that show the same picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mmeval import RunSpec
from mmeval.engine.device import PORTIONS
from mmeval.evaluation import sweep
from mmeval.models import Checkpoint, ModelOptions, load_model
from mmeval.types import Model
from tests.models import chat_zoo as zoo

PICTURES = 4
SHARED = "prompts,distract-100-before,distract-100-before+absent,mislead-100-after,swap-any-0,absent,hidden"
"""Controls that show the pictures of the run, or none."""


def encoded(monkeypatch: pytest.MonkeyPatch, name: str, model: str, folder: Path, controls: str) -> int:
    """Return how many pictures the model's vision encoder sees in a run and its controls."""
    sizes: list[int] = []

    def load(checkpoint: Checkpoint, options: ModelOptions) -> Model:
        loaded: Any = load_model(checkpoint, options)
        encoder = loaded.model.get_submodule(name)
        encoder.register_forward_pre_hook(
            lambda module, args, kwargs: sizes.append(len(args[0] if args else kwargs["pixel_values"])),
            with_kwargs=True,
        )
        return loaded  # type: ignore[no-any-return]

    monkeypatch.setattr(sweep, "load_model", load)
    spec = RunSpec("mme", model, limit=2 * PICTURES, max_new_tokens=2, device="cpu")
    (run,) = sweep.evaluate_all([spec], out=folder, controls=[controls])
    controls_run = [path.parent.name for path in run.folder.glob("controls/*/records.jsonl")]
    assert {"prompt-single-word", "distract-100-before", "mislead-100-after", "swap-any-0"} <= {*controls_run}
    return sum(sizes)


@pytest.fixture
def llava(tmp_path: Path) -> str:
    with torch.random.fork_rng():
        return f"chat:{zoo.save('llava', tmp_path / 'llava')}"


@pytest.mark.slow
def test_mmicl_encodes_a_picture_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(PORTIONS, "cpu", replace(PORTIONS["cpu"], spare=0))  # a run alone would keep none
    count = encoded(monkeypatch, "vision_model", "mmicl-tiny", tmp_path / "run", f"blur1,{SHARED}")
    assert count == 2 * PICTURES  # a blurred picture is another one


@pytest.mark.slow
def test_a_chat_model_encodes_a_picture_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llava: str) -> None:
    monkeypatch.setattr("mmeval.models.chat.loading.ROOM", 0)
    assert encoded(monkeypatch, "model.vision_tower", llava, tmp_path / "run", SHARED) == PICTURES
