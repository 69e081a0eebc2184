"""Open MMICL with transformers' Auto classes, in any import order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from mmeval.mmicl import MmiclConfig, MmiclForConditionalGeneration, MmiclProcessor, checkpoints
from mmeval.mmicl.context import PromptError
from mmeval.models import find_model, load_model
from mmeval.types import Generation, Image, Request
from tests.fake_hub import NAME, serving
from tests.mmicl import mmicl_small as small

TINY = Path(checkpoints.__file__).parents[1] / "embedded" / "weights" / "mmicl-tiny"
AUTO = "from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor"


def drawn(color: str) -> PILImage.Image:
    return PILImage.new("RGB", (40, 40), color)


ORDERS = {
    "transformers first": (AUTO, "import mmeval.mmicl.auto"),
    "one class first": ("import mmeval.mmicl", "from mmeval.mmicl import MmiclProcessor", AUTO),
    "training first": ("import mmeval.mmicl.training.trainer", "import mmeval.mmicl.auto", AUTO),
}
"""The lines that import."""
OPENED = (
    f"config = AutoConfig.from_pretrained({str(TINY)!r})",
    f"assert type(AutoProcessor.from_pretrained({str(TINY)!r})).__name__ == 'MmiclProcessor'",
    "model = AutoModelForImageTextToText.from_config(config)",
    "assert type(model).__name__ == 'MmiclForConditionalGeneration'",
)
PROGRAM = """
import gc, os, sys, traceback

gc.disable()  # an import is quicker
import mmeval.mmicl

assert not {"torch", "transformers"} & set(sys.modules)
for name in [name for name in sys.modules if name.partition(".")[0] == "mmeval"]:
    del sys.modules[name]
del mmeval
# what each order imports before anything is registered
import transformers.image_processing_utils, transformers.modeling_utils, transformers.processing_utils

assert not {"mmeval", "transformers.models.auto.modeling_auto"} & set(sys.modules)
for lines in sys.argv[1:]:
    sys.stdout.flush()
    if not (process := os.fork()):
        try:
            exec(lines, {})
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""
"""Runs each of its arguments in a fork of its own, as if in a fresh interpreter; prints their statuses."""


@pytest.fixture(scope="module")
def statuses() -> dict[str, int]:
    programs = ["\n".join((*lines, *OPENED)) for lines in ORDERS.values()]
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM, *programs], text=True)
    return dict(zip(ORDERS, map(int, printed.split()), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_auto_classes_know_mmicl_whatever_is_imported_first(order: str, statuses: dict[str, int]) -> None:
    assert statuses[order] == 0


def test_the_usual_three_lines_answer_as_the_harness_does() -> None:
    processor = AutoProcessor.from_pretrained(TINY)  # type: ignore[no-untyped-call]
    model: Any = AutoModelForImageTextToText.from_pretrained(TINY)
    adapter = load_model(find_model("mmicl-tiny"))
    question = "what color is it?"
    for color in ("red", "blue"):
        inputs = processor(text=question, images=[drawn(color)], return_tensors="pt")
        ids = model.generate(**inputs, max_new_tokens=16, do_sample=False)
        (text,) = processor.batch_decode(ids, skip_special_tokens=True)
        (response,) = adapter.generate([Request("q", (Image(drawn(color)), question))], Generation(16))
        assert text.strip() == response.text


def test_pictures_stand_where_the_text_says_so() -> None:
    processor = small.processor()
    red, blue = drawn("red"), drawn("blue")
    inputs = processor(text=["is <image> a dog ? <image>", "a cat ?"], images=[[red, blue], []], context="plain")
    first, second = inputs["input_ids"].tolist()
    is_id, placeholder = small.WORDS.index("is"), small.PLACEHOLDER
    assert first[:3] == [is_id, placeholder, placeholder] and first[-3:] == [placeholder, placeholder, 1]
    assert placeholder not in second
    assert inputs["pictures"].tolist() == [[0, 1], [-1, -1]]
    assert torch.equal(inputs["pixel_values"], processor.pixels([red, blue]))
    assert "pixel_values" not in processor(text="a cat ?")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"text": "<image> <image>", "images": drawn("red")},
            PromptError,
            "has 2 <image> for 1 pictures; write one for each",
        ),
        ({"text": ["a", "b"], "images": [[drawn("red")]]}, ValueError, "each of the 2 its own list of images"),
        ({"text": "a", "return_tensors": "np"}, ValueError, "return_tensors='pt'"),
        ({"text": "a", "context": "none"}, ValueError, "as context one of declaration"),
    ],
)
def test_what_the_processor_refuses(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        small.processor()(**options)


def test_special_tokens_have_no_text() -> None:
    processor = small.processor()
    assert processor.batch_decode(torch.tensor([[0, small.WORDS.index("yes"), 1]])) == ["yes"]
    with pytest.raises(ValueError, match="remove skip_special_tokens=False"):
        processor.batch_decode([[0]], skip_special_tokens=False)


@pytest.mark.parametrize("family", small.FAMILIES)
def test_what_is_saved_opens_by_the_auto_classes(tmp_path: Path, family: small.Family) -> None:
    model, processor = small.model(family), small.processor(family)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    reopened = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert isinstance(reopened, MmiclForConditionalGeneration)
    config = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(config, MmiclConfig) and config.family == family
    for name, tensor in model.state_dict().items():
        assert torch.equal(reopened.state_dict()[name], tensor), name
    opened = AutoProcessor.from_pretrained(tmp_path)  # type: ignore[no-untyped-call]
    assert isinstance(opened, MmiclProcessor) and opened.settings == processor.settings
    inputs = opened(text="is there a dog ?", images=[drawn("red")])
    ids = [each.generate(**inputs, max_new_tokens=6, do_sample=False) for each in (model, reopened)]
    assert torch.equal(*ids)


@pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")  # of huggingface_hub's LFS upload
def test_model_and_processor_can_be_uploaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, processor = small.model(), small.processor()
    with serving(tmp_path / "hub", tmp_path / "cache", monkeypatch):
        for each in (model, processor):
            each.push_to_hub(NAME)  # type: ignore[arg-type]
        opened = AutoProcessor.from_pretrained(NAME)  # type: ignore[no-untyped-call]
        reopened = AutoModelForImageTextToText.from_pretrained(NAME)
    assert isinstance(opened, MmiclProcessor) and opened.settings == processor.settings
    for name, tensor in model.state_dict().items():
        assert torch.equal(reopened.state_dict()[name], tensor), name


@pytest.mark.parametrize("family", small.FAMILIES)
def test_the_usual_methods(family: small.Family) -> None:
    model: Any = small.model(family)
    features = model.get_image_features(small.pixels(2))
    assert torch.equal(features.last_hidden_state, model.encode(small.pixels(2)))
    assert torch.equal(features.pooler_output, model.query(features.last_hidden_state))
    assert model.get_input_embeddings() is model.language_model.get_input_embeddings()
    wider = model.get_input_embeddings().weight.shape[0] + 5
    model.resize_token_embeddings(wider)
    assert model.get_input_embeddings().weight.shape[0] == model.get_output_embeddings().weight.shape[0] == wider
    model.generation_config.max_new_tokens = 2
    assert model.generate(torch.tensor([[3, 4]])).shape[1] <= 3
