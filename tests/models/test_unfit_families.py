"""Checkpoints that transformers opens but that are no chat models are refused in one sentence, before their weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.models import load_model
from mmeval.models.doctor import of_model
from mmeval.types import InputError
from tests.models.chat_zoo import TEMPLATE, tokenizer

STEPS = "does not write an answer token by token; choose another checkpoint"
PICTURES = "the checkpoint has no processor of pictures; choose a vision-language model"
TEMPLATES = "the checkpoint has no chat template; choose a chat model"
ENCODER = "is an encoder-decoder; chat models must be decoder-only"


@pytest.mark.parametrize(
    ("model_type", "image_processor", "sentence"),
    [
        ("diffusion_gemma", "Gemma4ImageProcessor", f"'diffusion_gemma' {STEPS}"),
        ("pi0", "SiglipImageProcessor", f"'pi0' {STEPS}"),
        ("mistral4", None, PICTURES),
        ("chameleon", "ChameleonImageProcessor", TEMPLATES),
        ("blip", "BlipImageProcessor", TEMPLATES),
        ("florence2", "CLIPImageProcessor", f"'florence2' {ENCODER}"),
        ("t5gemma2", "Gemma3ImageProcessor", f"'t5gemma2' {ENCODER}"),
    ],
)
def test_a_family_that_does_not_chat_is_refused(
    tmp_path: Path, model_type: str, image_processor: str | None, sentence: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    if image_processor is not None:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": image_processor}))
    words = tokenizer(image_token="<image>")
    if sentence != TEMPLATES:
        words.chat_template = TEMPLATE % "<image>"
    words.save_pretrained(tmp_path)
    with pytest.raises(InputError) as caught:
        load_model(f"chat:{tmp_path}")
    assert str(caught.value) == f"{tmp_path}: {sentence}"
    assert any(sentence in reason for reason in of_model(f"chat:{tmp_path}")[1])
