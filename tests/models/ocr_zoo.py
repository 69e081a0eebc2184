"""Tiny random checkpoints of families that read documents."""

from __future__ import annotations

from tests.models import chat_zoo as zoo
from tests.models.chat_zoo import ID, SQUARE, TEXT, VISION, Family, by_name, tokenizer
from tests.models.newer_zoo import FULL, LINEAR, MROPE, QWEN_PICTURE, QWEN_TOKENS, Values, config, pictures, processor

SAM: Values = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "window_size": 4, "global_attn_indexes": [1],
    "output_channels": 16, "mlp_dim": 48, "downsample_channels": [16, 32], "initializer_range": 0.02,
}  # fmt: skip
OCR_TEXT: Values = {
    **TEXT, "moe_intermediate_size": 16, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1,
    "num_key_value_heads": 4, "mlp_layer_types": ["dense", "sparse"],
}  # fmt: skip


def granite_docling() -> Family:
    vision = {"image_size": 56, "patch_size": 14, "scale_factor": 2, "deepstack_visual_indexes": [0]}
    family = config("granite_docling", {}, vision, image_token_id=ID["<image>"])
    images = pictures("granite_docling", "GraniteDocling", size={"height": 56, "width": 56}, max_patches=3)
    return family, processor("granite_docling", "GraniteDocling", images, "<image>", image_seq_len=4)


def deepseek_ocr2() -> Family:
    encoder = {**TEXT, "num_key_value_heads": 4}
    vision = {"sam_config": {**SAM, "image_size": 768, "patch_size": 16, "window_size": 12}, "encoder_config": encoder}
    family = zoo.config("DeepseekOcr2", text_config=OCR_TEXT, vision_config=vision, image_token_id=ID["<image>"])
    images = pictures("deepseek_ocr2", "DeepseekOcr2", size={"height": 768, "width": 768}, tile_size=768)
    return family, processor("deepseek_ocr2", "DeepseekOcr2", images, "<image>")


def unlimited_ocr() -> Family:
    encoder = {**VISION, "image_size": 64, "patch_size": 8}
    vision = {"sam_config": {**SAM, "image_size": 64, "patch_size": 8}, "encoder_config": encoder}
    text = {**OCR_TEXT, "sliding_window": 4}
    family = zoo.config("UnlimitedOcr", text_config=text, vision_config=vision, image_token_id=ID["<image>"])
    images = pictures("unlimited_ocr", "UnlimitedOcr", size={"height": 64, "width": 64}, tile_size=64)
    return family, processor("unlimited_ocr", "UnlimitedOcr", images, "<image>", patch_size=8)


def minicpm_ocr() -> Family:
    tokens = {"image_token_id": ID["<|image_pad|>"], "video_token_id": ID["<|video_pad|>"]}
    rope = {"rope_parameters": {**MROPE, "partial_rotary_factor": 1.0}}
    family = config(
        "minicpm_ocr",
        {**LINEAR, **rope},
        {"num_hidden_layers": 4, "patch_size": 14, "image_size": 448},
        insert_layer_id=0,
        **tokens,
    )
    named = tokenizer(
        image_token="<|image_pad|>", video_token="<|video_pad|>", image_start_token="<img>", image_end_token="</img>",
        slice_start_token="<IMG_START>", slice_end_token="<IMG_END>", image_id_start_token="<IMG_COL>",
        image_id_end_token="<IMG_ROW>",
    )  # fmt: skip
    images = pictures("minicpm_ocr", "MiniCPMOcr", scale_resolution=56)
    return family, processor("minicpm_ocr", "MiniCPMOcr", images, "<|image_pad|>", named)


def paddleocr_vl() -> Family:
    family = config("paddleocr_vl", {"rope_parameters": MROPE}, {"image_size": 56}, **QWEN_TOKENS)
    images = pictures("paddleocr_vl", "PaddleOCRVL", min_pixels=28 * 28, max_pixels=56 * 56)
    return family, processor(
        "paddleocr_vl", "PaddleOCRVL", images, QWEN_PICTURE, tokenizer(image_token="<|image_pad|>")
    )  # fmt: skip


def lighton_ocr() -> Family:
    family = config("lighton_ocr", FULL, {"image_size": 56}, image_token_id=ID["<image>"])
    images = pictures("pixtral", "Pixtral", size={"longest_edge": 56}, patch_size={"height": 28, "width": 28})
    named = tokenizer(image_token="<image>", image_break_token="<|IMG_LINE_BREAK|>", image_end_token="<|END_OF_IMG|>")
    return family, processor("lighton_ocr", "LightOnOcr", images, "<image>", named)


def qianfan_ocr() -> Family:
    vision = {"image_size": [28, 28], "patch_size": [14, 14]}
    family = config("qianfan_ocr", FULL, vision, image_token_id=ID["<IMG_CONTEXT>"], downsample_ratio=0.5)
    images = pictures("got_ocr2", "GotOcr2", size=SQUARE, crop_to_patches=True, max_patches=3)
    tokens = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    named = tokenizer(**tokens, image_token="<image>", video_token="<video>")
    return family, processor("qianfan_ocr", "QianfanOCR", images, "<image>\n", named, image_seq_length=1)


PLAIN = by_name(paddleocr_vl, lighton_ocr, qianfan_ocr, granite_docling, deepseek_ocr2)
TORCHVISION = by_name(unlimited_ocr, minicpm_ocr)
