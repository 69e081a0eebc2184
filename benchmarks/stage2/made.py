"""Models of the published sizes with random weights, a processor with one token per word, and training examples."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.context import ImagePlace, Part
from mmeval.mmicl.examples import Example, Turn, to_json
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig

WORDS = [f"w{number}" for number in range(900)]
PLACEHOLDER = 910
TAGS = 12

EVA = {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39, "num_attention_heads": 16}
QFORMER = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
T5 = {"model_type": "t5", "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0, "pad_token_id": 0}
FLAN = {**T5, "d_kv": 64, "num_layers": 24, "vocab_size": 32128}
LLAMA = {"model_type": "llama", "bos_token_id": 2, "pad_token_id": 0, "max_position_embeddings": 2048}
PUBLISHED: dict[str, Any] = {
    "vision": EVA, "qformer": QFORMER, "dropout": 0.1, "examples": 6000, "pictures": 1000, "warm": 5, "workers": 8,
    "steps": 8,
}  # fmt: skip
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "vision": {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6},
        "qformer": {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 6},
        "text": {**T5, "d_model": 256, "d_kv": 64, "d_ff": 512, "num_layers": 4, "num_heads": 4, "vocab_size": 1024},
        "dropout": 0.0,
        "examples": 256,
        "pictures": 40,
        "original": {"batch": 4, "steps": 16},
        "tokens": [1024],
        "steps": 24,
        "warm": 4,
        "workers": 0,
    },
    "xl": {
        **PUBLISHED,
        "text": {**FLAN, "d_model": 2048, "d_ff": 5120, "num_heads": 32},
        "original": {"batch": 16, "steps": 6},
        "tokens": [8192, 16384, 24576],
    },
    "xxl": {
        **PUBLISHED,
        "text": {**FLAN, "d_model": 4096, "d_ff": 10240, "num_heads": 64},
        "tokens": [4096],
        "steps": 3,
    },
    "vicuna-7b": {
        **PUBLISHED,
        "text": {
            **LLAMA, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
            "num_attention_heads": 32, "vocab_size": 32022,
        },
        "tokens": [4096],
        "steps": 3,
    },
}  # fmt: skip
"""`tokens`: budgets of a batch; `steps` are measured after `warm` steps."""


def make_model(size: str, device: torch.device) -> MmiclForConditionalGeneration:
    """Make a model with new weights on its device."""
    sizes, dropout = SIZES[size], SIZES[size]["dropout"]
    vision = {"model_type": "blip_2_vision_model", "image_size": 224, "patch_size": 14, "initializer_range": 0.02}
    qformer = {"model_type": "blip_2_qformer", "cross_attention_frequency": 2}
    qformer |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    text = {"eos_token_id": 1, "tie_word_embeddings": False, **sizes["text"]}
    if text["model_type"] == "t5":
        text["dropout_rate"] = dropout
    config = MmiclConfig(
        vision_config={**vision, **sizes["vision"]},
        qformer_config={**qformer, **sizes["qformer"]},
        text_config=text,
        image_token_id=PLACEHOLDER,
    )
    with torch.device(device):
        return MmiclForConditionalGeneration(config)


def make_processor(decoder_only: bool) -> MmiclProcessor:
    """Make a processor whose tokenizer has one token per word."""
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 2, **{w: i + 3 for i, w in enumerate(WORDS)}}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    settings = ProcessorConfig(
        placeholder_id=PLACEHOLDER,
        tag_ids=tuple(range(PLACEHOLDER + 1, PLACEHOLDER + 1 + TAGS)),
        tokens_per_picture=32,
        pad_id=0,
        eos_id=1,
        pad_left=decoder_only,
    )
    return MmiclProcessor(tokenizer.to_str(), BlipImageProcessorPil(size={"height": 224, "width": 224}), settings)


def write_examples(folder: Path, count: int, pictures: int) -> None:
    """Write questions of 10 to 60 words about one to four pictures of 224 x 224, with answers of one to eight words."""
    rng = random.Random(0)
    for number in range(pictures):
        pixels = np.random.default_rng(number).integers(0, 255, (28, 28, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((224, 224)).save(folder / f"{number}.jpg")
    lines = []
    for number in range(count):
        images = tuple(f"{rng.randrange(pictures)}.jpg" for _ in range(rng.choice((1, 1, 2, 3, 4))))
        question = " ".join(rng.choices(WORDS, k=rng.randint(10, 60)))
        ask: tuple[Part, ...] = (*(ImagePlace(index) for index in range(len(images))), question)
        answer = " ".join(rng.choices(WORDS, k=rng.randint(1, 8)))
        lines.append(to_json(Example(f"e{number}", "made", images, (Turn(ask, answer),))))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")
