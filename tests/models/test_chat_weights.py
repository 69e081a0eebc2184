"""A chat model's weights: missing, unused, and packed until they are used."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image as PILImage
from safetensors.torch import load_file, save_file

from mmeval.models import ModelOptions, load_model
from mmeval.models.chat import weights
from mmeval.types import Generation, Image, InputError, Model, Request
from tests.models import chat_zoo as zoo

MISSING = "model.language_model.layers.0.self_attn.q_proj.weight"


def load(folder: Path) -> Model:
    return load_model(f"chat:{folder}", ModelOptions(context="template", device="cpu"))


def answer(model: Model) -> str | None:
    (response,) = model.generate([Request("0", (Image(PILImage.new("RGB", (40, 30), "red")), "red?"))], Generation(4))
    assert response.error is None
    return response.text


def test_missing_weights_are_a_sentence_and_unused_ones_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = zoo.save("llava", tmp_path / "model")
    complete = load_file(folder / "model.safetensors")
    capfd.readouterr()
    changed = {
        name: weight for name, weight in complete.items() if "language_model.model.layers.0.self_attn.q" not in name
    }
    assert len(complete) - len(changed) == 1
    save_file(changed, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=f"{folder}: 1 weight is missing, such as {MISSING}; complete the checkpoint"):
        load(folder)
    save_file({**complete, "more": torch.ones(1)}, folder / "model.safetensors", {"format": "pt"})
    with caplog.at_level(logging.WARNING):
        load(folder)
    assert caplog.messages == ["1 weight of the checkpoint is not part of the model, such as more"]
    assert capfd.readouterr() == ("", "")  # of transformers' report and bars


def test_packed_weights_are_unpacked_before_a_part_of_the_model_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """compressed-tensors would unpack them in a hook of the whole model; here, too, without the package."""
    folder = zoo.save("llava", tmp_path / "model")
    text = answer(load(folder))
    from_pretrained = weights.WEIGHTS.from_pretrained

    def packed(source: str, **options: Any) -> Any:
        model, loading_info = from_pretrained(source, **options)
        projection = model.model.vision_tower.encoder.layers[0].mlp.fc1
        weight = projection.weight
        del projection.weight

        def unpack(model: Any) -> None:
            projection.weight = weight

        model.ct_decompress_hook = model.register_forward_pre_hook(lambda model, args: unpack(model))
        model.hf_quantizer = SimpleNamespace(compressor=SimpleNamespace(decompress_model=unpack), is_compileable=False)
        return model, loading_info

    monkeypatch.setattr(weights.WEIGHTS, "from_pretrained", packed)
    assert answer(load(folder)) == text
