"""The fused parts of T5 give the numbers of transformers' own within rounding, and gradients too."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers.models.t5.modeling_t5 import T5LayerNorm

from mmeval.mmicl.fused import fuse
from tests.mmicl import mmicl_small as small


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("states", [torch.float32, torch.bfloat16])
def test_the_norm_is_that_of_transformers_in_any_dtype(weights: torch.dtype, states: torch.dtype) -> None:
    plain = T5LayerNorm(48)
    torch.manual_seed(0)
    torch.nn.init.normal_(plain.weight)
    plain.to(weights)
    fused = copy.deepcopy(plain)
    fuse(fused)
    hidden = (torch.randn(5, 7, 48) * 30).to(states)
    expected, found = plain(hidden), fused(hidden)
    assert type(fused) is not type(plain)
    assert found.dtype == expected.dtype
    rounding = 2**-7 if torch.bfloat16 in (weights, states) else 1e-5
    torch.testing.assert_close(found, expected, rtol=rounding, atol=rounding)


def test_a_whole_model_gives_the_same_logits_and_gradients() -> None:
    plain, fused = small.model(), small.model()
    fuse(fused)
    assert plain.state_dict().keys() == fused.state_dict().keys()
    inputs = {"input_ids": torch.tensor([[3, 4, 5, 6, 1]]), "labels": torch.tensor([[11, 5, 6, 1]])}
    outputs = [model(**inputs) for model in (plain, fused)]
    torch.testing.assert_close(outputs[1].logits, outputs[0].logits, rtol=1e-4, atol=1e-4)
    for output in outputs:
        output.loss.backward()
    for (name, one), two in zip(plain.named_parameters(), fused.parameters(), strict=True):
        if one.grad is not None:
            assert two.grad is not None
            torch.testing.assert_close(two.grad, one.grad, rtol=1e-3, atol=1e-4, msg=name)
