"""Tiny random checkpoints of the latest families that also take sound."""

from __future__ import annotations

from tests.models import chat_zoo as zoo
from tests.models.chat_zoo import ID, TEXT, VOCABULARY, Family, by_name, tokenizer
from tests.models.latest_zoo import HYBRID
from tests.models.newer_zoo import (
    ALTERNATING,
    INTERLEAVED,
    QWEN_PICTURE,
    SPARSE,
    config,
    pictures,
    processor,
)
from tests.models.torchvision_zoo import AUDIO, MEDIA, extractor

FEW_PIXELS = {"shortest_edge": 1024, "longest_edge": 16384}


def dots3_note() -> Family:
    tokens = {
        "image_token_id": ID["<|imgpad|>"], "video_token_id": ID["<|video_pad|>"],
        "audio_token_id": ID["<|audio_comp_pad|>"],
    }  # fmt: skip
    heads = {"qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 8, "q_lora_rank": 8, "kv_lora_rank": 8}
    text = {
        **TEXT, **heads, **{f"swa_{name}": value for name, value in heads.items()}, "num_key_value_heads": 4,
        "swa_num_attention_heads": 4, "swa_num_key_value_heads": 4, "swa_head_dim": 8, "index_head_dim": 8,
        "index_n_heads": 2, "index_topk": 64, "sliding_window": 64, "moe_intermediate_size": 16, "n_routed_experts": 4,
        "num_experts_per_tok": 2, "shared_experts_intermediate_size": 16,
        "layer_types": ["indexed_attention", "sliding_attention"],
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "moe_intermediate_size": 16, "adapter_in_dim": 32, "adapter_out_dim": 32, "pyramid_num_routed": [-1, 4],
    }  # fmt: skip
    audio = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "downsample_hidden_size": 8, "adapter_input_size": 32, "adapter_out_dim": 32,
    }  # fmt: skip
    family = zoo.config("Dots3Note", text_config=text, vision_config=vision, audio_config=audio, **tokens)
    images = pictures("qwen2_vl", "Qwen2VL", min_pixels=28 * 28, max_pixels=56 * 56, temporal_patch_size=1)
    videos = {"like": "qwen3_vl", "patch_size": 14, "temporal_patch_size": 1, "size": FEW_PIXELS}
    hears = extractor("Dots3Note")
    return family, processor("dots3_note", "Dots3Note", images, "<|imgpad|>", videos=videos, feature_extractor=hears)


def qwen3_omni() -> Family:
    tokens = {"image_token_id": ID["<|image_pad|>"], "video_token_id": ID["<|video_pad|>"]}
    tokens |= {"audio_token_id": ID["<|audio|>"], "audio_start_token_id": ID["<|audio>"]}
    tokens |= {"vision_start_token_id": ID["<|vision_start|>"], "vision_end_token_id": ID["<|vision_end|>"]}
    audio = {"downsample_hidden_size": 16}
    family = config(
        "qwen3_omni_moe_thinker", {"rope_parameters": INTERLEAVED}, {"deepstack_visual_indexes": [0]},
        audio_config=audio, **tokens,
    )  # fmt: skip
    images = pictures("qwen2_vl", "Qwen2VL", min_pixels=32 * 32, max_pixels=64 * 64, patch_size=16)
    named = tokenizer(
        image_token="<|image_pad|>", video_token="<|video_pad|>", audio_token="<|audio|>",
        vision_bos_token="<|vision_start|>", vision_eos_token="<|vision_end|>", audio_bos_token="<|audio>",
        audio_eos_token="<audio|>",
    )  # fmt: skip
    videos, hears = {"patch_size": 16, "size": FEW_PIXELS}, extractor("Whisper", feature_size=128)
    return family, processor(
        "qwen3_omni_moe", "Qwen3OmniMoe", images, QWEN_PICTURE, named, videos, feature_extractor=hears
    )  # fmt: skip


def gemma4_unified() -> Family:
    text = {**TEXT, **ALTERNATING, "sliding_window": 64, "global_head_dim": 8}
    vision = {"mm_embed_dim": 32, "mm_posemb_size": 64, "output_proj_dims": 32}
    tokens = {"image_token_id": ID["<|image|>"], "boi_token_id": ID["<|image>"], "eoi_token_id": ID["<image|>"]}
    tokens |= {"video_token_id": ID["<|video|>"], "audio_token_id": ID["<|audio|>"]}
    family = zoo.config("Gemma4Unified", text_config=text, vision_config=vision, audio_config=None, **tokens)
    images = pictures("gemma4_unified", "Gemma4Unified")
    named, hears = tokenizer(**MEDIA, **AUDIO), extractor("Gemma4UnifiedAudio")
    return family, processor("gemma4_unified", "Gemma4Unified", images, "<|image|>", named, feature_extractor=hears)


