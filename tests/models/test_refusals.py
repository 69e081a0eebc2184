"""Unsupported input is an error of its sample; a model that fails to load is one sentence before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval.engine.transformer import TransformerModel
from mmeval.mmicl.checkpoints import save
from mmeval.models import ModelOptions, find_model, load_model
from mmeval.types import Generation, Image, InputError, Request, Response
from tests.mmicl import mmicl_small as small

PICTURE = Image(PILImage.new("RGB", (20, 20), "red"), "red")
POSITIONS = 128
"""Of the small LLaMA and OPT."""


def opened(folder: Path, adapter: str, family: Any = "t5", beginning: str = "instructblip") -> TransformerModel:
    save(small.model(family, beginning), small.processor(family, max_prompt_tokens=POSITIONS), folder / "checkpoint")
    model = load_model(find_model(f"{adapter}:{folder / 'checkpoint'}"))
    assert isinstance(model, TransformerModel)
    return model


def request_of(*prompt: str | Image, candidates: Sequence[str] = ("yes", "there is")) -> Request:
    return Request("asked", prompt, candidates=tuple(candidates))


def refused(model: TransformerModel, request: Request, likelihood: bool = False) -> str:
    """Return why `request` got no answer; five others in the same window must get theirs."""
    neighbors = [Request(str(i), (PICTURE, "dog " * i), candidates=("no",)) for i in range(5)]
    window = [*neighbors[:2], request, *neighbors[2:]]
    answers = list(model.loglikelihood(window) if likelihood else model.generate(window, Generation(8)))
    responses = {response.id: response for response in answers}
    assert len(responses) == len(answers) == len(window)
    assert all(answered(responses[neighbor.id]) for neighbor in neighbors)
    assert not answered(responses["asked"])
    return str(responses["asked"].error)


def answered(response: Response) -> bool:
    results = (response.text is not None) + (response.loglikelihoods is not None)
    assert results == (response.error is None)
    return response.error is None


def test_a_question_longer_than_the_qformer_reads(tmp_path: Path) -> None:
    model = opened(tmp_path, "instructblip")
    assert "texts of 16 tokens, but was given 41" in refused(model, request_of(PICTURE, "dog " * 40))


def test_a_prompt_longer_than_the_model_reads(tmp_path: Path) -> None:
    model, request = opened(tmp_path, "mmicl"), request_of("dog " * 200)
    assert "201 tokens" in refused(model, request)
    assert "201 tokens" in str(model.preview(request).error)


@pytest.mark.parametrize("family", ["llama", "opt"])
def test_an_answer_that_would_leave_the_positions_there_are(tmp_path: Path, family: str) -> None:
    model, start = opened(tmp_path, "mmicl", family), 1
    fits = request_of("dog " * (POSITIONS - 8 - start))
    (response,) = model.generate([fits], Generation(8))
    assert answered(response)
    long = refused(model, request_of("dog " * (POSITIONS - 8)))
    assert "121 tokens and its answer up to 8" in long and "the prompt or the answer (--max-new-tokens)" in long
    (response,) = model.loglikelihood([request_of("dog " * (POSITIONS - 2 - start))])
    assert answered(response)
    assert "127 tokens and its answer up to 2" in refused(model, request_of("dog " * (POSITIONS - 2)), likelihood=True)


@pytest.mark.parametrize("candidates", [(), ("yes", "")])
def test_no_candidates_to_compare(tmp_path: Path, candidates: tuple[str, ...]) -> None:
    model = opened(tmp_path, "mmicl")
    assert "nothing to compare" in refused(model, request_of(PICTURE, "dog", candidates=candidates), likelihood=True)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    model, missing = opened(tmp_path, "mmicl"), Image(tmp_path / "cat.png", "cat.png")
    assert "cat.png: cannot be read" in refused(model, request_of(missing, "dog"))
    assert "cat.png: cannot be read" in str(model.preview(request_of(missing, "dog")).error)


def test_a_prompt_too_large_for_the_memory_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(tmp_path, "mmicl")
    embed = model._embed

    def scarce(rows: Any, states: Any) -> Any:
        if max(len(row.tokens.ids) for row in rows) > 60:
            raise torch.OutOfMemoryError
        return embed(rows, states)

    monkeypatch.setattr(model, "_embed", scarce)
    assert "out of memory on this prompt alone" in refused(model, request_of("dog " * 61))
    model._batch_tokens = 50  # a prompt beyond it is a batch of its own
    refused(model, request_of("dog " * 120))
    assert model._batch_tokens <= 50


def test_instructblip_needs_a_qformer_that_reads(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"add what is missing, or open it as blip2:"):
        opened(tmp_path, "instructblip", beginning="blip-2")
    small.write(tmp_path / "half")
    (tmp_path / "half" / "qformer_tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"needs InstructBLIP's Q-Former and qformer_tokenizer/tokenizer.json"):
        load_model(find_model(f"instructblip:{tmp_path / 'half'}"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (ModelOptions("declarations"), "no context 'declarations' (did you mean 'declaration'?)"),
        (ModelOptions("plain", dtype="int3"), "unknown dtype 'int3'; choose from float32"),
        (ModelOptions("plain", device="gpu"), "unknown device 'gpu'; choose auto, cpu or cuda"),
        (ModelOptions("plain", device="meta"), "device 'meta' cannot run models; choose auto, cpu or cuda"),
        (ModelOptions("plain", device="cuda:99"), "device 'cuda:99' does not exist: torch sees"),
    ],
)
def test_an_option_that_is_not_valid(options: ModelOptions, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        load_model("mmicl:nowhere", options)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (None, "no config.json, so this is not a checkpoint folder"),
        ("{", "config.json: not a model's configuration"),
        ("[]", "config.json: not a model's configuration"),
        ("{}", "config.json: not a model's configuration"),
        ('{"model_type": "gpt2"}', "model type 'gpt2' has no adapter; there are adapters for mmicl, blip-2"),
        ('{"model_type": ["mmicl"]}', "has no adapter"),
        ('{"model_type": "llava_llama", "mm_vision_tower": "clip"}', "in the format of LLaVA's own code, not of"),
    ],
)
def test_a_folder_without_a_checkpoint(tmp_path: Path, config: str | None, sentence: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError) as caught:
        find_model(str(tmp_path))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("adapter", ["chat", "mmicl"])
def test_the_files_below_any_other_folder_are_not_opened(tmp_path: Path, adapter: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "gone.json").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"no config\.json, so this is not a checkpoint folder; choose another"):
        find_model(f"{adapter}:{tmp_path}")
