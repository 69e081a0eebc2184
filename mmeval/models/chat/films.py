"""Pass frames to a model as a video, each with its time: `--context video`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import util
from typing import Any

import numpy as np
from PIL import Image as PILImage

from mmeval.types import InputError

CLOCK = 1000
"""Ticks per second: our frames have times, but transformers expects a rate and integer indices."""

ALONE = ("glm4v", "glm4v_moe", "glm46v", "glm_ocr", "glmga", "molmo2")
"""Model types for which transformers confuses a video and a picture in one prompt: both use the same token."""


def check(processor: Any, source: str) -> None:
    """Raise InputError if the processor takes no videos or torchvision is not installed."""
    if not util.find_spec("torchvision"):
        raise InputError(
            "--context video needs torchvision, with which transformers reads videos; install the build that fits your "
            "torch, or remove --context video to show frames as pictures"
        )
    if getattr(processor, "video_processor", None) is None:
        raise InputError(f"{source}: its processor takes no videos; remove --context video")


def of_films(films: Sequence[Sequence[tuple[PILImage.Image, float]]]) -> dict[str, Any]:
    """Return a processor's arguments for videos; each video is a list of (frame, seconds).

    The frames were already chosen; the processor does not sample.
    """
    metadata = []
    for film in films:
        ticks = [round(CLOCK * seconds) for _, seconds in film]
        metadata.append({"fps": CLOCK, "frames_indices": ticks, "total_num_frames": ticks[-1] + 1})
    videos = [np.stack([np.asarray(frame) for frame, _ in film]) for film in films]
    options = {"video_metadata": metadata, "do_sample_frames": False, "return_metadata": True}  # Cosmos 3 reads it
    return {"videos": videos, "videos_kwargs": options}
