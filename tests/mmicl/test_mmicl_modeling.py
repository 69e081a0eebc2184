from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
)

from mmeval.mmicl.context import CONTEXTS, ImagePlace, Part, PromptError
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from tests.mmicl import mmicl_small as small
from tests.mmicl.mmicl_small import FAMILIES, PLACEHOLDER, Family

PROMPTS: list[list[Part]] = [
    [ImagePlace(0), "is there a dog ?"],
    ["the cat", ImagePlace(1), "is there", ImagePlace(0), "the dog ?", ImagePlace(1)],
    ["is there a cat ?"],
    [ImagePlace(1), "the"],
]


def batch_of(family: Family, prompts: list[list[Part]] = PROMPTS, **changes: Any) -> dict[str, Tensor]:
    processor = small.processor(family, **changes)
    batch = processor.batch([processor.prompt(parts, CONTEXTS["plain"]) for parts in prompts])
    return {**batch, "pixel_values": small.pixels(2)}


def test_head_is_untied_from_the_start() -> None:
    """transformers 5 ties T5's head to its embedding whatever the config says."""
    language = small.model("t5").language_model
    assert language.lm_head.weight is not language.shared.weight
    assert language.encoder.embed_tokens.weight is language.shared.weight


def test_head_is_tied_where_the_config_says_so() -> None:
    language = small.model("t5", text={"tie_word_embeddings": True}).language_model
    assert language.lm_head.weight is language.shared.weight


def test_untied_head_survives_transformers_own_saving(tmp_path: Path) -> None:
    """A load_state_dict into a tied model reports success while the head overwrites the embedding."""
    model = small.model("t5")
    model.save_pretrained(tmp_path)
    loaded = MmiclForConditionalGeneration.from_pretrained(tmp_path)
    assert not loaded.config.head_is_tied
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_retying_leaves_an_untied_head_alone() -> None:
    model = small.model("t5")
    head = model.language_model.lm_head.weight.detach().clone()
    model.tie_weights()
    assert torch.equal(model.language_model.lm_head.weight, head)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_what_its_rows_give(family: Family) -> None:
    """Several pictures, a shared one and none at all in one batch; padded on the model's side."""
    model = small.model(family)
    batched = model.generate(**batch_of(family), max_new_tokens=8, do_sample=False)
    for row, prompt in enumerate(PROMPTS):
        single = model.generate(**batch_of(family, [prompt]), max_new_tokens=8, do_sample=False)[0].tolist()
        assert batched[row].tolist()[: len(single)] == single


@pytest.mark.parametrize("family", FAMILIES)
def test_the_answer_depends_on_the_picture_shown(family: Family) -> None:
    model, batch = small.model(family), batch_of(family, [[ImagePlace(0), "a dog"], [ImagePlace(1), "a dog"]])
    decoder = {"decoder_input_ids": torch.zeros(2, 1, dtype=torch.long)} if family == "t5" else {}
    first, second = model(**batch, **decoder).logits[:, -1]
    assert not torch.allclose(first, second, atol=1e-3)


def test_each_distinct_picture_is_encoded_and_queried_once() -> None:
    model, calls = small.model(), []
    model.vision_model.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append(len(kwargs["pixel_values"])), with_kwargs=True
    )
    model.qformer.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append(len(kwargs["query_embeds"])), with_kwargs=True
    )
    model.generate(**batch_of("t5"), max_new_tokens=2)
    assert calls == [2, 2]  # shown five times


@pytest.mark.parametrize("family", FAMILIES)
def test_cached_vision_states_replace_pixels(family: Family) -> None:
    model, batch = small.model(family), batch_of(family)
    labels = torch.ones(4, 3, dtype=torch.long) if family == "t5" else batch["input_ids"]
    expected = model(**batch, labels=labels).loss
    states = model.encode(batch.pop("pixel_values"))
    assert torch.equal(model(**batch, vision_states=states, labels=labels).loss, expected)


def test_qformer_text_of_a_row_reaches_its_own_pictures() -> None:
    model, batch = small.model(), batch_of("t5")
    text = torch.tensor([[3, 4], [3, 4], [3, 4], [7, 8]])
    embeds = model.embed(batch["input_ids"], batch["pixel_values"], batch["pictures"], None, text)
    placeholders = batch["input_ids"] == PLACEHOLDER
    changed = text.clone()
    changed[1] = 9
    changed_embeds = model.embed(batch["input_ids"], batch["pixel_values"], batch["pictures"], None, changed)
    differs = ((embeds - changed_embeds).abs().sum(-1) > 0) & placeholders
    assert differs.any(1).tolist() == [False, True, False, False]


def test_blip2_refuses_qformer_text() -> None:
    model = small.model(beginning="blip-2")
    with pytest.raises(PromptError, match="reads no text"):
        model(**batch_of("t5"), qformer_input_ids=torch.ones(4, 2, dtype=torch.long))


def test_a_qformer_text_too_long_is_refused() -> None:
    with pytest.raises(PromptError, match="texts of 16 tokens, but was given 17"):
        small.model()(**batch_of("t5"), qformer_input_ids=torch.ones(4, 17, dtype=torch.long))


