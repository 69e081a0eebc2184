"""MMICL against recordings of the original: every variant folder and every case that is found.

A case whose rows hold another number of placeholders than their pictures need must be refused; all others must
give the original's tensors, losses, gradients and ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmeval.mmicl.checkpoints import load_model
from mmeval.mmicl.context import PromptError
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.trainable import select
from tests.parity.conftest import recorded

ROOT = recorded("mmicl") or Path("mmicl")
VARIANTS = sorted(file.parent.name for file in ROOT.glob("*/meta.json"))
CASES = [
    (variant, file.stem.removeprefix("case_"))
    for variant in VARIANTS
    for file in sorted((ROOT / variant).glob("case_*.npz"))
]
pytestmark = pytest.mark.skipif(not VARIANTS, reason="no recordings of MMICL under MMEVAL_FIXTURES")
TOLERANCE = 1e-5
"""Of a tensor's largest absolute value, float32."""

Tensors = dict[str, Tensor]


@cache
def meta(variant: str) -> Any:
    return json.loads((ROOT / variant / "meta.json").read_text())


@cache
def model_of(variant: str) -> MmiclForConditionalGeneration:
    model = load_model(ROOT / variant / "checkpoint")
    model.config.image_token_id = meta(variant)["sp_token"]
    return model


@cache
def arrays(variant: str, case: str) -> Tensors:
    with np.load(ROOT / variant / f"case_{case}.npz") as file:
        return {name: torch.from_numpy(array) for name, array in file.items()}


def inputs(recorded: Tensors, prefix: str = "in_") -> Tensors:
    """Make our arguments: the original's pictures in padded slots become distinct pictures and their places."""
    arguments = {name.removeprefix("in_"): value for name, value in recorded.items() if name.startswith("in_")}
    if prefix == "gen_in_":
        generation = {name.removeprefix(prefix): value for name, value in recorded.items() if name.startswith(prefix)}
        arguments = {**arguments, **generation}
        arguments = {name: value for name, value in arguments.items() if name not in ("labels", "decoder_input_ids")}
    if "pixel_values" in arguments:
        slots = arguments["pixel_values"]
        occupied = arguments.pop("img_mask", torch.ones(slots.shape[:2])).bool()
        arguments["pixel_values"] = slots[occupied]
        arguments["pictures"] = torch.full(occupied.shape, -1).masked_scatter(
            occupied, torch.arange(int(occupied.sum()))
        )
    return arguments


def mismatching_row(variant: str, arguments: Tensors) -> int | None:
    """Find the first row whose placeholders are not those of its pictures."""
    placeholders = (arguments["input_ids"] == meta(variant)["sp_token"]).sum(1)
    pictures = arguments.get("pictures", torch.full((len(placeholders), 1), -1))
    wrong = torch.nonzero(placeholders != (pictures >= 0).sum(1) * meta(variant)["num_query_tokens"])
    return int(wrong[0]) if len(wrong) else None


def assert_close(actual: Tensor, expected: Tensor, name: str) -> None:
    """Assert that two tensors agree."""
    assert actual.shape == expected.shape, name
    error = (actual - expected).abs().max() / expected.abs().max()
    assert error < TOLERANCE, f"{name}: off by {error:.1e} of its largest value"


def kept_positions(variant: str, case: str) -> slice:
    """Return the positions that the original kept in `lm_truncation`; ours never truncates, so the test does."""
    limit = meta(variant)["cases"][case].get("max_sequence_length")
    config = model_of(variant).config
    if limit is None:
        return slice(None)
    from_the_start = config.beginning == "instructblip" and not config.decoder_only
    return slice(limit) if from_the_start else slice(-limit, None)


@pytest.mark.parametrize(("variant", "case"), CASES)
def test_forward(variant: str, case: str) -> None:
    model, recorded = model_of(variant), arrays(variant, case)
    arguments = inputs(recorded)
    if (row := mismatching_row(variant, arguments)) is not None:
        with pytest.raises(PromptError, match=f"row {row} "):
            model(**arguments)
        return
    pixels, text = arguments.pop("pixel_values", None), {}
    if "qformer_input_ids" in arguments:
        text = {name: arguments.pop(name) for name in ("qformer_input_ids", "qformer_attention_mask")}
    labels, mask = arguments.pop("labels", None), arguments.pop("attention_mask")
    decoder = {name: arguments.pop(name) for name in ("decoder_input_ids",) if name in arguments}
    with torch.no_grad():
        if pixels is not None:
            arguments["vision_states"] = model.encode(pixels)
            assert_close(arguments["vision_states"], recorded["out_vision_last_hidden_state"], "vision")
            rows = torch.nonzero(arguments["pictures"] >= 0)[:, 0]
            repeated = {name: value[rows] for name, value in text.items()}
            assert_close(model.query(arguments["vision_states"], **repeated), recorded["out_projected"], "projected")
        cut = kept_positions(variant, case)
        embeds, mask = model.embed(**arguments, **text)[:, cut], mask[:, cut]
        if "out_lm_inputs_embeds" in recorded:  # not where the original fails
            assert_close(embeds, recorded["out_lm_inputs_embeds"], "merged embeddings")
            assert torch.equal(mask, recorded["out_lm_attention_mask"].long())
        aligned = labels if labels is None or not model.config.decoder_only else labels[:, cut]
        if cut == slice(None):
            output = model(**arguments, **text, attention_mask=mask, labels=labels, **decoder)
        else:
            output = model.language_model(inputs_embeds=embeds, attention_mask=mask, labels=aligned, **decoder)
    if "out_logits" in recorded:  # of decoder-only models the last positions, as many as labels
        assert_close(output.logits[:, -recorded["out_logits"].shape[1] :], recorded["out_logits"], "logits")
    if "out_encoder_last_hidden_state" in recorded:
        assert_close(output.encoder_last_hidden_state, recorded["out_encoder_last_hidden_state"], "encoder")
    # The original scores the last inputs of a cut LLaMA prompt against its first labels: a bug.
    if "out_loss" in recorded and not (model.config.decoder_only and cut != slice(None)):
        assert_close(output.loss, recorded["out_loss"], "loss")


