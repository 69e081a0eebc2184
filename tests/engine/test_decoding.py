"""Decoding by hand equals transformers' own forward and generate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval.engine import decoding, transformer
from mmeval.engine.decoding import cache_name, write
from mmeval.engine.device import Portions
from mmeval.engine.t5 import T5Decoder
from mmeval.engine.transformer import TransformerModel
from mmeval.mmicl.context import CONTEXTS
from mmeval.mmicl.fused import aligned, fuse
from mmeval.types import Generation, Image, Request
from tests.mmicl import mmicl_small as small

ENDS = {"t5": [12, 15, 18], "llama": [7, 10, 14], "opt": [14, 15, 16]}
"""End-of-sequence tokens that give the answers of the small models many lengths."""
MASK = torch.tensor([[1] * 9, [1] * 5 + [0] * 4, [1] + [0] * 8])


def prompts(rows: int, length: int = 9, width: int = 32) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(rows, length, width)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_logits_are_those_of_transformers(tied: bool, dtype: torch.dtype, rounding: float) -> None:
    language: Any = small.model(text={"tie_word_embeddings": tied, "relative_attention_num_buckets": 4})
    language = language.language_model.to(dtype)
    with torch.no_grad():
        for parameter in language.parameters():
            parameter *= 0.5
    embeds, answer = prompts(3).to(dtype), torch.tensor([[0, 5, 7, 3, 11]] * 3)
    with torch.inference_mode():
        expected = language(inputs_embeds=embeds, attention_mask=MASK, decoder_input_ids=answer).logits
        fuse(language)
        decoder = T5Decoder.after(language, embeds, MASK)
        at_once = decoder.rows(None).read(answer)
        begun = decoder.read(answer[:, :2])
        stepwise = [decoder.read(answer[:, index, None]) for index in range(2, 5)]
        chosen = torch.tensor([2, 0, 2])
        reordered = T5Decoder.after(language, embeds, MASK).rows(chosen).read(answer)
    size = float(expected.abs().max())
    for logits in (at_once, torch.cat([begun, *stepwise], 1)):
        torch.testing.assert_close(logits / size, expected / size, rtol=0, atol=rounding)
    torch.testing.assert_close(reordered, at_once[chosen])


@pytest.mark.parametrize("family", small.FAMILIES)
@pytest.mark.parametrize("looks", [(1, 0), (2, 1), (4, 1)])
def test_ended_rows_change_no_answer(
    family: small.Family, looks: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(decoding.END_CHECKS, "cpu", looks)
    language: Any = small.model(family).language_model
    language.generation_config.eos_token_id = ENDS[family]
    embeds = prompts(24) * 3
    mask = torch.ones(24, 9, dtype=torch.long)
    with torch.inference_mode():
        expected = language.generate(
            inputs_embeds=embeds, attention_mask=mask, do_sample=False, max_new_tokens=14,
            pad_token_id=language.generation_config.pad_token_id,
        )  # fmt: skip
        written = write(language, embeds, mask, Generation(14))
    expected = expected[:, 1:] if family == "t5" else expected
    length = max(written.ids.shape[1], expected.shape[1])
    pad = language.generation_config.pad_token_id
    actual, expected = (
        torch.nn.functional.pad(ids, (0, length - ids.shape[1]), value=pad) for ids in (written.ids, expected)
    )
    assert len({int((row == pad).sum()) for row in expected}) > 5
    assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("length", [1, 7, 8, 70])
def test_aligned_rows_begin_at_sixteen_bytes(length: int) -> None:
    bias = torch.randn(2, 3, 5, length, dtype=torch.bfloat16)
    result = aligned(bias)
    assert torch.equal(result, bias)
    assert all(stride % 8 == 0 for stride in result.stride()[:-1]) and result.stride()[-1] == 1


@pytest.mark.slow
@pytest.mark.parametrize("beginning", ["blip-2", "instructblip"])
def test_no_batch_looks_at_a_value(beginning: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors without values stand in for a GPU's: reading a value raises, where a GPU would make it wait."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)  # it does not know such tensors
    monkeypatch.setitem(decoding.END_CHECKS, "meta", (4, 1))
    for module in (decoding, transformer):
        monkeypatch.setattr(module, "placed", lambda tensor, device: tensor.to(device))
    looked: list[int] = []

    def half_ended(finished: torch.Tensor) -> Callable[[], list[list[bool]]]:
        looked.append(len(finished))
        return lambda: [[row % 2 == 0 for row in range(len(finished))]]

    monkeypatch.setattr(decoding, "copy_to_cpu_async", half_ended)
    monkeypatch.setattr(transformer, "copy_to_cpu_async", arrived)
    model: Any = small.model("t5", beginning)
    model.to("meta")
    fuse(model)
    engine = TransformerModel(
        model, small.processor(), name="x", introduce=CONTEXTS["plain"], max_images=None,
        reads_instructions=beginning == "instructblip",
        portions=Portions(batch_tokens=100, window=512, pictures=2, ahead=8, store=1 << 20, spare=1 << 20),
    )  # fmt: skip
    requests = [
        Request(str(n), (Image(PILImage.new("RGB", (16, 16), (n, 0, 0))), "is there " * n), candidates=("yes", "no no"))
        for n in range(1, 5)
    ]
    assert [response.error for response in engine.generate(requests, Generation(20))] == [None] * 4
    assert looked and min(looked) < max(looked), "ended rows were removed"
    assert [response.error for response in engine.loglikelihood(requests)] == [None] * 4


def arrived(*results: torch.Tensor) -> Callable[[], list[list[Any]]]:
    """Return ones in place of results that have no values."""
    return lambda: [torch.ones(result.shape, dtype=result.dtype).tolist() for result in results]


def test_a_cache_is_passed_by_the_name_that_the_model_has_for_it() -> None:
    class Older(torch.nn.Module):
        def forward(self, past_key_values: object = None) -> None: ...

    class Newer(torch.nn.Module):
        def forward(self, cache: object = None, **options: object) -> None: ...

    assert [cache_name(model()) for model in (Older, Newer)] == ["past_key_values", "cache"]
