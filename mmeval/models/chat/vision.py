"""Prepare and encode a picture once for all prompts that show it, in the families that see each picture alone."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from mmeval.engine.shelf import Shelf

ROOM, MORE_ROOM = 512 << 20, 2 << 30
"""Maximum bytes of visual tokens kept, usually, and if later runs will show the same pictures."""
FAMILIES = {
    *("llava", "llava_next", "llava_next_video", "vipllava", "paligemma", "gemma3", "gemma4", "aya_vision"),
    *("internvl", "mistral3", "mistral_large4", "lighton_ocr", "lfm2_vl", "lfm3_vl", "kimi_k25", "minimax_m3_vl"),
    *("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "qwen4_exp"),
    *("qwen2_5_omni_thinker", "qwen3_omni_moe_thinker", "glm4v", "glm4v_moe", "glm46v", "glm5_next", "glmga"),
    *("glm_ocr", "hunyuan_vl", "aria", "deepseek_vl_hybrid", "dots3_note", "fast_vlm", "gemma3n", "gemma4_unified"),
    *("cohere_compass", "cosmos3_edge", "cosmos3_omni", "exaone4_5", "ernie4_5_vl_moe", "hyperclovax_vision_v2"),
    *("inkling2", "janus", "muse_glimmer", "muse_spark", "paddleocr_vl", "video_llama_3"),
}
"""Model types whose encoders see each picture alone and return one item per picture.

Others pad pictures to a common size, or cut them differently if a prompt has several; their pictures are not shared.
"""
Tokens = list[Tensor]
"""A picture's visual tokens [T, D], and those for deeper layers, if any."""


def prepared_once(processor: Any) -> None:
    """Let a chat model's processor resize and normalize each picture of a batch once, however many prompts show it."""
    pictures = processor.image_processor
    pictures.__class__ = _once(type(pictures))


def _once(kind: Any) -> Any:
    splits = True

    class Once(kind):  # type: ignore[misc]
        def __call__(self, images: Sequence[Any], *args: Any, **options: Any) -> Any:
            nonlocal splits
            pictures = [picture for row in images for picture in (row if isinstance(row, Sequence) else [row])]
            distinct = {id(picture): picture for picture in pictures}
            if splits and len(distinct) < len(pictures):
                processed = super().__call__([[picture] for picture in distinct.values()], *args, **options)
                indices = {key: number for number, key in enumerate(distinct)}
                splits = _repeat(processed, [indices[id(picture)] for picture in pictures], len(distinct))
                if splits:
                    return processed
            return super().__call__(images, *args, **options)

    Once.__name__ = kind.__name__  # save_pretrained writes this name
    return Once


def _repeat(processed: Any, indices: Sequence[int], count: int) -> bool:
    """Repeat an image processor's results for `count` pictures at these places, in order.

    Return False, without a change, if they cannot be split by picture.
    """
    pixels = processed["pixel_values"]
    parts: Sequence[Tensor] = ()
    if isinstance(pixels, Tensor):
        parts = split_by_picture(pixels, processed.get("image_grid_thw"), processed.get("num_patches"))
    others = {name: value for name, value in processed.items() if name != "pixel_values"}
    if len(parts) != count or any(len(value) != count for value in others.values()):
        return False
    for name, value in others.items():
        processed[name] = value[list(indices)] if isinstance(value, Tensor) else [value[index] for index in indices]
    processed["pixel_values"] = torch.cat([parts[index] for index in indices])
    return True


def split_by_picture(pixels: Tensor, grids: Tensor | None, tiles: Sequence[int] | None = None) -> Sequence[Tensor]:
    """Split the pixel values of a batch by picture: by grid in Qwen's and GLM's models, else by tiles, else by row."""
    sizes: Any = 1 if tiles is None else [int(count) for count in tiles]
    parts: Sequence[Tensor] = pixels.split(sizes if grids is None else grids.prod(-1).tolist())  # type: ignore[no-untyped-call]
    return parts


class Vision:
    """Makes the visual tokens of pictures, and keeps those of the latest."""

    def __init__(self, model: Any, room: int = ROOM) -> None:
        """`room`: the most bytes of visual tokens kept."""
        self._encode: Any = getattr(model.base_model, "get_image_features", None)
        accepts = inspect.signature(model.forward).parameters
        self.shares = model.config.model_type in FAMILIES and "mm_encoder_outputs" in accepts
        """Whether pictures are encoded once."""
        self._shelf: Shelf[Tokens] = Shelf(room, lambda tokens: sum(layer.nbytes for layer in tokens))
        self._kind: type[Any] = BaseModelOutputWithPooling
        self._stacks = False
        """Whether the model wants the tokens of all pictures in one tensor."""
        self.encoded = 0
        """Pictures encoded so far."""

    def share(self, inputs: dict[str, Any], digests: Sequence[str]) -> dict[str, Any]:
        """Return a batch's inputs with the visual tokens of its pictures, given in order, in place of their pixels.

        The inputs are returned as they are if the family does not share, for videos, and for pictures in several tiles.
        """
        pixels = inputs.get("pixel_values")
        if not self.shares or not isinstance(pixels, Tensor) or "pixel_values_videos" in inputs:
            return inputs
        parts = split_by_picture(pixels, inputs.get("image_grid_thw"))
        if len(parts) != len(digests):
            return inputs
        missing = {digest: index for index, digest in enumerate(digests) if digest not in self._shelf}
        if missing:
            indices = list(missing.values())
            names = inspect.signature(self._encode).parameters.keys() & inputs.keys()
            arguments = {name: inputs[name][indices] for name in names if name != "pixel_values"}
            encoded = self._tokens(torch.cat([parts[index] for index in indices]), arguments)
            for digest, *layers in zip(missing, *encoded, strict=True):
                self._shelf.put(digest, [layer.clone() for layer in layers])  # a view would keep the whole batch
        output = self._output([self._shelf[digest] for digest in digests])
        self._shelf.shrink()
        return {**{name: value for name, value in inputs.items() if name != "pixel_values"}, **output}

    def _tokens(self, pixels: Tensor, arguments: dict[str, Any]) -> list[Sequence[Tensor]]:
        """Encode pictures; return their visual tokens, and those of each deeper layer, by picture."""
        output = self._encode(pixel_values=pixels, return_dict=True, **arguments)
        self._stacks = isinstance(output.pooler_output, Tensor)
        layers = [output.pooler_output, *(getattr(output, "deepstack_features", None) or ())]
        if len(layers) > 1:  # timm's, without deeper layers, could not be made from these tokens alone
            self._kind = type(output)
        self.encoded += len(layers[0])
        return layers

    def _output(self, pictures: Sequence[Tokens]) -> dict[str, Any]:
        """Return the model's argument with the visual tokens of all pictures."""
        first, *deeper = zip(*pictures, strict=True)
        more = {"deepstack_features": deeper} if deeper else {}
        tokens = torch.stack(first) if self._stacks else first
        return {"mm_encoder_outputs": {"image": self._kind(pooler_output=tokens, **more)}}
