"""How large the tiny MMICL is: under six million parameters, 12 MB in bfloat16."""

from __future__ import annotations

from transformers import LlamaConfig, T5Config

from experiments.tiny.vocabulary import LONGEST
from mmeval.mmicl.configuration import MmiclConfig

PICTURE_SIZE = 96
VISUAL_TOKENS = 36
"""One for each patch: with fewer, letters and digits side by side are hardly told apart."""
WIDTH = 192
HEADS = 6
LAYERS = 5


def configuration(vocabulary: int, placeholder: int, beginning: str = "blip-2", family: str = "llama") -> MmiclConfig:
    """Join either beginning and either language model, with a convolutional stem: 6 x 6 patches of 16 pixels.

    A thin patch embedding learns shapes far more slowly than a few convolutions at this size. LLaMA's usual
    start (weights of 0.02 whatever the width) hardly learns to look things up at this width: attention is flat.
    """
    vision = {
        "model_type": f"{beginning.replace('-', '_')}_vision_model",
        "hidden_size": WIDTH,
        "intermediate_size": 3 * WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": HEADS,
        "image_size": PICTURE_SIZE,
        "patch_size": 16,
        "initializer_range": 0.02,
    }
    qformer = {
        "model_type": f"{beginning.replace('-', '_')}_qformer",
        "vocab_size": vocabulary,
        "max_position_embeddings": LONGEST,
        "hidden_size": WIDTH,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "cross_attention_frequency": 1,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "encoder_hidden_size": WIDTH,
    }
    return MmiclConfig(
        vision_config=vision,
        qformer_config=qformer,
        text_config=_language(family, vocabulary).to_dict(),
        num_query_tokens=VISUAL_TOKENS,
        image_token_id=placeholder,
        stem_channels=(32, 64, 128, WIDTH),
    )


def _language(family: str, vocabulary: int) -> LlamaConfig | T5Config:
    if family == "t5":
        return T5Config(
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
            tie_word_embeddings=True,
        )
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=512,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=LONGEST,
        pad_token_id=0,
        bos_token_id=3,
        eos_token_id=1,
        tie_word_embeddings=True,  # what is read can be said: copying generalises over words
        initializer_range=WIDTH**-0.5,
    )
