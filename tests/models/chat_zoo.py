"""Tiny random checkpoints of many vision-language families, with offline tokenizers and PIL processors."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from mmeval.models.chat.processor import without_video

torch.set_num_threads(1)

SPECIAL = [
    *("<pad>", "<s>", "</s>", "<unk>", "<image>", "<video>", "<|image_pad|>", "<|video_pad|>", "<|vision_start|>"),
    *("<|vision_end|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<fake_token_around_image>"),
    *("<end_of_utterance>", "<global-img>", "<start_of_image>", "<end_of_image>", "<image_soft_token>", "<|image|>"),
    *("<|begin_of_image|>", "<|end_of_image|>", "<|video|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_PATCH|>", "<|IMG_LINE_BREAK|>", "TILE", "TILE_GLOBAL"),
    *("<image_placeholder>", "<IMG_START>", "<IMG_ATOM>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>"),
    *("<|image>", "<image|>", "<|audio|>", "<|audio>", "<audio|>", "<|IMAGE_PAD|>", "<|patch|>", "]<]image[>["),
    *("<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<im_end>", "<im_low>", "<frame_start>"),
    *("<frame_end>", "<patch_start>", "<patch_end>", "<patch_newline>", "<|imgpad|>", "<|audio_comp_pad|>"),
    *(f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)),
]
ID = {token: index for index, token in enumerate(SPECIAL)}
VOCABULARY = len(SPECIAL) + 256

TEMPLATE = (
    "{%% for m in messages %%}<|im_start|>{{ m['role'] }}\n{%% for c in m['content'] %%}"
    "{%% if c['type'] == 'image' %%}%s{%% else %%}{{ c['text'] }}{%% endif %%}{%% endfor %%}<|im_end|>\n{%% endfor %%}"
    "{%% if add_generation_prompt %%}<|im_start|>assistant\n{%% endif %%}"
)
TEXT: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 1024,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}  # fmt: skip
VISION: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28,
    "patch_size": 14,
}  # fmt: skip
MROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
PATCHES = {"depth": 2, "hidden_size": 32, "num_heads": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
SQUARE = {"height": 28, "width": 28}
SHORT = {"size": {"shortest_edge": 28}, "crop_size": SQUARE}
PINPOINTS = [[28, 56], [56, 28], [56, 56]]
Family = tuple[Any, Any]


def tokenizer(**tokens: str) -> PreTrainedTokenizerFast:
    """Make a tokenizer of bytes; `tokens` are those that a processor knows by name."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate([*SPECIAL, *alphabet])}, merges=[]))
    bytes_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_tokenizer.decoder = decoders.ByteLevel()
    kind: Any = PreTrainedTokenizerFast
    fast: PreTrainedTokenizerFast = kind(
        tokenizer_object=bytes_tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        **({"extra_special_tokens": tokens} if tokens else {}),
    )  # fmt: skip
    fast.add_special_tokens({"additional_special_tokens": SPECIAL[4:]})
    return fast


def transformers_class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"transformers.models.{module}"), name)


def picture_processor(folder: str, name: str, **options: Any) -> Any:
    return transformers_class(f"{folder}.image_processing_pil_{folder}.{name}ImageProcessorPil")(**options)


def processor(folder: str, name: str, pictures: Any, tokens: Any, placeholder: str, **options: Any) -> Any:
    kind = without_video(transformers_class(f"{folder}.processing_{folder}.{name}Processor"))
    return kind(image_processor=pictures, tokenizer=tokens, chat_template=TEMPLATE % placeholder, **options)


def config(name: str, **options: Any) -> Any:
    return getattr(transformers, f"{name}Config")(**options)


