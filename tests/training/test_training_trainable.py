"""Trainable parameters by name: the sets of the article and of the released code."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from mmeval.mmicl.training import ready
from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.trainable import TRAINABLE, select
from tests.mmicl import mmicl_small as small


def chosen(family: small.Family, name: str, beginning: str = "instructblip") -> set[str]:
    """Return the set, numbers of layers left out."""
    return {re.sub(r"\.\d+\.", ".N.", key) for key in select(small.model(family, beginning), name)}


PROJECTION = {"language_projection.weight", "language_projection.bias"}


def test_the_released_code_trained_the_query_of_self_attention_only() -> None:
    assert chosen("t5", "released") == PROJECTION | {
        "language_model.encoder.block.N.layer.N.SelfAttention.q.weight",
        "language_model.decoder.block.N.layer.N.SelfAttention.q.weight",
    }


def test_the_paper_trains_query_and_value() -> None:
    self_attention = [f"language_model.{side}.block.N.layer.N.SelfAttention" for side in ("encoder", "decoder")]
    attentions = [*self_attention, "language_model.decoder.block.N.layer.N.EncDecAttention"]
    assert chosen("t5", "paper") == PROJECTION | {f"{a}.{kind}.weight" for a in attentions for kind in "qv"}
    assert (
        chosen("llama", "paper")
        == chosen("llama", "released")
        == PROJECTION
        | {f"language_model.model.layers.N.self_attn.{kind}_proj.weight" for kind in "qv"}
        | {"language_model.model.embed_tokens.weight", "language_model.lm_head.weight"}  # the new rows must learn
    )


@pytest.mark.parametrize("family", small.FAMILIES)
@pytest.mark.parametrize("beginning", ["blip-2", "instructblip"])
def test_vision_stands_still_in_all_sets_but_one(family: small.Family, beginning: str) -> None:
    for name in set(TRAINABLE) - {"lora"}:
        names = select(small.model(family, beginning), name)
        assert any(key.startswith("vision_model") for key in names) == (name == "everything")
        assert any(key.startswith("qformer.") for key in names) == (name not in ("paper", "released"))
        assert ("query_tokens" in names) == (name not in ("paper", "released"))
        assert set(names) >= PROJECTION


def test_what_does_not_learn_has_no_gradient() -> None:
    model = small.model("t5")
    names = set(select(model, "article"))
    assert {key for key, parameter in model.named_parameters() if parameter.requires_grad} == names
    assert not any(key.startswith("language_model") for key in names)


@pytest.mark.parametrize("instruction", [False, True])
def test_what_reads_the_question_learns_where_there_is_one(instruction: bool) -> None:
    model = small.model()
    names = select(model, "article", instruction=instruction)
    pixels, text = small.pixels(1), {"qformer_input_ids": torch.tensor([[3, 4]])} if instruction else {}
    model.query(model.encode(pixels), **text).sum().backward()  # type: ignore[no-untyped-call]
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learned == set(names), "every parameter that learns has a gradient"
    assert any("word_embeddings" in name for name in names) == instruction


def test_lora_begins_with_the_seed_of_the_run() -> None:
    """Two processes, or two runs, have the same first matrices."""
    pytest.importorskip("peft")

    def first_matrices(seed: int) -> list[Tensor]:
        model = small.model("t5")
        config = Config(model="m", data=("d",), output="o", trainable="lora", seed=seed)
        names = ready.selected(config, model, False, lambda _: None)
        parameters = dict(model.named_parameters())
        return [parameters[name].detach() for name in names if "lora_A" in name]

    first, again, other = (torch.cat([part.flatten() for part in first_matrices(seed)]) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