def test_a_row_cut_inside_a_picture_is_refused_by_name() -> None:
    """The original shifts the features of later rows instead."""
    batch = batch_of("t5")
    batch["input_ids"][1, batch["input_ids"][1].tolist().index(PLACEHOLDER)] = 3
    with pytest.raises(PromptError, match=r"row 1 has 5 placeholders .* for 3 pictures of 2 .* needs 6"):
        small.model()(**batch)


def test_a_right_total_in_wrong_rows_is_refused() -> None:
    batch = batch_of("t5", [[ImagePlace(0), "a"], [ImagePlace(1), "a"]])
    batch["pictures"] = torch.tensor([[0, 1], [-1, -1]])
    with pytest.raises(PromptError, match="row 0 has 2 placeholders"):
        small.model()(**batch)


def test_pictures_that_are_not_given_are_refused() -> None:
    batch = batch_of("t5")
    del batch["pixel_values"]
    with pytest.raises(PromptError, match="picture 1 is shown, but only 0 pictures are given"):
        small.model()(**batch)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_any_subset_of_parameters(family: Family) -> None:
    """Placeholders are not filled in place, so frozen embeddings and trained pictures go together."""
    model, batch = small.model(family), batch_of(family)
    labels = torch.ones(4, 3, dtype=torch.long) if family == "t5" else batch["input_ids"]
    for trained in ("query_tokens", "language_projection.weight"):
        model.requires_grad_(False)
        model.get_parameter(trained).requires_grad_(True)
        model(**batch, labels=labels).loss.backward()
        gradient = model.get_parameter(trained).grad
        assert gradient is not None and gradient.abs().max() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_activation_checkpointing_gives_the_same_gradients(family: Family) -> None:
    model, batch = small.model(family).train(), batch_of(family)
    labels = torch.ones(4, 3, dtype=torch.long) if family == "t5" else batch["input_ids"]
    gradients = []
    for _ in range(2):
        model.zero_grad()
        model(**batch, labels=labels).loss.backward()
        gradient = model.query_tokens.grad
        assert gradient is not None
        gradients.append(gradient.clone())
        model.activation_checkpointing_enable()
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-4, atol=1e-7)


def test_queries_start_different() -> None:
    """Zeros, the published models' start, would stay equal to each other for ever."""
    queries = MmiclForConditionalGeneration(small.config()).query_tokens[0]
    assert not torch.equal(queries[0], queries[1])


def test_stem_keeps_the_grid_and_ignores_the_batch() -> None:
    model = small.model(stem_channels=(4, 8, 16))
    batched = model.encode(small.pixels(2))
    assert batched.shape == (2, 1 + 4, 16)
    assert torch.allclose(batched[:1], model.encode(small.pixels(2)[:1]), atol=1e-6)


def test_a_stem_that_misses_the_patch_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 stem_channels make patches of 4 pixels, but .* is 8"):
        small.config(stem_channels=(4, 8))


def test_another_language_model_is_refused() -> None:
    with pytest.raises(ValueError, match="'gpt2' is not supported; choose from t5, llama, opt"):
        small.config(text_config={"model_type": "gpt2"})


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("beginning", ["blip-2", "instructblip"])
def test_logits_equal_those_of_transformers_own_class(family: Family, beginning: str) -> None:
    """With one picture a prompt MMICL is BLIP-2 or InstructBLIP."""
    model = small.model(family, beginning, text={"tie_word_embeddings": True})
    parts: dict[str, Any] = {
        "vision_config": model.config.vision_config.to_dict(),
        "qformer_config": model.config.qformer_config.to_dict(),
        "text_config": model.config.text_config.to_dict(),
        "num_query_tokens": 2,
        "image_token_index": PLACEHOLDER,
    }
    stock: Blip2ForConditionalGeneration | InstructBlipForConditionalGeneration
    if beginning == "blip-2":
        stock = Blip2ForConditionalGeneration(Blip2Config(**parts))
    else:
        stock = InstructBlipForConditionalGeneration(InstructBlipConfig(**parts))
    stock.load_state_dict(model.state_dict())
    stock.train(False)
    batch = batch_of(family, [[ImagePlace(0), "is there a dog ?"], [ImagePlace(1), "the cat"]])
    pictures = {"pictures": batch.pop("pictures")}
    batch["labels"] = torch.ones(2, 3, dtype=torch.long) if family == "t5" else batch["input_ids"]
    if beginning == "instructblip":
        batch["qformer_input_ids"] = torch.tensor([[3, 4], [5, 6]])
        batch["qformer_attention_mask"] = torch.ones(2, 2, dtype=torch.long)
    output, expected = model(**batch, **pictures), stock(**batch)
    assert torch.allclose(output.logits, expected.logits, atol=1e-5)


@pytest.mark.parametrize("family", small.FAMILIES)
@pytest.mark.parametrize("beginning", ["blip-2", "instructblip"])
def test_what_is_kept_whole_are_blocks_and_nothing_in_them(family: Family, beginning: str) -> None:
    model = small.model(family, beginning)
    names = set(model._no_split_modules or ())
    blocks = [part for part in model.modules() if type(part).__name__ in names]
    assert {type(part).__name__ for part in blocks} == names and len(names) == 3
    assert not any(inner in blocks for block in blocks for inner in list(block.modules())[1:])


def test_labels_and_learned_positions_exclude_each_other() -> None:
    ids = torch.tensor([[3, 4, 5]])
    with pytest.raises(ValueError, match="leave out `learned`"):
        small.model("llama")(ids, labels=ids, learned=torch.tensor([0]))