WITH_PICTURES = [(variant, case) for variant, case in CASES if "out_qformer_last_hidden_state" in arrays(variant, case)]
"""Cases in which the original saw a picture and did not fail."""


@pytest.mark.parametrize(("variant", "case"), WITH_PICTURES)
def test_qformer_states(variant: str, case: str) -> None:
    """Compare all positions, text included; only those of the queries are projected."""
    model, recorded = model_of(variant), arrays(variant, case)
    states: list[Tensor] = []
    hook = model.qformer.register_forward_hook(lambda module, args, output: states.append(output.last_hidden_state))
    arguments = inputs(recorded)
    rows = torch.nonzero(arguments["pictures"] >= 0)[:, 0]
    text = {name: value[rows] for name, value in arguments.items() if name.startswith("qformer_")}
    with torch.no_grad():
        model.query(model.encode(arguments["pixel_values"]), **text)
    hook.remove()
    assert len(states) == 1
    assert_close(states[0], recorded["out_qformer_last_hidden_state"], "Q-Former")


@pytest.mark.parametrize("variant", [name for name in VARIANTS if list((ROOT / name).glob("grads_*.npz"))])
def test_gradients(variant: str) -> None:
    model = load_model(ROOT / variant / "checkpoint")
    model.config.image_token_id = meta(variant)["sp_token"]
    for file in (ROOT / variant).glob("grads_*.npz"):
        with np.load(file) as recorded:
            expected = {name: torch.from_numpy(array) for name, array in recorded.items()}
        loss = expected.pop("out_loss")
        model.requires_grad_(False)
        for name in expected:
            model.get_parameter(name).requires_grad_(True)
        output = model(**inputs(arrays(variant, file.stem.removeprefix("grads_"))))
        output.loss.backward()
        assert_close(output.loss.detach(), loss, "loss")
        for name, gradient in expected.items():
            actual = model.get_parameter(name).grad
            assert actual is not None, name
            assert_close(actual, gradient, name)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_set_called_released_is_what_the_released_code_trained(variant: str) -> None:
    model = load_model(ROOT / variant / "checkpoint")
    tables = ("language_model.lm_head.weight", "language_model.model.embed_tokens.weight")
    resized = tables if model.config.family == "llama" else ()  # new tables of its resizing, unfrozen by its script
    assert select(model, "released") == sorted([*meta(variant)["trainable_after_get_model"], *resized])


torch.set_num_threads(1)  # with tensors so small, threads only wait for each other

LENGTH_FREE = ("greedy", "greedy_new", "beam4_fixed", "beam4_lp0")
"""Modes that do not depend on the older library's rules of length, which have changed since."""


def generations() -> Iterator[tuple[str, str, str]]:
    """Yield recorded generations that transformers 5's beam scoring can give, of cases that are not refused."""
    file = ROOT / "modern_5_23_check.json"
    checked = json.loads(file.read_text()) if file.exists() else {}
    for variant, case in CASES:
        if mismatching_row(variant, inputs(arrays(variant, case))) is not None:
            continue
        verdicts = checked[variant]["generate"].get(case, {}) if variant in checked else dict.fromkeys(LENGTH_FREE)
        for mode in meta(variant)["cases"][case]["generate"]:
            if verdicts.get(mode, "differs") != "differs" and f"gen_{mode}_ids" in arrays(variant, case):
                yield variant, case, mode


def until_end(ids: Tensor, end: int) -> list[list[int]]:
    """Cut rows at their end of sequence; what follows it differs between versions."""
    rows = [row[: row.index(end) + 1] if end in row else row for row in ids.tolist()]
    return [list(row) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "case", "mode"), list(generations() if VARIANTS else []))
def test_generation(variant: str, case: str, mode: str) -> None:
    model, recorded = model_of(variant), arrays(variant, case)
    arguments = inputs(recorded, "gen_in_")
    options = dict(meta(variant)["cases"][case]["generate"][mode]["kwargs"])
    for old, new in (("max_length", "max_new_tokens"), ("min_length", "min_new_tokens")):
        if old in options:  # the original counts the start token
            options[new] = options.pop(old) - 1
    cut, mask = kept_positions(variant, case), arguments.pop("attention_mask")
    if cut == slice(None):
        ids = model.generate(**arguments, attention_mask=mask, **options)
    else:
        with torch.no_grad():
            embeds = model.embed(**arguments)[:, cut]
            ids = model.language_model.generate(inputs_embeds=embeds, attention_mask=mask[:, cut], **options)
    expected = recorded[f"gen_{mode}_ids"]
    if model.config.decoder_only:
        expected = expected[:, 1:]  # the original returns a start token that ours does not
    else:
        assert torch.equal(ids[:, 0], expected[:, 0])
    end = model.config.text_config.eos_token_id
    assert until_end(ids, end) == until_end(expected, end)
