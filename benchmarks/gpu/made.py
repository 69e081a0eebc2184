"""A model of Flan-T5-XL's size with random weights, a processor, and pictures, all made on the spot."""

from __future__ import annotations

import io
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from PIL import Image as PILImage
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.initialization import no_init_weights
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.machine import cores
from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.fused import fuse
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from mmeval.types import Image

WORDS = [f"w{number}" for number in range(20_000)]
PLACEHOLDER, TAGS = 32_100, 20
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "vision": {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4},
        "qformer": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
        "text": {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4},
        "pictures": 40,
        "turned": 12,
    },
    "xl": {
        "vision": {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39, "num_attention_heads": 16},
        "qformer": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        "text": {"d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
        "pictures": 1187,
        "turned": 1164,
    },
}


def random_model(size: dict[str, Any], device: torch.device, dtype: torch.dtype) -> MmiclForConditionalGeneration:
    """Make a model with random weights on its device."""
    vision = {"model_type": "instructblip_vision_model", "image_size": 224, "patch_size": 14}
    qformer = {"model_type": "instructblip_qformer", "cross_attention_frequency": 2, "vocab_size": 30_523}
    text = {"model_type": "t5", "vocab_size": 32_128, "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0}
    config = MmiclConfig(
        vision_config={**vision, **size["vision"]},
        qformer_config={**qformer, **size["qformer"]},
        text_config={**text, **size["text"], "tie_word_embeddings": False, "pad_token_id": 0, "eos_token_id": 1},
        image_token_id=PLACEHOLDER,
    )
    with torch.device(device), no_init_weights():
        model: Any = MmiclForConditionalGeneration._from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    model.tie_weights()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.02)
            else:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
        model.language_model.lm_head.weight[1] = 0  # no answer ends before its limit
        model.language_model.lm_head.weight[0] = 0
    fuse(model)
    return model  # type: ignore[no-any-return]


def made_processor() -> MmiclProcessor:
    """Make a processor whose tokenizer has one token per word."""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, **{word: i + 3 for i, word in enumerate(WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    settings = ProcessorConfig(
        placeholder_id=PLACEHOLDER, tag_ids=tuple(range(PLACEHOLDER + 1, PLACEHOLDER + 1 + TAGS)),
        tokens_per_picture=32, pad_id=0, eos_id=1, pad_left=False,
    )  # fmt: skip
    pictures = BlipImageProcessorPil(size={"height": 224, "width": 224})
    return MmiclProcessor(tokenizer.to_str(), pictures, settings, tokenizer.to_str())


def jpegs(count: int) -> list[Image]:
    """Make pictures with the grain of photographs."""

    def jpeg(number: int) -> Image:
        rng, out = np.random.default_rng(number), io.BytesIO()
        coarse = PILImage.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).resize((500, 400))
        fine = np.asarray(coarse, np.int16) + rng.integers(-12, 13, (400, 500, 1), dtype=np.int16)
        PILImage.fromarray(fine.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
        return Image(out.getvalue(), f"{number}.jpg")

    with ThreadPoolExecutor(min(16, cores())) as pool:
        return list(pool.map(jpeg, range(count)))


def words(rng: random.Random, least: int, most: int) -> str:
    """Return a text of `least` to `most` words, each a token."""
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))
