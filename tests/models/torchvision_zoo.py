"""Tiny random checkpoints of families whose processors need torchvision, or are made here with their video part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import transformers

from tests.models import chat_zoo as zoo
from tests.models.chat_zoo import ID, SQUARE, TEXT, VISION, VOCABULARY, Family, by_name, tokenizer
from tests.models.newer_zoo import ALTERNATING, FULL, LINEAR, MROPE, ROPE, SPARSE, WINDOWS, config, pictures, processor

MEDIA = {"image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>"}
AUDIO = {"audio_token": "<|audio|>", "boa_token": "<|audio>", "eoa_token": "<audio|>"}


def extractor(name: str, **options: Any) -> Any:
    return getattr(transformers, f"{name}FeatureExtractor")(**options)


def pixtral(model_type: str, text: Mapping[str, Any]) -> Family:
    vision = {"head_dim": 8, "image_size": 56}
    family = config(model_type, text, vision, image_token_index=ID["<image>"], spatial_merge_size=2)
    images = pictures("pixtral", "Pixtral", size={"longest_edge": 56}, patch_size={"height": 28, "width": 28})
    options = {"patch_size": 14, "spatial_merge_size": 2, "image_token": "<image>"}
    return family, processor("pixtral", "Pixtral", images, "<image>", **options)


def mistral3() -> Family:
    return pixtral("mistral3", {"sliding_window": None})


def mistral_large4() -> Family:
    layers = {"layer_types": ["indexed_attention"] * 2, "indexer_types": ["full"] * 2, "no_rope_layers": [1, 1]}
    heads = {"num_key_value_heads": 4, "qk_head_dim": 16, "kv_source_layers": [0, 1], "rope_parameters": ROPE}
    return pixtral("mistral_large4", {**layers, **heads, **SPARSE})


def gemma4() -> Family:
    text = {
        **TEXT, **ALTERNATING, "sliding_window": 64, "global_head_dim": 8, "num_global_key_value_heads": 2,
        "vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 4, "head_dim": 8, "patch_size": 14, "position_embedding_size": 64,
        "pooling_kernel_size": 2,
    }  # fmt: skip
    tokens = {"image_token_id": ID["<|image|>"], "boi_token_id": ID["<|image>"], "eoi_token_id": ID["<image|>"]}
    family = zoo.config("Gemma4", text_config=text, vision_config=vision, audio_config=None, **tokens)
    images = pictures("gemma4", "Gemma4", patch_size=14, max_soft_tokens=70, pooling_kernel_size=2)
    named, hears = tokenizer(**MEDIA, **AUDIO), extractor("Gemma4Audio")
    return family, processor(
        "gemma4", "Gemma4", images, "<|image|>", named, feature_extractor=hears, image_seq_length=4
    )  # fmt: skip


def smolvlm() -> Family:
    family = config("smolvlm", TEXT, {**VISION, "image_size": 56}, image_token_id=ID["<image>"], scale_factor=2)
    sizes = {"size": {"longest_edge": 112}, "max_image_size": {"longest_edge": 56}}
    images = pictures("smolvlm", "SmolVLM", **sizes)
    return family, processor("smolvlm", "SmolVLM", images, "<image>", image_seq_len=4)


def minicpm(version: int, **changes: int) -> Family:
    name = f"minicpmv4_{version}"
    rope = {"rope_parameters": {**MROPE, "partial_rotary_factor": 1.0}}
    vision = {"num_hidden_layers": 4, "patch_size": 14, "insert_layer_id": 0}
    tokens = {"image_token_id": ID["<|image_pad|>"], "video_token_id": ID["<|video_pad|>"]}
    family = config(name, {**LINEAR, **rope}, vision, insert_layer_id=0, **tokens, **changes)
    named = tokenizer(
        image_token="<|image_pad|>", video_token="<|video_pad|>", image_start_token="<img>", image_end_token="</img>",
        slice_start_token="<IMG_START>", slice_end_token="<IMG_END>", image_id_start_token="<IMG_COL>",
        image_id_end_token="<IMG_ROW>",
    )  # fmt: skip
    images = pictures("minicpmv4_6", "MiniCPMV4_6")
    return family, processor(name, f"MiniCPMV4_{version}", images, "<|image_pad|>", named)


def minicpmv4_6() -> Family:
    return minicpm(6)


def minicpmv4_7() -> Family:
    marks = {"image_start_id": ID["<img>"], "image_end_id": ID["</img>"], "newline_id": 10}
    return minicpm(7, **marks, slice_start_id=ID["<IMG_START>"], slice_end_id=ID["<IMG_END>"])


def ernie4_5_vl_moe() -> Family:
    names = {"image": "<|image_pad|>", "image_start": "<|vision_start|>", "image_end": "<|vision_end|>"}
    names |= {"video": "<|video_pad|>", "video_start": "<|begin_of_video|>", "video_end": "<|end_of_video|>"}
    tokens = {f"{name}_token_id": ID[token] for name, token in names.items()}
    text = {**SPARSE, "moe_intermediate_size": [16, 16], "rope_parameters": MROPE}
    images = pictures("ernie4_5_vl_moe", "Ernie4_5_VLMoe", size={"shortest_edge": 56**2, "longest_edge": 112**2})
    named = tokenizer(**{f"{name}_token": token for name, token in names.items()})
    placeholder = "<|vision_start|><|image_pad|><|vision_end|>"
    return config("ernie4_5_vl_moe", text, {}, **tokens), processor(
        "ernie4_5_vl_moe", "Ernie4_5_VLMoe", images, placeholder, named
    )


def qwen2_5_omni() -> Family:
    indices = {"image_token_index": ID["<|image_pad|>"], "video_token_index": ID["<|video_pad|>"]}
    ids = {"vision_start_token_id": ID["<|vision_start|>"], "vision_end_token_id": ID["<|vision_end|>"]}
    sounds = {"audio_token_index": ID["<|audio|>"], "audio_start_token_id": ID["<|audio>"]}
    text = {**FULL, "rope_parameters": MROPE}
    family = config(
        "qwen2_5_omni_thinker", text, WINDOWS, **indices, **ids, **sounds, audio_end_token_id=ID["<audio|>"]
    )
    images = pictures("qwen2_vl", "Qwen2VL", min_pixels=28 * 28, max_pixels=56 * 56, patch_size=14)
    named = tokenizer(
        image_token="<|image_pad|>", video_token="<|video_pad|>", audio_token="<|audio|>",
        vision_bos_token="<|vision_start|>", vision_eos_token="<|vision_end|>", audio_bos_token="<|audio>",
        audio_eos_token="<audio|>",
    )  # fmt: skip
    placeholder, hears = "<|vision_start|><|image_pad|><|vision_end|>", extractor("Whisper", feature_size=128)
    return family, processor("qwen2_5_omni", "Qwen2_5Omni", images, placeholder, named, feature_extractor=hears)


def kimi_k25() -> Family:
    tokens = {"image_token_id": ID["<|image_pad|>"], "video_token_id": ID["<|video_pad|>"]}
    text = {"num_key_value_heads": 4, "n_group": 2, "first_k_dense_replace": 1}
    named = tokenizer(image_token="<|image_pad|>", video_token="<|video_pad|>")
    images = pictures("kimi_k25", "Kimi_K25")
    return config("kimi_k25", text, {}, **tokens), processor("kimi_k25", "Kimi_K25", images, "<|image_pad|>", named)


def lfm2_vl() -> Family:
    vision = {
        "model_type": "siglip2_vision_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_patches": 256, "patch_size": 16,
    }  # fmt: skip
    text = {**TEXT, "model_type": "lfm2", "layer_types": ["conv", "full_attention"], "conv_L_cache": 3}
    family = zoo.config(
        "Lfm2Vl",
        vision_config=vision, text_config={**text, "block_multiple_of": 8}, image_token_id=ID["<image>"],
        downsample_factor=2, projector_hidden_size=32,
    )  # fmt: skip
    marks = {"image_start_token": "<img>", "image_end_token": "</img>", "image_thumbnail_token": "<global-img>"}
    return family, processor("lfm2_vl", "Lfm2Vl", pictures("lfm2_vl", "Lfm2Vl"), "<image>", tokenizer(**marks))


def llama4() -> Family:
    vision = {
        "hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28,
        "patch_size": 7, "pixel_shuffle_ratio": 0.5, "projector_input_dim": 32, "projector_output_dim": 32,
        "vision_output_dim": 32,
    }  # fmt: skip
    text = {**TEXT, "num_local_experts": 2, "intermediate_size_mlp": 48, "num_experts_per_tok": 1}
    marks = {"boi_token_index": ID["<|begin_of_image|>"], "eoi_token_index": ID["<|end_of_image|>"]}
    family = zoo.config(
        "Llama4",
        vision_config=vision,
        text_config=text,
        image_token_id=ID["<|patch|>"],
        image_token_index=ID["<|patch|>"],
        **marks,
    )
    images = pictures("llama4", "Llama4", size=SQUARE, max_patches=4)
    return family, processor("llama4", "Llama4", images, "<|image|>", patch_size=7, pixel_shuffle_ratio=0.5)


def minimax_m3_vl() -> Family:
    text = {**SPARSE, **FULL, "rotary_dim": 8}
    vision = {"image_size": 56, "hidden_size": 48}
    tokens = {"image_token_index": ID["]<]image[>["], "video_token_index": ID["<video>"]}
    family = config("minimax_m3_vl", text, vision, **tokens, merged_hidden_size=128)
    images = pictures("minimax_m3_vl", "MiniMaxM3VL", size={"shortest_edge": 28**2, "longest_edge": 2 * 56**2})
    return family, processor("minimax_m3_vl", "MiniMaxM3VL", images, "]<]image[>[")


def muse_glimmer() -> Family:
    tokens = {"image_token_id": ID["<|patch|>"], "video_token_id": ID["<|video|>"]}
    layers = {"layer_types": ["window_attention", "full_attention"]}
    family = config("muse_glimmer", ALTERNATING, layers, **tokens, out_hidden_size=128)
    images = pictures("muse_glimmer", "MuseGlimmer")
    return family, processor("muse_glimmer", "MuseGlimmer", images, "<|begin_of_image|><|patch|><|end_of_image|>")


def cohere2_vision() -> Family:
    family = zoo.config(
        "Cohere2Vision",
        vision_config={"model_type": "siglip_vision_model", **VISION}, downsample_factor=2,
        text_config={**TEXT, "model_type": "cohere2", "sliding_window": 64}, image_token_id=ID["<|IMG_PATCH|>"],
        alignment_intermediate_size=64,
    )  # fmt: skip
    named = tokenizer(
        image_token="<|IMG_PATCH|>", boi_token="<|START_OF_IMG|>", eoi_token="<|END_OF_IMG|>",
        img_line_break_token="<|IMG_LINE_BREAK|>",
    )  # fmt: skip
    images = pictures("cohere2_vision", "Cohere2Vision", size=SQUARE, max_patches=3, downsample_factor=2, patch_size=1)
    return family, processor("cohere2_vision", "Cohere2Vision", images, "<|IMG_PATCH|>", named)


def nemotron_h_omni() -> Family:
    layers = {"layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"], "chunk_size": 16}
    tokens = {"image_token_id": ID["<image>"], "video_token_id": ID["<video>"], "audio_token_id": ID["<|audio|>"]}
    vision = {"image_size": 64, "max_img_size": 128, "num_registers": 5}
    family = config("nemotron_h_omni", {**layers, "mamba_head_dim": 16}, vision, **tokens)
    name = "NemotronH_Omni_Reasoning_V3"
    named = tokenizer(image_token="<image>", video_token="<video>", audio_token="<|audio|>")
    images, hears = pictures("nemotron_h_omni", name), extractor("Parakeet")
    return family, processor("nemotron_h_omni", name, images, "<image>", named, feature_extractor=hears)


TORCHVISION = by_name(
    *(mistral3, mistral_large4, gemma4, smolvlm, minicpmv4_6, minicpmv4_7, ernie4_5_vl_moe, qwen2_5_omni),
    *(kimi_k25, lfm2_vl, llama4, minimax_m3_vl, muse_glimmer, cohere2_vision, nemotron_h_omni),
)
