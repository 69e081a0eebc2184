"""A LLaVA of a few thousand random weights, with a tokenizer of bytes and a chat template, made offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.processing_llava import LlavaProcessor

SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "<image>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% else %}<image>{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save(folder: Path) -> None:
    """Write the checkpoint."""
    torch.manual_seed(0)
    tokens = tokenizer()
    size: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    text = LlamaConfig(vocab_size=len(tokens), max_position_embeddings=4096, pad_token_id=0, eos_token_id=2, **size)
    vision = CLIPVisionConfig(image_size=28, patch_size=14, projection_dim=32, **size)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=SPECIALS.index("<image>"))
    model = LlavaForConditionalGeneration(config).train(False)
    for weight in model.parameters():  # so large that pictures and words move the answer
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)
    model.generation_config.eos_token_id = 2
    model.save_pretrained(folder)
    pixels = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    LlavaProcessor(  # type: ignore[no-untyped-call]
        pixels,
        tokens,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)


def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {token: i for i, token in enumerate([*SPECIALS, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special_tokens = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokens = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe, padding_side="left", extra_special_tokens={"image_token": "<image>"}, **special_tokens
    )
    tokens.add_special_tokens({"additional_special_tokens": list(SPECIALS[5:])})
    return tokens
