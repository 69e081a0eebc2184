"""Tiny random checkpoints of the latest families: three that need torchvision, and two that also need timm."""

from __future__ import annotations

from tests.models import chat_zoo as zoo
from tests.models.chat_zoo import ID, PINPOINTS, SHORT, SQUARE, TEXT, VISION, VOCABULARY, Family, by_name, tokenizer
from tests.models.newer_zoo import FULL, GLM_ROPE, GLM_TOKENS, SPARSE, Values, config, pictures, processor

HYBRID: Values = {"layer_types": ["hybrid_sliding", "hybrid"]}


def aria() -> Family:
    text = {"moe_topk": 2, "moe_num_experts": 4}
    vision = {"image_size": 980, "patch_size": 140}  # the processor's own size wins over the image processor's
    family = config("aria", text, vision, image_token_index=ID["<image>"], projector_patch_to_query_dict={"49": 4})
    named = tokenizer(image_token="<image>")
    return family, processor("aria", "Aria", pictures("aria", "Aria"), "<image>", named, size_conversion={980: 4})


def granite4_vision() -> Family:
    changes = {
        "downsample_rate": "1/2", "deepstack_layer_map": [[-1, 0]], "spatial_target_layers": [1, 1, 1, 1],
        "image_grid_pinpoints": PINPOINTS, "image_token_index": ID["<image>"], "vision_feature_select_strategy": "full",
    }  # fmt: skip
    vision = {"model_type": "siglip_vision_model", **VISION, "hidden_size": 64}
    family = config("granite4_vision", {}, vision, **changes)
    images = pictures("llava_next", "LlavaNext", size=SQUARE, crop_size=SQUARE, image_grid_pinpoints=PINPOINTS)
    options = {"patch_size": 14, "vision_feature_select_strategy": "full", "downsample_rate": "1/2"}
    return family, processor("granite4_vision", "Granite4Vision", images, "<image>", **options)


def deepseek_vl_hybrid() -> Family:
    vision = {**VISION, "image_size": 56, "vision_use_head": False}
    high = {
        "image_size": 64, "patch_size": 8, "window_size": 4, "global_attn_indexes": [1], "output_channels": 16,
        "num_pos_feats": 8, "mlp_dim": 48,
    }  # fmt: skip
    family = config(
        "deepseek_vl_hybrid", {}, vision, high_res_vision_config=high, image_token_id=ID["<image_placeholder>"]
    )
    images = pictures(
        "deepseek_vl_hybrid",
        "DeepseekVLHybrid",
        size={"height": 56, "width": 56},
        high_res_size={"height": 64, "width": 64},
    )
    named = tokenizer(image_token="<image_placeholder>")
    return family, processor(
        "deepseek_vl_hybrid", "DeepseekVLHybrid", images, "<image_placeholder>", named, num_image_tokens=16
    )


def glmga() -> Family:
    family = config("glmga", GLM_ROPE, {"image_size": 56, "patch_size": 14}, **GLM_TOKENS)
    images = pictures("glmga", "Glmga", size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 8})
    return family, processor("glm46v", "Glm46V", images, "<|begin_of_image|><|image|><|end_of_image|>")


def video_llava() -> Family:
    tokens = {"image_token_index": ID["<image>"], "video_token_index": ID["<video>"]}
    family = config("video_llava", TEXT, {**VISION, "projection_dim": 32}, **tokens)
    images = zoo.transformers_class("video_llava.image_processing_video_llava.VideoLlavaImageProcessor")(**SHORT)
    return family, processor("video_llava", "VideoLlava", images, "<image>", videos=SHORT, patch_size=14)


def emu3() -> Family:
    codes = {
        "codebook_size": 8, "embed_dim": 4, "latent_channels": 4, "base_channels": 32, "num_res_blocks": 1,
        "channel_multiplier": [1, 1, 1, 1], "hidden_size": 32, "attn_resolutions": [],
    }  # fmt: skip
    visual = {f"<|visual token {number:06}|>": ID["<img>"] + number for number in range(8)}
    words = {**visual, "<image>": ID["<image>"], "<|extra_200|>": ID["<|IMG_LINE_BREAK|>"]}
    family = zoo.config("Emu3", text_config=TEXT, vq_config=codes, vocabulary_map=words)
    images = zoo.transformers_class("emu3.image_processing_emu3.Emu3ImageProcessor")(
        min_pixels=32 * 32, max_pixels=48 * 48
    )
    named = tokenizer(
        image_token="<image>", boi_token="<|image>", eoi_token="<image|>", image_wrapper_token="<|image|>",
        eof_token="<|end_of_image|>",
    )  # fmt: skip
    return family, processor("emu3", "Emu3", images, "<image>", named)


