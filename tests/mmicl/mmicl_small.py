"""Small MMICL models of every kind, made quickly: configurations, weights, tokenizers, processors."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.mmicl.checkpoints import save
from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig

torch.set_num_threads(1)  # with tensors so small, threads only wait for each other

Family = Literal["t5", "llama", "opt"]
FAMILIES: tuple[Family, ...] = ("t5", "llama", "opt")
WORDS = ("<pad>", "</s>", "<unk>", "is", "there", "a", "dog", "image", "0", "1", "?", "yes", "no", "the", "cat")
PLACEHOLDER = len(WORDS)
TAGS = 3
VOCABULARY = PLACEHOLDER + 1 + TAGS

LANGUAGE: dict[str, dict[str, Any]] = {
    "t5": {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 2,
        "num_heads": 4,
        "dropout_rate": 0.0,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "decoder_start_token_id": 0,
    },
    "llama": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 128,
        "bos_token_id": 2,
    },
    "opt": {
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "ffn_dim": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 128,
        "dropout": 0.0,
        "bos_token_id": 1,
    },
}


def config(family: Family = "t5", beginning: str = "instructblip", **changes: Any) -> MmiclConfig:
    """Make a configuration of 16 x 16 pictures, 2 visual tokens each, and `WORDS` for a vocabulary."""
    part = beginning.replace("-", "_")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"model_type": family, "vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": 1}
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    vision = {"model_type": f"{part}_vision_model", "image_size": 16, "patch_size": 8, "initializer_range": 0.2}
    qformer = {"model_type": f"{part}_qformer", "vocab_size": 20, "max_position_embeddings": 16, **dropout}
    values: dict[str, Any] = {
        "vision_config": {**sizes, **vision},
        "qformer_config": {**sizes, **qformer},
        "text_config": {**text, **LANGUAGE[family], **changes.pop("text", {})},
        "num_query_tokens": 2,
        "image_token_id": PLACEHOLDER,
    }
    return MmiclConfig(**{**values, **changes})


def model(family: Family = "t5", beginning: str = "instructblip", **changes: Any) -> MmiclForConditionalGeneration:
    """Make a model with large random weights, the same at every call, so that every path matters."""
    torch.manual_seed(0)
    result = MmiclForConditionalGeneration(config(family, beginning, **changes))
    for parameter in result.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    result.train(False)
    return result


def tokenizer(after: bool = True) -> str:
    """Write a word-level `tokenizer.json`; `after`: it ends sequences with </s>, as T5's does."""
    special = [
        {"id": i, "content": WORDS[i], "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": True}
        for i in range(3)
    ]
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    frame = [text, end] if after else [end, text]
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": special,
            "normalizer": None,
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": frame,
                "pair": frame,
                "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
            },
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)}, "unk_token": "<unk>"},
        }
    )


def processor(family: Family = "t5", **changes: Any) -> MmiclProcessor:
    """Make the processor of `model(family)`."""
    values: dict[str, Any] = {
        "placeholder_id": PLACEHOLDER,
        "tag_ids": tuple(range(PLACEHOLDER + 1, VOCABULARY)),
        "tokens_per_picture": 2,
        "pad_id": 0,
        "eos_id": 1,
        "pad_left": family != "t5",
    }
    pictures = BlipImageProcessorPil(size={"height": 16, "width": 16})
    settings = ProcessorConfig(**{**values, **changes})
    return MmiclProcessor(tokenizer(family == "t5"), pictures, settings, tokenizer())


def write(folder: Path, family: Family = "t5", beginning: str = "instructblip", std: float | None = None) -> None:
    """Write the checkpoint of `model` and `processor`, made once, then copied; `std`: with weights of another size."""
    for name, content in _files(family, beginning, std).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@functools.cache
def _files(family: Family, beginning: str, std: float | None) -> dict[str, bytes]:
    made = model(family, beginning)
    if std is not None:
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=std)
    with tempfile.TemporaryDirectory() as place:
        save(made, processor(family), Path(place))
        paths = [path for path in Path(place).rglob("*") if path.is_file()]
        return {str(path.relative_to(place)): path.read_bytes() for path in paths}


def pixels(count: int) -> Tensor:
    """Random pictures [count, 3, 16, 16]."""
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))
