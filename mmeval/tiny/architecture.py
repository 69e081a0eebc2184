"""How large the tiny MMICL is: under six million parameters, 12 MB in bfloat16."""

from __future__ import annotations

from transformers import T5Config
from transformers.models.blip_2 import Blip2QFormerConfig, Blip2VisionConfig

from mmeval.mmicl.configuration import MmiclConfig

PICTURE_SIZE = 96
VISUAL_TOKENS = 16
WIDTH = 192
HEADS = 6


def configuration(vocabulary: int, placeholder: int) -> MmiclConfig:
    """A BLIP-2 beginning over a T5, with a convolutional stem: 6 x 6 patches of 16 pixels.

    A thin patch embedding learns shapes far more slowly than a few convolutions at this size.
    """
    vision = Blip2VisionConfig(
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=HEADS,
        image_size=PICTURE_SIZE,
        patch_size=16,
        initializer_range=0.02,
    )
    qformer = Blip2QFormerConfig(
        hidden_size=WIDTH,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        cross_attention_frequency=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        encoder_hidden_size=WIDTH,
    )
    language = T5Config(
        vocab_size=vocabulary,
        d_model=WIDTH,
        d_kv=WIDTH // HEADS,
        d_ff=512,
        num_layers=4,
        num_decoder_layers=2,
        num_heads=HEADS,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        decoder_start_token_id=0,  # type: ignore[call-arg]
        tie_word_embeddings=True,  # what is read can be said: copying generalises over words
    )
    return MmiclConfig(
        vision_config=vision.to_dict(),
        qformer_config=qformer.to_dict(),
        text_config=language.to_dict(),
        num_query_tokens=VISUAL_TOKENS,
        image_token_id=placeholder,
        stem_channels=(32, 64, 128, WIDTH),
    )
