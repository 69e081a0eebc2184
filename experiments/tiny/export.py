"""Export packed weights as folders that `mmeval.mmicl.checkpoints` loads; only this module needs transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import LlamaConfig
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from experiments.tiny.checkpoint import read_weights
from experiments.tiny.sizes import sizes_of
from experiments.tiny.vocabulary import Vocabulary
from mmeval.mmicl import checkpoints
from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from mmeval.types import InputError

MAX_IMAGES = {"instructblip-tiny": 1, "blip2-tiny": 1, "text-tiny": 0}
"""What tells these from MMICL when their folders are opened."""
TIED = "language_model.lm_head.weight"
"""The output head, which is the table of token embeddings; packed weights hold the table only."""


def export(packed: Path, weights: Path, members: Sequence[str], small: bool = False) -> None:
    """Write a folder of each member's model, in bfloat16. Raises InputError if its packed weights do not fit."""
    for name in members:
        file = packed / f"{name}.safetensors"
        member_weights = read_weights(file)
        reads = any(key.startswith("qformer.embeddings.") for key in member_weights)
        processor = make_processor(packed, reads, small)
        model = make_model(processor, reads, small)
        expected = model.state_dict()
        if any(key in expected and expected[key].shape != weight.shape for key, weight in member_weights.items()):
            raise InputError(f"{file}: not the sizes of this model; add --small, or remove it")
        model.config.max_images = MAX_IMAGES.get(name.partition(" seed ")[0])
        result = model.load_state_dict(member_weights, strict=False)
        wrong = [*result.unexpected_keys, *(key for key in result.missing_keys if key != TIED)]
        if wrong:
            raise InputError(f"{file}: not the weights of this model ({wrong[0]} is missing or unknown); train again")
        model.tie_weights()
        checkpoints.save(model.bfloat16(), processor, weights / name)
        print(weights / name)


def make_processor(packed: Path, reads: bool, small: bool = False) -> MmiclProcessor:
    """Make a model's processor; only a Q-Former that reads has its own tokenizer."""
    words = Vocabulary.load(packed)
    sizes = sizes_of(words.size, reads, small)
    settings = ProcessorConfig(
        placeholder_id=words.placeholder,
        tag_ids=words.tags,
        tokens_per_picture=sizes.visual_tokens,
        pad_id=words.pad,
        eos_id=words.end,
        pad_left=True,
        max_prompt_tokens=sizes.longest,
        clean_up_spaces=False,
        reads_questions=reads,
    )
    pictures = BlipImageProcessorPil(size={"height": sizes.picture, "width": sizes.picture})
    return MmiclProcessor(words.source, pictures, settings, words.source if reads else None)


def make_model(processor: MmiclProcessor, reads: bool, small: bool) -> MmiclForConditionalGeneration:
    """Make the model of `network` from transformers' modules."""
    sizes, settings = sizes_of(processor.tokenizer.size, reads, small), processor.settings
    beginning = "instructblip" if reads else "blip_2"
    vision = {
        "model_type": f"{beginning}_vision_model",
        "hidden_size": sizes.vision,
        "intermediate_size": sizes.vision_ffn,
        "num_hidden_layers": sizes.vision_layers,
        "num_attention_heads": 6,
        "image_size": sizes.picture,
        "patch_size": sizes.patch,
    }
    qformer = {
        "model_type": f"{beginning}_qformer",
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.longest,
        "hidden_size": sizes.query,
        "intermediate_size": sizes.query_ffn,
        "num_hidden_layers": sizes.query_layers,
        "num_attention_heads": sizes.query_heads,
        "cross_attention_frequency": 1,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "encoder_hidden_size": sizes.vision,
    }
    language = LlamaConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.language,
        intermediate_size=sizes.ffn,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        max_position_embeddings=sizes.longest,
        attention_bias=True,
        rope_parameters={"rope_type": "default", "rope_theta": sizes.rope_theta},
        pad_token_id=settings.pad_id,
        bos_token_id=processor.tokenizer.before[0],
        eos_token_id=settings.eos_id,
        tie_word_embeddings=True,
    )
    config = MmiclConfig(
        vision_config=vision,
        qformer_config=qformer,
        text_config=language.to_dict(),
        num_query_tokens=sizes.visual_tokens,
        image_token_id=settings.placeholder_id,
        stem_channels=sizes.stem,
    )
    return MmiclForConditionalGeneration(config)
