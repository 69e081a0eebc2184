"""A chat model's weights are read straight to its device. The device `meta`, which keeps nothing, stands for a GPU."""

from __future__ import annotations

import json
from importlib import util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mmeval.engine.device import PORTIONS
from mmeval.models import ModelOptions, doctor, find_model
from mmeval.models.chat import loading, weights
from mmeval.provenance import version
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


def test_a_quantized_model_takes_the_device_of_its_process(
    gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loader:
        """transformers' loader, which is asked for the weights but has no bitsandbytes to quantize them."""

        from_config = weights.WEIGHTS.from_config

        @staticmethod
        def from_pretrained(source: str, **options: Any) -> Any:
            raise InputError(f"{options['quantization_config'].to_diff_dict()}, place: {options['device_map']}")

    folder, find = zoo.save("llava", tmp_path), util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: find("os" if name == "bitsandbytes" else name))
    monkeypatch.setattr(weights, "WEIGHTS", Loader)
    for bits, settings in {
        "8bit": "'load_in_8bit': True",
        "4bit": "'bnb_4bit_quant_type': 'nf4', 'bnb_4bit_compute_dtype': 'float16', 'load_in_4bit': True",
    }.items():
        options = ModelOptions(context="template", quantize=bits, dtype="float16")
        with pytest.raises(InputError) as error:
            loading.load(find_model(f"chat:{folder}"), options)
        assert settings in str(error.value) and "place: {'': device(type='meta')}" in str(error.value)
    settings_file = folder / "config.json"
    quantized = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    settings_file.write_text(json.dumps({**json.loads(settings_file.read_text()), "quantization_config": quantized}))
    with pytest.raises(InputError, match="is quantized already; remove --quantize"):
        loading.load(find_model(f"chat:{folder}"), ModelOptions(context="template", quantize="4bit"))


def test_doctor_misses_accelerate_where_there_is_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(zoo.save("llava", tmp_path))
    monkeypatch.setattr(doctor, "version", lambda name: "" if name == "accelerate" else version(name))
    assert doctor.of_model(folder)[1] == []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [line.partition(",")[0] for line in doctor.of_model(folder)[1]] == ["accelerate"]