def qwen(folder: str, name: str, patch: int, vision: dict[str, Any], rope: dict[str, Any], **text: Any) -> Family:
    tokens = {"image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>"}
    tokens |= {"vision_start_token_id": "<|vision_start|>", "vision_end_token_id": "<|vision_end|>"}
    family_config = config(
        name,
        text_config={**TEXT, "rope_parameters": {**MROPE, **rope}, **text},
        vision_config={**PATCHES, "patch_size": patch, **vision},
        **{key: ID[token] for key, token in tokens.items()},
    )
    side = 2 * patch
    pictures = picture_processor(
        "qwen2_vl", "Qwen2VL", min_pixels=side * side, max_pixels=4 * side * side, patch_size=patch
    )
    processor_names = {"qwen3_5": ("qwen3_vl", "Qwen3VL")}.get(folder, (folder, name))
    placeholder = "<|vision_start|><|image_pad|><|vision_end|>"
    return family_config, processor(*processor_names, pictures, tokenizer(), placeholder)


def qwen2_vl() -> Family:
    return qwen("qwen2_vl", "Qwen2VL", 14, {"embed_dim": 32, "mlp_ratio": 2}, {})


def qwen2_5_vl() -> Family:
    vision = {"out_hidden_size": 32, "intermediate_size": 48, "fullatt_block_indexes": [1], "window_size": 56}
    return qwen("qwen2_5_vl", "Qwen2_5_VL", 14, vision, {})


DEEP = {"out_hidden_size": 32, "intermediate_size": 48, "num_position_embeddings": 64}


def qwen3_vl() -> Family:
    return qwen("qwen3_vl", "Qwen3VL", 16, {**DEEP, "deepstack_visual_indexes": [0]}, {"mrope_interleaved": True})


def qwen3_5() -> Family:
    heads = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8}
    text = {"num_hidden_layers": 4, "linear_value_head_dim": 8, **heads}
    rope = {"mrope_interleaved": True, "partial_rotary_factor": 1.0}
    return qwen("qwen3_5", "Qwen3_5", 16, {**DEEP, "deepstack_visual_indexes": []}, rope, **text)


def llava() -> Family:
    family_config = config(
        "Llava", vision_config=config("CLIPVision", **VISION, projection_dim=32), text_config=config("Llama", **TEXT),
        image_token_id=ID["<image>"], vision_feature_layer=-2,
    )  # fmt: skip
    options = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    return family_config, processor(
        "llava", "Llava", picture_processor("clip", "CLIP", **SHORT), tokenizer(), "<image>", **options
    )


def llava_next() -> Family:
    family_config = config(
        "LlavaNext", vision_config=config("CLIPVision", **VISION, projection_dim=32),
        text_config=config("Llama", **TEXT), image_token_id=ID["<image>"], image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-2,
    )  # fmt: skip
    pictures = picture_processor("llava_next", "LlavaNext", **SHORT, image_grid_pinpoints=PINPOINTS)
    options = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    return family_config, processor("llava_next", "LlavaNext", pictures, tokenizer(), "<image>", **options)


def llava_onevision() -> Family:
    family_config = config(
        "LlavaOnevision", vision_config=config("SiglipVision", **VISION, vision_use_head=False),
        text_config=config("Qwen2", **TEXT), image_token_id=ID["<image>"], video_token_id=ID["<video>"],
        image_grid_pinpoints=PINPOINTS, vision_feature_layer=-1,
    )  # fmt: skip
    pictures = picture_processor("llava_onevision", "LlavaOnevision", size=SQUARE, image_grid_pinpoints=PINPOINTS)
    options = {"num_image_tokens": 4, "vision_feature_select_strategy": "full"}
    return family_config, processor("llava_onevision", "LlavaOnevision", pictures, tokenizer(), "<image>", **options)


def internvl() -> Family:
    family_config = config(
        "InternVL", vision_config={**VISION, "image_size": [28, 28], "patch_size": [14, 14]},
        text_config=config("Qwen2", **TEXT), image_token_id=ID["<IMG_CONTEXT>"], downsample_ratio=0.5,
    )  # fmt: skip
    pictures = picture_processor("got_ocr2", "GotOcr2", size=SQUARE, crop_to_patches=True, max_patches=3)
    tokens = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    named = tokenizer(**tokens, video_token="<video>")
    return family_config, processor("internvl", "InternVL", pictures, named, "<IMG_CONTEXT>\n", image_seq_length=1)


