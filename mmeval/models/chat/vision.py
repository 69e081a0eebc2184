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
    "llava",
    "llava_next",
    "gemma3",
    "paligemma",
    "aya_vision",
    "internvl",
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "qwen3_5",
    "glm4v",
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
            shown = [one for row in images for one in (row if isinstance(row, Sequence) else [row])]
            distinct = {id(picture): picture for picture in shown}
            if splits and len(distinct) < len(shown):
                made = super().__call__([[picture] for picture in distinct.values()], *args, **options)
                place = {key: number for number, key in enumerate(distinct)}
                splits = _repeat(made, [place[id(picture)] for picture in shown], len(distinct))
                if splits:
                    return made
            return super().__call__(images, *args, **options)

    Once.__name__ = kind.__name__  # save_pretrained writes this name
    return Once


def _repeat(made: Any, places: Sequence[int], count: int) -> bool:
    """Repeat an image processor's results for `count` pictures at these places, in order.

    Return False, without a change, if they cannot be split by picture.
    """
    pixels = made["pixel_values"]
    parts = of_each(pixels, made.get("image_grid_thw"), made.get("num_patches")) if isinstance(pixels, Tensor) else ()
    others = {name: value for name, value in made.items() if name != "pixel_values"}
    if len(parts) != count or any(len(value) != count for value in others.values()):
        return False
    for name, value in others.items():
        made[name] = value[list(places)] if isinstance(value, Tensor) else [value[place] for place in places]
    made["pixel_values"] = torch.cat([parts[place] for place in places])
    return True


def of_each(pixels: Tensor, grids: Tensor | None, tiles: Sequence[int] | None = None) -> Sequence[Tensor]:
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
        self._kept: Shelf[Tokens] = Shelf(room, lambda tokens: sum(layer.nbytes for layer in tokens))
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
        parts = of_each(pixels, inputs.get("image_grid_thw"))
        if len(parts) != len(digests):
            return inputs
        missing = {digest: place for place, digest in enumerate(digests) if digest not in self._kept}
        if missing:
            places = list(missing.values())
            taken = inspect.signature(self._encode).parameters.keys() & inputs.keys()
            given = {name: inputs[name][places] for name in taken if name != "pixel_values"}
            made = self._tokens(torch.cat([parts[place] for place in places]), given)
            for digest, *layers in zip(missing, *made, strict=True):
                self._kept.put(digest, [layer.clone() for layer in layers])  # a view would keep the whole batch
        output = self._output([self._kept[digest] for digest in digests])
        self._kept.shrink()
        return {**{name: value for name, value in inputs.items() if name != "pixel_values"}, **output}

    def _tokens(self, pixels: Tensor, given: dict[str, Any]) -> list[Sequence[Tensor]]:
        """Encode pictures; return their visual tokens, and those of each deeper layer, by picture."""
        made = self._encode(pixel_values=pixels, return_dict=True, **given)
        self._kind, self._stacks = type(made), isinstance(made.pooler_output, Tensor)
        layers = [made.pooler_output, *(getattr(made, "deepstack_features", None) or ())]
        self.encoded += len(layers[0])
        return layers

    def _output(self, pictures: Sequence[Tokens]) -> dict[str, Any]:
        """Return the model's argument with the visual tokens of all pictures."""
        first, *deeper = zip(*pictures, strict=True)
        more = {"deepstack_features": deeper} if deeper else {}
        tokens = torch.stack(first) if self._stacks else first
        return {"mm_encoder_outputs": {"image": self._kind(pooler_output=tokens, **more)}}
