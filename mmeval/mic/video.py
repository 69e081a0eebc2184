"""Take eight frames of a video, evenly over its length."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmeval.data import video
from mmeval.mmicl.pictures import Unusable
from mmeval.types import InputError

if TYPE_CHECKING:
    import av
    from PIL import Image

FRAMES = 8


def frames(path: Path, name: str, max_pixels: int) -> list[Image.Image]:
    """Return the frames at duration * i / 9 for i = 1 ... 8 (MMICL's sampling), or the last before the end.

    Raises Unusable for what is not a video or has larger frames than `max_pixels`, InputError without PyAV.
    """
    video.check()
    try:
        with video.opened(path, name) as (container, stream):
            if stream.width * stream.height > max_pixels:
                raise Unusable("picture too large", f"{name}: {stream.width} x {stream.height} pixels")
            return _spread(container, stream, name)
    except InputError as error:
        raise Unusable("picture broken", str(error)) from error


def _spread(container: av.container.InputContainer, stream: av.VideoStream, name: str) -> list[Image.Image]:
    duration = container.duration / 1_000_000 if container.duration else 0.0
    times = [duration * i / (FRAMES + 1) for i in range(1, FRAMES + 1)]
    taken: list[Image.Image] = []
    start, last = None, None
    for frame in container.decode(stream):
        time = frame.time or 0.0
        start = time if start is None else start
        while len(taken) < FRAMES and time - start >= times[len(taken)]:
            taken.append(video.picture(frame))
        last = frame
        if len(taken) == FRAMES:
            break
    if last is None or not duration:
        raise Unusable("picture broken", f"{name}: no frame in the video, or no duration")
    return taken + [video.picture(last)] * (FRAMES - len(taken))
