"""Encode a picture once for all prompts that show it, in the families whose models take visual tokens made before."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from mmeval.engine.shelf import Shelf

ROOM = 512 << 20
"""Maximum bytes of visual tokens kept."""
FAMILIES = {
    *("llava", "llava_next", "gemma3", "paligemma", "aya_vision", "internvl"),
    *("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "glm4v"),
}
"""Model types whose encoders see each picture alone and return one item per picture.

Others pad pictures to a common size, or cut them differently if a prompt has several; their pictures are not shared.
"""
Tokens = list[Tensor]
"""A picture's visual tokens [T, D], and those for deeper layers, if any."""


class Vision:
    """Makes the visual tokens of pictures, and keeps those of the latest."""

    def __init__(self, model: Any) -> None:
        self._encode: Any = getattr(model.base_model, "get_image_features", None)
        accepts = inspect.signature(model.forward).parameters
        self.shares = model.config.model_type in FAMILIES and "mm_encoder_outputs" in accepts
        """Whether pictures are encoded once."""
        self._kept: Shelf[Tokens] = Shelf(ROOM, lambda tokens: sum(layer.nbytes for layer in tokens))
        self._kind: type[Any] = BaseModelOutputWithPooling
        self._stacks = False
        """Whether the model wants the tokens of all pictures in one tensor."""
        self.encoded = 0
        """Pictures encoded so far."""

    def share(self, inputs: dict[str, Any], digests: Sequence[str]) -> dict[str, Any]:
        """Return a batch's inputs with the visual tokens of its pictures, given in order, in place of their pixels.

        The inputs are returned as they are if the family does not share, for videos, and for pictures in several tiles.
        """
        pixels, grids = inputs.get("pixel_values"), inputs.get("image_grid_thw")
        if not self.shares or not isinstance(pixels, Tensor) or "pixel_values_videos" in inputs:
            return inputs
        sizes = 1 if grids is None else grids.prod(-1).tolist()  # rows, or in Qwen's and GLM's models patches
        parts: tuple[Tensor, ...] = pixels.split(sizes)  # type: ignore[no-untyped-call]
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