def idefics2() -> Family:
    perceiver = {"resampler_n_latents": 4, "resampler_depth": 1, "resampler_n_heads": 4, "resampler_head_dim": 8}
    family_config = config(
        "Idefics2", vision_config={**VISION, "image_size": 56}, text_config=config("Mistral", **TEXT),
        perceiver_config={**perceiver, "hidden_size": 32, "num_key_value_heads": 2}, image_token_id=ID["<image>"],
    )  # fmt: skip
    size = {"shortest_edge": 28, "longest_edge": 56}
    pictures = picture_processor("idefics2", "Idefics2", size=size, do_image_splitting=False)
    return family_config, processor("idefics2", "Idefics2", pictures, tokenizer(), "<image>", image_seq_len=4)


def idefics3() -> Family:
    family_config = config(
        "Idefics3", vision_config={**VISION, "image_size": 56}, text_config=config("Llama", **TEXT),
        image_token_id=ID["<image>"], scale_factor=2, pad_token_id=0,
    )  # fmt: skip
    sizes = {"size": {"longest_edge": 112}, "max_image_size": {"longest_edge": 56}}
    pictures = picture_processor("idefics3", "Idefics3", **sizes)
    return family_config, processor("idefics3", "Idefics3", pictures, tokenizer(), "<image>", image_seq_len=4)


def gemma3() -> Family:
    tokens = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    family_config = config(
        "Gemma3", vision_config={**VISION, "vision_use_head": False}, text_config={**TEXT, "sliding_window": 64},
        mm_tokens_per_image=4, image_token_index=ID["<image_soft_token>"], boi_token_index=ID["<start_of_image>"],
        eoi_token_index=ID["<end_of_image>"],
    )  # fmt: skip
    pictures = picture_processor("gemma3", "Gemma3", size=SQUARE)
    named = tokenizer(**tokens)
    return family_config, processor("gemma3", "Gemma3", pictures, named, "<start_of_image>", image_seq_length=4)


def paligemma() -> Family:
    vision = {**VISION, "projection_dim": 32, "vision_use_head": False, "model_type": "siglip_vision_model"}
    family_config = config(
        "PaliGemma", vision_config=vision, projection_dim=32, hidden_size=32, image_token_index=ID["<image>"],
        text_config={**TEXT, "model_type": "gemma", "vocab_size": VOCABULARY + 1200},
    )  # fmt: skip
    pictures = picture_processor("siglip", "Siglip", size=SQUARE)
    pictures.image_seq_length = 4
    return family_config, processor("paligemma", "PaliGemma", pictures, tokenizer(image_token="<image>"), "<image>")


def mllama() -> Family:
    vision = {key: value for key, value in VISION.items() if key != "num_attention_heads"}
    vision |= {"num_global_layers": 1, "attention_heads": 4, "max_num_tiles": 2, "vision_output_dim": 64}
    vision |= {"intermediate_layers_indices": [1], "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]]}
    text = {**TEXT, "num_hidden_layers": 4, "cross_attention_layers": [1, 3]}
    family_config = config("Mllama", vision_config=vision, text_config=text, image_token_index=ID["<|image|>"])
    pictures = picture_processor("mllama", "Mllama", size=SQUARE, max_image_tiles=2)
    return family_config, processor("mllama", "Mllama", pictures, tokenizer(), "<|image|>")


def glm4v() -> Family:
    tokens = {"image": "<|image|>", "video": "<|video|>", "image_start": "<|begin_of_image|>"}
    tokens |= {"image_end": "<|end_of_image|>", "video_start": "<|begin_of_video|>", "video_end": "<|end_of_video|>"}
    vision = {**PATCHES, "out_hidden_size": 32, "intermediate_size": 48, "image_size": 56, "patch_size": 14}
    family_config = config(
        "Glm4v", text_config={**TEXT, "rope_parameters": {**MROPE, "partial_rotary_factor": 1.0}},
        vision_config=vision, **{f"{name}_token_id": ID[token] for name, token in tokens.items()},
    )  # fmt: skip
    pictures = picture_processor("glm4v", "Glm4v", size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 8})
    placeholder = "<|begin_of_image|><|image|><|end_of_image|>"
    return family_config, processor("glm4v", "Glm4v", pictures, tokenizer(), placeholder)


