"""Frames of a video: a named sampler says which are shown, and the time at which each stands is kept.

Files are opened as MMICL's training data opens them; which file a question is about is its task's to say.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mmeval.data import lines
from mmeval.mic import video
from mmeval.mic.rows import MicError
from mmeval.mmicl.pictures import Unusable
from mmeval.types import MAX_PIXELS, Image, InputError, Record, Score, nearest

if TYPE_CHECKING:
    from PIL import Image as PILImage

FRAMES = 8
SAMPLER = "inner"
"""Where nothing else is asked for: what MMICL was trained on."""
HELD = 2
"""Videos whose frames are in memory at once; of all others what is kept is times and digests."""

Sampler = Callable[[int, int], list[int]]
"""Of a video with so many frames, which are shown (places, from 0) where so many are wanted; each is another one."""


def inner(there: int, wanted: int) -> list[int]:
    """The ends of the first `wanted` of `wanted` + 1 equal parts.

    MIC_tool's `clip_video.py`, the authors of MSVD-QA and MSRVTT-QA (`util/preprocess.py`), VLMEvalKit for Video-MME.
    """
    return [there * number // (wanted + 1) for number in range(1, wanted + 1)]


def uniform(there: int, wanted: int) -> list[int]:
    """The middles of equal parts: MVBench's."""
    return [there * (2 * number + 1) // (2 * wanted) for number in range(wanted)]


def ends(there: int, wanted: int) -> list[int]:
    """Evenly from the first frame to the last, both shown: what a plain `linspace` gives."""
    return [(there - 1) * number // max(wanted - 1, 1) for number in range(wanted)]


SAMPLERS: dict[str, Sampler] = {"inner": inner, "uniform": uniform, "ends": ends}


def frames(
    folder: Path, names: Sequence[str], where: str, count: int, sampler: str
) -> tuple[tuple[Image, ...], dict[str, str]]:
    """The frames of the first file of those names that the folder has, in order; and the tags that say how and when.

    `times` are in seconds from the video's first frame. Raises InputError for a file that is missing, is no video, or
    has fewer frames than are asked for; for an unknown sampler; and where PyAV is not installed.
    """
    if sampler not in SAMPLERS:
        known = ", ".join(SAMPLERS)
        raise InputError(f"unknown sampler '{sampler}'{nearest(sampler, SAMPLERS)}; there are: {known}")
    if count < 1:
        raise InputError(f"{count} frames cannot be shown; --frames is 1 or more")
    there = [name for name in names if lines.inside(folder, name, where).is_file()]
    if not there:
        others = " (or in another of its places)" if len(names) > 1 else ""
        raise InputError(f"{where}: there is no video {folder / names[0]}{others}; put it there")
    path = folder / there[0]
    stat = path.stat()
    try:
        times, images = _taken(_Clip(path, there[0], stat.st_mtime_ns, stat.st_size, count, sampler))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    said = " ".join(f"{time:.2f}" for time in times)
    return images, {"frames": str(count), "sampler": sampler, "times": said}


def shown(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """What a reader must know of the frames: a number means little without how many there were."""
    kinds = dict.fromkeys((r.tags.get("frames", ""), r.tags.get("sampler", "")) for r in records)
    said = []
    for count, sampler in kinds:
        if sampler:
            said.append(
                f"Of each video {count} frames are shown, chosen by the sampler {sampler}; records have the times."
            )
    return said


@dataclass(frozen=True)
class _Clip:
    """What was asked of which file, as it was."""

    path: Path
    name: str
    changed: int
    size: int
    count: int
    sampler: str


@cache
def _taken(clip: _Clip) -> tuple[tuple[float, ...], tuple[Image, ...]]:
    """When the frames stand, and one `Image` a frame for all questions about the video: it is hashed once."""
    with _LOCK:
        times = tuple(time for time, _ in _decoded(clip))
    images = tuple(
        Image(partial(_encoded, clip, number), f"{clip.name}, {time:.2f} s") for number, time in enumerate(times)
    )
    return times, images


_LOCK = Lock()
"""Models decode pictures in threads; the frames of one video are decoded together, once."""


def _encoded(clip: _Clip, number: int) -> bytes:
    """The frame's pixels as they are, so that its digest depends on no compression."""
    with _LOCK:
        _, picture = _decoded(clip)[number]
    out = io.BytesIO()
    picture.save(out, "PPM")
    return out.getvalue()


@lru_cache(maxsize=HELD)
def _decoded(clip: _Clip) -> list[tuple[float, PILImage.Image]]:
    """Time and pixels of each frame. The video is read twice: headers do not say how many frames there are, or lie."""
    try:
        with video.opened(clip.path, clip.name, MAX_PIXELS) as (container, stream):
            total = sum(1 for _ in container.decode(stream))
        if total < clip.count:
            raise InputError(
                f"the video {clip.name} has {total} frame(s) and {clip.count} are to be shown; "
                "ask for fewer with --frames, or replace it"
            )
        places = SAMPLERS[clip.sampler](total, clip.count)
        found: list[tuple[float, PILImage.Image]] = []
        with video.opened(clip.path, clip.name, MAX_PIXELS) as (container, stream):
            start = None
            for place, frame in enumerate(container.decode(stream)):
                if frame.time is None:
                    raise InputError(f"the video {clip.name} does not say when its frames are shown; replace it")
                start = frame.time if start is None else start
                if place == places[len(found)]:
                    found.append((frame.time - start, video.picture(frame)))
                if len(found) == len(places):
                    break
    except Unusable as error:
        large = f", more than {MAX_PIXELS:,}; scale it down" if error.kind == "picture too large" else "; replace it"
        raise InputError(f"{error}{large}") from error
    except MicError as error:
        raise InputError(str(error)) from error
    return found