def muse_spark() -> Family:
    tokens = {"image_token_id": ID["<|patch|>"], "video_token_id": ID["<|video|>"], "audio_token_id": ID["<|audio|>"]}
    text = {**ALTERNATING, "layer_rope_theta": [500_000.0, 0], "mlp_layer_types": ["sparse", "sparse"]}
    audio = {"patch_sizes": [16, 6], "hidden_sizes": [16, 16], "depths": [1, 1]}
    vision = {"layer_types": ["window_attention", "full_attention"]}
    family = config("muse_spark", text, vision, **tokens, audio_config=audio, out_hidden_size=128)
    images = pictures("muse_glimmer", "MuseGlimmer")
    named = tokenizer(
        image_token="<|patch|>", image_start_token="<img>", image_end_token="</img>", video_token="<|video|>",
        video_sep_token="<|IMG_LINE_BREAK|>", video_start_token="<|begin_of_video|>",
        video_end_token="<|end_of_video|>", audio_token="<|audio|>", audio_start_token="<|audio>",
        audio_end_token="<audio|>",
    )  # fmt: skip
    hears = extractor("MuseSpark")
    return family, processor("muse_spark", "MuseSpark", images, "<|patch|>", named, feature_extractor=hears)


def inkling() -> Family:
    text = {**HYBRID, **SPARSE}
    tokens = {"image_token_id": ID["<|image_pad|>"], "audio_token_id": ID["<|audio|>"]}
    tokens |= {"image_bos_token_id": ID["<|vision_start|>"], "audio_bos_token_id": ID["<|audio>"]}
    family = config("inkling_mm_model", text, {}, **tokens)
    images = pictures("inkling", "Inkling")
    names = {"image_token": "<|image_pad|>", "audio_token": "<|audio|>"}
    names |= {"image_bos_token": "<|vision_start|>", "audio_bos_token": "<|audio>"}
    return family, processor(
        "inkling", "Inkling", images, "<|vision_start|><|image_pad|>", feature_extractor=extractor("Inkling"), **names
    )


def gemma3n() -> Family:
    marks = {"eoi_token": "<eoi>", "image_token": "<soft image>", "eoa_token": "<eoa>", "audio_token": "<soft audio>"}
    named = tokenizer(**marks, boi_token="<|image>", boa_token="<|audio>")  # the four are beyond the text's own
    names = {"boi": "<|image>", "boa": "<|audio>", "eoi": "<eoi>", "image": "<soft image>", "audio": "<soft audio>"}
    text = {
        **TEXT, **ALTERNATING, "vocab_size": VOCABULARY + 4, "vocab_size_per_layer_input": VOCABULARY,
        "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 0, "laurel_rank": 4, "sliding_window": 64,
        "activation_sparsity_pattern": [0.5, 0.0],
    }  # fmt: skip
    vision = {
        "architecture": "test_resnet", "hidden_size": 96, "vocab_size": 2, "vocab_offset": VOCABULARY,
    }  # fmt: skip
    audio = {
        "hidden_size": 32, "vocab_size": 2, "vocab_offset": VOCABULARY + 2, "conf_num_attention_heads": 2,
        "conf_num_hidden_layers": 1, "sscp_conv_channel_size": [8, 4],
    }  # fmt: skip
    family = zoo.config(
        "Gemma3n", text_config=text, vision_config=vision, audio_config=audio, vision_soft_tokens_per_image=4,
        **{f"{name}_token_id": named.convert_tokens_to_ids(token) for name, token in names.items()},
        eoa_token_id=VOCABULARY + 2,
    )  # fmt: skip
    images, hears = pictures("siglip", "Siglip", size={"height": 64, "width": 64}), extractor("Gemma3nAudio")
    return family, processor(
        "gemma3n", "Gemma3n", images, "<soft image>", named, feature_extractor=hears, image_seq_length=4
    )


PLAIN = by_name(dots3_note, qwen3_omni)
TORCHVISION = by_name(gemma4_unified, muse_spark, inkling)
TIMM = by_name(gemma3n)
