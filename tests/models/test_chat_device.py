"""A chat model's weights are read straight to its device. The device `meta`, which keeps nothing, stands for a GPU."""

from __future__ import annotations

from importlib import util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mmeval.engine.device import PORTIONS
from mmeval.models import ModelOptions, find_model
from mmeval.models.chat import loading
from mmeval.types import InputError
from tests.models import chat_zoo as zoo


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    device = torch.device("meta")
    monkeypatch.setattr(loading, "pick_device", lambda name: device)
    monkeypatch.setattr(loading, "PORTIONS", {**PORTIONS, "meta": PORTIONS["cuda"]})
    return device


@pytest.mark.parametrize("family", ["llava", "qwen2_vl"])
def test_a_model_is_not_built_on_the_cpu_first(
    family: str, gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(module: nn.Module, *_: Any, **__: Any) -> nn.Module:
        raise AssertionError(f"{type(module).__name__} was built elsewhere and then moved")

    folder = zoo.save(family, tmp_path)
    monkeypatch.setattr(nn.Module, "_apply", moved)  # what .to and .cuda do
    model = loading.load(find_model(f"chat:{folder}"), ModelOptions(context="template")).model
    assert {tensor.device for tensor in (*model.parameters(), *model.buffers())} == {gpu}


def test_a_gpu_needs_accelerate(gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, find = zoo.save("llava", tmp_path), util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "accelerate" else find(name))
    with pytest.raises(InputError, match=r"device_map and GPUs need the package accelerate; install it with: pip"):
        loading.load(find_model(f"chat:{folder}"), ModelOptions(context="template"))