def ovis2() -> Family:
    marks = [ID[f"<IMG_{name}>"] for name in ("START", "GRID", "COL", "ROW", "END")]
    vision = {**VISION, "vocab_size": VOCABULARY, "hidden_stride": 1, "num_visual_indicator_tokens": 5}
    family_config = config(
        "Ovis2", vision_config=vision, text_config={**TEXT, "model_type": "qwen2"}, image_token_id=ID["<IMG_ATOM>"],
        visual_indicator_token_ids=marks, vocab_size=VOCABULARY, hidden_size=32,
    )  # fmt: skip
    pictures = picture_processor("ovis2", "Ovis2", size=SQUARE, crop_to_patches=False)
    return family_config, processor("ovis2", "Ovis2", pictures, tokenizer(), "<image>", image_seq_length=4)


def aya_vision() -> Family:
    family_config = config(
        "AyaVision", vision_config={**VISION, "model_type": "siglip_vision_model"}, downsample_factor=2,
        text_config={**TEXT, "model_type": "cohere2", "sliding_window": 64}, image_token_index=ID["<|IMG_PATCH|>"],
        adapter_layer_norm_eps=1e-6, vision_feature_layer=-1,
    )  # fmt: skip
    pictures = picture_processor("got_ocr2", "GotOcr2", size=SQUARE, crop_to_patches=True, max_patches=3)
    options = {"patch_size": 14, "img_size": 28, "downsample_factor": 2}
    return family_config, processor("aya_vision", "AyaVision", pictures, tokenizer(), "<image>", **options)


def deepseek_vl() -> Family:
    vision = {**VISION, "model_type": "siglip_vision_model", "vision_use_head": False}
    text = {**TEXT, "model_type": "llama"}
    family_config = config(
        "DeepseekVL", vision_config=vision, text_config=text, image_token_id=ID["<image_placeholder>"]
    )
    pictures = picture_processor("deepseek_vl", "DeepseekVL", size=SQUARE, min_size=14)
    tokens = tokenizer(image_token="<image_placeholder>")
    return family_config, processor(
        "deepseek_vl", "DeepseekVL", pictures, tokens, "<image_placeholder>", num_image_tokens=4
    )  # fmt: skip


def by_name(*families: Callable[[], Family]) -> dict[str, Callable[[], Family]]:
    return {family.__name__: family for family in families}


FAMILIES = by_name(
    *(qwen2_vl, llava, internvl, idefics3, gemma3, mllama, qwen2_5_vl, qwen3_vl, qwen3_5, llava_next),
    *(llava_onevision, idefics2, paligemma, glm4v, ovis2, aya_vision, deepseek_vl),
)


def save(family: str, folder: Path) -> Path:
    """Write a checkpoint of a family by its name."""
    return save_family(FAMILIES[family], folder)


def save_family(make: Callable[[], Family], folder: Path) -> Path:
    """Write a checkpoint of random weights, large enough that pictures and words change what is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        family_config, family_processor = make()
        kind: Any = transformers.AutoModelForImageTextToText
        model = kind.from_config(family_config)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.abs().max() == 0 or "gate" in name or "mm_input_projection" in name:
                    weight.normal_(0, 0.5)  # what begins at zero would hide pictures
                elif weight.ndim > 1:
                    weight.mul_(3)
        model.save_pretrained(folder)
        family_processor.save_pretrained(folder)
    return folder
