"""Frames of a video as a model's own video, each with its time: `--context video`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import util
from typing import Any

import numpy as np
from PIL import Image as PILImage

from mmeval.types import InputError

CLOCK = 1000
"""Ticks of a second: frames come with their times, and transformers wants a rate and whole places."""

ALONE = ("glm4v", "glm4v_moe", "glm46v")
"""Model types in which transformers mixes up a video and a picture of one prompt: both stand on the same token."""


def check(processor: Any, source: str) -> None:
    """Raise InputError where a checkpoint's processor takes no videos, or cannot here."""
    if not util.find_spec("torchvision"):
        raise InputError(
            "--context video needs torchvision, which transformers reads videos with; install the build that fits your "
            "torch, or leave out --context video: frames are then shown as pictures"
        )
    if getattr(processor, "video_processor", None) is None:
        raise InputError(f"{source}: its processor takes no videos; leave out --context video")


def of_films(films: Sequence[Sequence[tuple[PILImage.Image, float]]]) -> dict[str, Any]:
    """Return a processor's arguments for videos, each of frames with their times in seconds.

    Frames were chosen already: the processor samples none.
    """
    metadata = []
    for film in films:
        places = [round(CLOCK * seconds) for _, seconds in film]
        metadata.append({"fps": CLOCK, "frames_indices": places, "total_num_frames": places[-1] + 1})
    videos = [np.stack([np.asarray(frame) for frame, _ in film]) for film in films]
    return {"videos": videos, "videos_kwargs": {"video_metadata": metadata, "do_sample_frames": False}}