def inkling2() -> Family:
    family = config("inkling2", {**HYBRID, "unpadded_vocab_size": VOCABULARY}, {}, image_token_id=ID["<|image_pad|>"])
    images = pictures("inkling2", "Inkling2")
    return family, processor(
        "inkling2", "Inkling2", images, "<|vision_start|><|image_pad|>", image_token="<|image_pad|>"
    )


def molmo2() -> Family:
    tokens = {
        "image_start_token_id": ID["<im_start>"], "low_res_image_start_token_id": ID["<low_res_im_start>"],
        "image_end_token_id": ID["<im_end>"], "image_patch_id": ID["<im_patch>"],
        "frame_start_token_id": ID["<frame_start>"], "frame_end_token_id": ID["<frame_end>"],
    }  # fmt: skip
    adapter = {"vision_feature_layer": [-1, -2]}
    vision = {"image_size": [56, 56], "num_position_embeddings": 16, "num_key_value_heads": 4}
    text = {"rope_scaling_layers": [0, 1], "additional_vocab_size": 8}
    family = config("molmo2", text, vision, adapter_config=adapter, **tokens)
    size = {"height": 56, "width": 56}
    images = pictures("molmo2", "Molmo2", size=size, overlap_margins=[1, 1], max_crops=3)
    named = tokenizer(image_token="<|image|>", video_token="<|video|>")
    return family, processor("molmo2", "Molmo2", images, "<|image|>", named, {"size": size})


def step3p7() -> Family:
    text = {**FULL, **SPARSE, "sliding_window": 64}
    family = config("step3p7", text, {"image_size": 112}, image_token_id=ID["<im_patch>"])
    images = pictures("step3p7", "Step3p7", size={"height": 112, "width": 112}, patch_size=56)
    return family, processor("step3p7", "Step3p7", images, "<im_patch>")


def perception_lm() -> Family:
    shape = {"embed_dim": 32, "depth": 2, "num_heads": 4, "img_size": [56, 56], "ref_feat_shape": [4, 4]}
    vision = {
        "architecture": "vit_pe_core_large_patch14_336", "hidden_size": 32, "do_pooling": False,
        "model_args": {**shape, "global_pool": "", "init_values": 0.1, "use_post_transformer_norm": False},
    }  # fmt: skip
    tokens = {"image_token_id": ID["<image>"], "video_token_id": ID["<video>"]}
    family = zoo.config(
        "PerceptionLM", text_config={**TEXT, "model_type": "llama"},
        vision_config={**vision, "model_type": "timm_wrapper", "embed_dim": 32},
        **tokens, projector_pooling_ratio=2,
    )  # fmt: skip
    images = pictures("perception_lm", "PerceptionLM", tile_size=56, max_num_tiles=4)
    named = tokenizer(image_token="<image>", video_token="<video>")
    options: Values = {"patch_size": 14, "pooling_ratio": 2, "videos": {"size": {"height": 56, "width": 56}}}
    return family, processor("perception_lm", "PerceptionLM", images, "<image>", named, **options)


def fast_vlm() -> Family:
    vision = {"architecture": "test_resnet", "hidden_size": 96, "do_pooling": True, "model_type": "timm_wrapper"}
    family = zoo.config(
        "FastVlm", text_config={**TEXT, "model_type": "qwen2"}, vision_config=vision, image_token_index=ID["<image>"]
    )
    images = pictures("clip", "CLIP", size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64})
    options = {"patch_size": 32, "vision_feature_select_strategy": "full"}
    return family, processor("llava", "Llava", images, "<image>", **options)


PLAIN = by_name(aria, granite4_vision, deepseek_vl_hybrid, glmga, video_llava, emu3)
TORCHVISION = by_name(inkling2, molmo2, step3p7)
TIMM = by_name(perception_lm, fast_vlm)
