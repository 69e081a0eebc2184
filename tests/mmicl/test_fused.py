"""The fused parts of T5 equal transformers' own within rounding, including gradients."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from transformers import T5Config
from transformers.models.t5.modeling_t5 import T5Attention, T5LayerNorm

from mmeval.mmicl.fused import CACHES, FusedT5Attention, compile_blocks, fuse
from mmeval.mmicl.training.data import Collator
from mmeval.mmicl.training.held_out import HeldOut
from mmeval.mmicl.training.loss import summed_loss
from mmeval.mmicl.training.rows import IGNORED, TrainingRow
from tests.mmicl import mmicl_small as small


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("states", [torch.float32, torch.bfloat16])
def test_the_norm_is_that_of_transformers_in_any_dtype(weights: torch.dtype, states: torch.dtype) -> None:
    stock = T5LayerNorm(48)  # type: ignore[no-untyped-call]
    torch.manual_seed(0)
    torch.nn.init.normal_(stock.weight)
    stock.to(weights)
    fused = copy.deepcopy(stock)
    fuse(fused)
    hidden = (torch.randn(5, 7, 48) * 30).to(states)
    expected, actual = stock(hidden), fused(hidden)
    assert type(fused) is not type(stock)
    assert actual.dtype == expected.dtype
    rounding = 2**-7 if torch.bfloat16 in (weights, states) else 1e-5
    torch.testing.assert_close(actual, expected, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("name", CACHES)
def test_attention_with_a_cache_of_either_name_is_left_to_transformers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = T5Config(d_model=8, d_kv=4, num_heads=2)
    config._attn_implementation = "sdpa"
    attention = FusedT5Attention(config, is_causal=True)
    given: list[dict[str, object]] = []
    monkeypatch.setattr(T5Attention, "forward", lambda self, *arguments, **options: given.append(options))
    cache = object()
    attention(torch.zeros(1, 2, 8), **{name: cache})
    assert given == [{name: cache}]
    assert attention(torch.zeros(1, 2, 8), **{name: None})[0].shape == (1, 2, 8) and len(given) == 1


def test_a_whole_model_gives_the_same_logits_and_gradients() -> None:
    stock, fused = small.model(), small.model()
    fuse(fused)
    assert stock.state_dict().keys() == fused.state_dict().keys()
    inputs = {"input_ids": torch.tensor([[3, 4, 5, 6, 1]]), "labels": torch.tensor([[11, 5, 6, 1]])}
    outputs = [model(**inputs) for model in (stock, fused)]
    torch.testing.assert_close(outputs[1].logits, outputs[0].logits, rtol=1e-4, atol=1e-4)
    for output in outputs:
        output.loss.backward()
    for (name, expected), actual in zip(stock.named_parameters(), fused.parameters(), strict=True):
        if expected.grad is not None:
            assert actual.grad is not None
            torch.testing.assert_close(actual.grad, expected.grad, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("family", small.FAMILIES)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_logits_where_something_is_learned_are_those_of_the_whole(family: small.Family, attention: str) -> None:
    stock, fused = small.model(family), small.model(family)
    fuse(fused)
    for model in (stock, fused):
        model.language_model.set_attn_implementation(attention)
    collate = Collator(small.processor(family))
    if family == "t5":
        rows = [TrainingRow((3, 4, 5, 6, 1), (11, 1), ()), TrainingRow((5, 1), (11, 5, 6, 7, 1), ())]
    else:
        rows = [
            TrainingRow((3, 4, 5, 11, 1), (IGNORED, IGNORED, IGNORED, 11, 1), ()),
            TrainingRow((5, 7, 1), (IGNORED, 7, IGNORED), ()),
        ]
    batch = collate(rows)
    labels, learned, mask = batch["labels"], batch["learned"], batch["attention_mask"]
    expected = stock(input_ids=batch["input_ids"], attention_mask=mask, labels=labels)
    total, count = summed_loss(fused, fused.config, {key: batch[key] for key in batch if key != "counts"})
    assert count == len(learned) == int((labels != IGNORED).sum())
    torch.testing.assert_close(total / count, expected.loss, rtol=1e-4, atol=1e-4)
    for model, loss in ((stock, expected.loss), (fused, total / count)):
        model.zero_grad()
        loss.backward()
    for (name, parameter), fused_parameter in zip(
        stock.language_model.named_parameters(), fused.language_model.parameters(), strict=True
    ):
        if parameter.grad is not None and parameter.grad.abs().max() > 1e-6:
            assert fused_parameter.grad is not None, name
            torch.testing.assert_close(fused_parameter.grad, parameter.grad, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch looks at it, and hides that in vain
def test_blocks_are_compiled_once_for_all_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "disabled", True)  # pytest would keep every line of it
    compiled: list[int] = []

    def count(graph: torch.fx.GraphModule, _: object) -> object:
        compiled.append(len(graph.graph.nodes))
        return graph.forward

    model = small.model(text={"num_layers": 3})
    fuse(model)
    model.language_model.set_attn_implementation("sdpa")
    collate = Collator(small.processor())
    torch._dynamo.reset()
    compile_blocks(model.language_model, backend=count)
    for lengths in ((5, 9), (7, 3), (12, 6, 8)):
        rows = [TrainingRow((*[4] * length, 1), (11,) * (length // 2) + (1,), ()) for length in lengths]
        batch = collate(rows)
        loss, _ = summed_loss(model, model.config, {key: batch[key] for key in batch if key != "counts"})
        loss.backward()  # type: ignore[no-untyped-call]
    assert len(compiled) == 4, "the first block of each stack makes the bias, the others are given it"
    held_out = HeldOut([(rows[0], "dog"), (rows[1], "dog")], collate, max_new_tokens=3)
    held_out.evaluate(model, Accelerator(cpu=True), sharded=False)
    assert len(compiled) == 4, "generating compiles nothing"
