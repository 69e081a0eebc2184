"""The families of the zoo that take videos, with their video processors; these need torchvision."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tests.models import chat_zoo as zoo

QWEN = "<|vision_start|><|video_pad|><|vision_end|>"
GLM = "<|begin_of_video|><|video|><|end_of_video|>"
QWEN2 = {"min_pixels": 784, "max_pixels": 3136}
QWEN3 = ("qwen3_vl.Qwen3VL", "qwen3_vl.Qwen3VL", QWEN, {"size": {"shortest_edge": 1024, "longest_edge": 16384}})
LLAVA = "llava_onevision.LlavaOnevision"
FAMILIES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "qwen2_vl": ("qwen2_vl.Qwen2VL", "qwen2_vl.Qwen2VL", QWEN, QWEN2),
    "qwen2_5_vl": ("qwen2_5_vl.Qwen2_5_VL", "qwen2_vl.Qwen2VL", QWEN, QWEN2),
    "qwen3_vl": QWEN3,
    "qwen3_5": QWEN3,
    "glm4v": ("glm4v.Glm4v", "glm4v.Glm4v", GLM, {"size": {"shortest_edge": 784, "longest_edge": 25088}}),
    "llava_onevision": (LLAVA, LLAVA, "<video>", {"size": zoo.SQUARE}),
    "internvl": ("internvl.InternVL", "internvl.InternVL", "<video>\n", {"size": zoo.SQUARE}),
}
"""By family: processor, video processor, a video's placeholder in the template, and the video processor's options."""
OWN: dict[str, dict[str, object]] = {
    "llava_onevision": {"num_image_tokens": 4, "vision_feature_select_strategy": "full"},
    "internvl": {"image_seq_length": 1},
}
TEMPLATE = zoo.TEMPLATE.replace("{%% else %%}", "{%% elif c['type'] == 'video' %%}@{%% else %%}")


def save(family: str, folder: Path) -> Path:
    """Write a checkpoint whose processor takes videos, too."""
    zoo.save(family, folder)
    kind, video, placeholder, options = FAMILIES[family]
    _, processor = zoo.FAMILIES[family]()
    image_text = str(processor.chat_template).partition("'image' %}")[2].partition("{%")[0]
    module, _, name = kind.partition(".")
    of_video, _, video_name = video.partition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        videos = zoo.transformers_class(f"{of_video}.video_processing_{of_video}.{video_name}VideoProcessor")(**options)
        full = zoo.transformers_class(f"{module}.processing_{module}.{name}Processor")(
            image_processor=processor.image_processor, tokenizer=processor.tokenizer, video_processor=videos,
            chat_template=(TEMPLATE % image_text).replace("@", placeholder), **OWN.get(family, {}),
        )  # fmt: skip
        full.save_pretrained(folder)
    return folder
