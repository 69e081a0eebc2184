"""Tiny random checkpoints of newer families: a family's default configuration, with small sizes in place of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib import util
from typing import Any

from transformers import CONFIG_MAPPING

from mmeval.models.chat.processor import without_video
from tests.models import chat_zoo as zoo
from tests.models.chat_zoo import (
    ID,
    PINPOINTS,
    SHORT,
    SQUARE,
    TEXT,
    VISION,
    Family,
    by_name,
    tokenizer,
    transformers_class,
)

Values = dict[str, Any]
SIZES: Mapping[str, int] = {
    **dict.fromkeys(("hidden_size", "embed_dim", "out_hidden_size", "projection_hidden_size", "text_hidden_size"), 32),
    **dict.fromkeys(("projector_hidden_size", "vision_hidden_size", "projection_hidden_dim", "mm_embed_dim"), 32),
    **dict.fromkeys(("moe_hidden_size", "output_proj_dims", "d_model", "output_dim", "projection_dim"), 32),
    **dict.fromkeys(("intermediate_size", "dense_intermediate_size", "projection_intermediate_size"), 48),
    **dict.fromkeys(("alignment_intermediate_size", "intermediate_size_mlp", "encoder_ffn_dim"), 48),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size", "shared_intermediate_size"), 16),
    **dict.fromkeys(("moe_shared_expert_intermediate_size", "share_expert_dim"), 16),
    **dict.fromkeys(("num_hidden_layers", "depth", "encoder_layers", "n_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "num_heads", "swa_num_attention_heads", "encoder_attention_heads"), 4),
    **dict.fromkeys(("num_sliding_attention_heads", "linear_num_value_heads", "mamba_num_heads"), 4),
    **dict.fromkeys(("num_key_value_heads", "swa_num_key_value_heads", "linear_num_key_heads"), 2),
    **dict.fromkeys(("head_dim", "swa_head_dim", "linear_key_head_dim", "linear_value_head_dim"), 8),
    **dict.fromkeys(("linear_head_dim", "index_head_dim", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"), 8),
    **dict.fromkeys(("kv_lora_rank", "q_lora_rank", "ssm_state_size", "rotary_dim"), 8),
    **dict.fromkeys(("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "index_n_heads", "n_groups"), 2),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    **dict.fromkeys(("num_position_embeddings", "sliding_window", "sliding_window_size", "mm_posemb_size"), 64),
    **dict.fromkeys(("pos_emb_height", "pos_emb_width", "posemb_grid_size"), 8),
    "vocab_size": zoo.VOCABULARY,
    "max_position_embeddings": 1024,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ROPE: Values = {"rope_type": "default", "rope_theta": 10_000.0}
MROPE: Values = {**ROPE, "mrope_section": [1, 1, 2]}
INTERLEAVED: Values = {**MROPE, "mrope_interleaved": True}
LINEAR: Values = {"num_hidden_layers": 4, "layer_types": [*["linear_attention"] * 3, "full_attention"]}
FULL: Values = {"layer_types": ["full_attention"] * 2}
ALTERNATING: Values = {"layer_types": ["sliding_attention", "full_attention"]}
SPARSE: Values = {"mlp_layer_types": ["dense", "sparse"]}


def sized(values: Mapping[str, Any]) -> Values:
    """Replace the sizes in a configuration, where it has a number, at any depth."""
    small = {key: SIZES[key] if key in SIZES and isinstance(value, int) else value for key, value in values.items()}
    return {key: sized(value) if isinstance(value, dict) else value for key, value in small.items()}


def merged(values: Values, changes: Mapping[str, Any]) -> Values:
    """Replace values at any depth."""
    nested = {
        key: merged(values[key], change) if isinstance(change, dict) and isinstance(values.get(key), dict) else change
        for key, change in changes.items()
    }
    return {**values, **nested}


def config(model_type: str, text: Mapping[str, Any], vision: Mapping[str, Any], **changes: Any) -> Any:
    """Return a small configuration: the default one with small sizes and these changes."""
    kind: Any = CONFIG_MAPPING[model_type]
    values = kind().to_dict()
    for key in ("transformers_version", "architectures", "dtype"):
        values.pop(key, None)
    changes = {"text_config": {"head_dim": 8, **text}, "vision_config": vision, **changes}
    return kind.from_dict(merged(sized(values), changes))


def pictures(folder: str, name: str, **options: Any) -> Any:
    """Make an image processor: torchvision's where that is installed, else Pillow's."""
    if util.find_spec("torchvision"):
        return transformers_class(f"{folder}.image_processing_{folder}.{name}ImageProcessor")(**options)
    return zoo.picture_processor(folder, name, **options)


def processor(
    folder: str,
    name: str,
    images: Any,
    placeholder: str,
    tokens: Any = None,
    videos: Any = None,
    **options: Any,
) -> Any:
    """Make a processor, with its video part, of the options `videos`, only where torchvision is installed."""
    kind = transformers_class(f"{folder}.processing_{folder}.{name}Processor")
    if "video_processor" in kind.get_attributes():
        if util.find_spec("torchvision"):
            options["video_processor"] = video_processor(folder, images, **(videos or {}))
        else:
            kind = without_video(kind)
    tokens = tokenizer() if tokens is None else tokens
    return kind(image_processor=images, tokenizer=tokens, chat_template=zoo.TEMPLATE % placeholder, **options)


def video_processor(folder: str, images: Any, like: str = "", **options: Any) -> Any:
    """Make the video processor of the family `like`, or of the one whose image processor it has."""
    for family in (like or folder, type(images).__module__.split(".")[-2]):
        if util.find_spec(name := f"transformers.models.{family}.video_processing_{family}"):
            module = importlib.import_module(name)
            (kind,) = [kind for key, kind in vars(module).items() if key in module.__all__ and "Processor" in key]
            return kind(draw_on_frames=False) if family.startswith("ernie") else kind(**options)
    raise LookupError(f"no video processor for {folder}")


QWEN_TOKENS = {
    "image_token_id": ID["<|image_pad|>"], "video_token_id": ID["<|video_pad|>"],
    "vision_start_token_id": ID["<|vision_start|>"], "vision_end_token_id": ID["<|vision_end|>"],
}  # fmt: skip
QWEN_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
WINDOWS: Values = {"fullatt_block_indexes": [1], "window_size": 56}


PROCESSORS = {
    "qwen3_vl": "Qwen3VL", "exaone4_5": "Exaone4_5_", "hyperclovax_vision_v2": "HyperCLOVAXVisionV2",
    "lfm3_vl": "Lfm3Vl", "glm46v": "Glm46V", "glm4v": "Glm4v", "glm5_next": "Glm5Next",
}  # fmt: skip
"""Processors by folder."""


def qwen_like(
    model_type: str, patch: int, text: Mapping[str, Any], vision: Mapping[str, Any], folder: str = "qwen3_vl"
) -> Family:
    """Return a family with Qwen's tokens and pictures; `folder`: its processor's."""
    family = config(model_type, text, vision, **QWEN_TOKENS)
    side = 2 * patch
    images = pictures("qwen2_vl", "Qwen2VL", min_pixels=side**2, max_pixels=4 * side**2, patch_size=patch)
    return family, processor(folder, PROCESSORS[folder], images, QWEN_PICTURE)


def qwen3_vl_moe() -> Family:
    return qwen_like("qwen3_vl_moe", 16, {"rope_parameters": INTERLEAVED}, {"deepstack_visual_indexes": [0]})


def qwen3_5_moe() -> Family:
    return qwen_like(
        "qwen3_5_moe", 16, {**LINEAR, "rope_parameters": {**INTERLEAVED, "partial_rotary_factor": 1.0}}, {}
    )


def qwen4_exp() -> Family:
    indexer = {"indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 64}
    words = {"ple_embed_dim": 8, "ngram_vocab_size_base": 1000, "split_ngram_parts": 4, "hc_lowrank": 8}
    layers = {"num_hidden_layers": 4, "layer_types": [*["linear_attention"] * 3, "indexed_attention"]}
    rope = {"rope_parameters": {**INTERLEAVED, "partial_rotary_factor": 1.0}}
    return qwen_like("qwen4_exp", 16, {**indexer, **words, **layers, **rope, "indexer_compress_ratio": 4}, {})


def cosmos3_omni() -> Family:
    return qwen_like("cosmos3_omni", 16, {"rope_parameters": INTERLEAVED}, {"deepstack_visual_indexes": [0]})


def exaone4_5() -> Family:
    return qwen_like("exaone4_5", 14, {**ALTERNATING, "rope_parameters": ROPE}, WINDOWS, "exaone4_5")


def hyperclovax_vision_v2() -> Family:
    return qwen_like("hyperclovax_vision_v2", 14, {"rope_parameters": ROPE}, WINDOWS, "hyperclovax_vision_v2")


def lfm3_vl() -> Family:
    text = {"num_hidden_layers": 3, "layer_types": ["conv", "sliding_attention", "full_attention"], "conv_L_cache": 3}
    return qwen_like("lfm3_vl", 16, text, {"layer_types": ["conv", "full_attention"]}, "lfm3_vl")


def cosmos3_edge() -> Family:
    family = config("cosmos3_edge", {"rope_parameters": MROPE}, {"num_patches": 64}, **QWEN_TOKENS)
    images = pictures("cosmos3_edge", "Cosmos3Edge")
    return family, processor("cosmos3_edge", "Cosmos3Edge", images, QWEN_PICTURE)


def video_llama_3() -> Family:
    tokens = {"image_token_id": ID["<|image_pad|>"], "video_token_id": ID["<|video_pad|>"]}
    named = tokenizer(image_token="<|image_pad|>", video_token="<|video_pad|>")
    images = pictures("video_llama_3", "VideoLlama3", patch_size=16)
    return config("video_llama_3", FULL, {}, **tokens), processor(
        "video_llama_3", "VideoLlama3", images, "<|image_pad|>", named
    )


def cohere_compass() -> Family:
    tokens = {**QWEN_TOKENS, "image_token_id": ID["<|IMAGE_PAD|>"]}
    text = {**FULL, "rope_parameters": {"full_attention": INTERLEAVED}}
    family = config("cohere_compass", text, {"deepstack_visual_indexes": [0]}, **tokens)
    images = pictures("cohere_compass", "CohereCompass", min_pixels=32 * 32, max_pixels=64 * 64, patch_size=16)
    return family, processor("cohere_compass", "CohereCompass", images, "<|vision_start|><|IMAGE_PAD|><|vision_end|>")


GLM_TOKENS = {
    f"{name}_token_id": ID[token]
    for name, token in {
        "image": "<|image|>", "image_start": "<|begin_of_image|>", "image_end": "<|end_of_image|>",
        "video": "<|video|>", "video_start": "<|begin_of_video|>", "video_end": "<|end_of_video|>",
    }.items()
}  # fmt: skip
GLM_ROPE: Values = {"rope_parameters": {**MROPE, "partial_rotary_factor": 1.0}}


def glm_like(model_type: str, text: Mapping[str, Any], folder: str = "glm46v") -> Family:
    """Return a family with GLM's tokens and pictures; `folder`: its processor's."""
    family = config(model_type, text, {"image_size": 56, "patch_size": 14}, **GLM_TOKENS)
    images = pictures(folder, PROCESSORS[folder], size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 8})
    return family, processor(folder, PROCESSORS[folder], images, "<|begin_of_image|><|image|><|end_of_image|>")


def glm4v_moe() -> Family:
    return glm_like("glm4v_moe", GLM_ROPE, "glm4v")


def glm46v() -> Family:
    return glm_like("glm46v", GLM_ROPE)


def glm_ocr() -> Family:
    return glm_like("glm_ocr", GLM_ROPE)


def glm5_next() -> Family:
    layers = {"layer_types": ["linear_attention", "indexed_attention"], "indexer_types": ["full", "full"], **SPARSE}
    heads = {"num_key_value_heads": 4, "linear_num_heads": 4, "qk_rope_head_dim": 0, "qk_head_dim": 8, "head_dim": 0}
    return glm_like("glm5_next", {**layers, **heads, "index_kpool": 4}, "glm5_next")


def vipllava() -> Family:
    family = config("vipllava", TEXT, {**VISION, "projection_dim": 32}, image_token_index=ID["<image>"])
    options = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    family.vision_feature_layers = [-2, -1]
    return family, processor("llava", "Llava", pictures("clip", "CLIP", **SHORT), "<image>", **options)


def llava_next_video() -> Family:
    tokens = {"image_token_index": ID["<image>"], "video_token_index": ID["<video>"]}
    family = config(
        "llava_next_video", TEXT, {**VISION, "projection_dim": 32}, image_grid_pinpoints=PINPOINTS, **tokens
    )
    images = pictures("llava_next", "LlavaNext", **SHORT, image_grid_pinpoints=PINPOINTS)
    options = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    return family, processor("llava_next_video", "LlavaNextVideo", images, "<image>", **options)


def janus() -> Family:
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28, "patch_size": 14,
        "mlp_ratio": 1.5, "projection_dim": 32, "num_image_tokens": 4,
    }  # fmt: skip
    codes = {
        "embed_dim": 8, "num_embeddings": 8, "latent_channels": 8, "in_channels": 3, "base_channels": 32,
        "channel_multiplier": [1, 1], "projection_dim": 32, "num_patches": 14,
    }  # fmt: skip
    family = zoo.config(
        "Janus", vision_config=vision, text_config={**TEXT, "model_type": "llama"}, vq_config=codes,
        image_token_id=ID["<image_placeholder>"],
    )  # fmt: skip
    named = tokenizer(image_token="<image_placeholder>", boi_token="<img>", eoi_token="</img>")
    images = pictures("janus", "Janus", size=SQUARE, min_size=14)
    return family, processor("janus", "Janus", images, "<image_placeholder>", named, num_image_tokens=4)


def hunyuan_vl() -> Family:
    rope = {"rope_type": "xdrope", "alpha": 1000.0, "beta_fast": 32, "beta_slow": 1, "factor": 1.0, "mscale": 1.0}
    rope |= {"rope_theta": 10_000.0, "mscale_all_dim": 1.0, "xdrope_section": [1, 1, 1, 1]}
    tokens = {"im_start_id": ID["<img>"], "im_end_id": ID["</img>"], "im_newline_id": ID["<|IMG_LINE_BREAK|>"]}
    vision = {"num_key_value_heads": 4, "max_image_size": 64, "min_image_size": 32}
    family = config("hunyuan_vl", {"rope_parameters": rope}, vision, image_token_id=ID["<image>"], **tokens)
    images = pictures("hunyuan_vl", "HunYuanVL", size={"shortest_edge": 32 * 32, "longest_edge": 64 * 64})
    parts = {"image_start_token": "<img>", "image_end_token": "</img>", "image_newline_token": "<|IMG_LINE_BREAK|>"}
    named = tokenizer(image_token="<image>", **parts)
    return family, processor("hunyuan_vl", "HunYuanVL", images, "<img><image></img>", named)


NEWER = by_name(
    *(exaone4_5, cosmos3_edge, hunyuan_vl, janus, qwen3_vl_moe, qwen3_5_moe, qwen4_exp, cosmos3_omni),
    *(hyperclovax_vision_v2, lfm3_vl, video_llama_3, cohere_compass, glm4v_moe, glm46v),
    *(glm_ocr, glm5_next, vipllava, llava_next_video),
)
