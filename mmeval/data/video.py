"""Read frames of a video: a named sampler says which are shown, and the time at which each stands is kept.

Which file a question is about is for its task to say. MIC opens videos here, too, and has a sampling of its own.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mmeval.data import files
from mmeval.types import MAX_PIXELS, Image, InputError, Record, Score, nearest

if TYPE_CHECKING:
    import av
    from PIL import Image as PILImage

FRAMES = 8
SAMPLER = "inner"
"""Where nothing else is asked for: what MMICL was trained on."""
HELD = 2
"""Videos whose frames are in memory at once; of all others what is kept is times and digests."""
FORMATS = {".mp4": "mov", ".mov": "mov", ".m4v": "mov", ".avi": "avi", ".webm": "matroska", ".mkv": "matroska"}
"""By suffix, so that no file is read as a playlist, which may name other files and addresses."""

Sampler = Callable[[int, int], list[int]]
"""Of a video with so many frames, which are shown (places, from 0) where so many are wanted; each is another one."""
SAMPLERS: dict[str, Sampler] = {
    # the ends of the first `wanted` of `wanted` + 1 equal parts: MIC_tool's `clip_video.py`, the authors of MSVD-QA and
    # MSRVTT-QA (`util/preprocess.py`), VLMEvalKit for Video-MME
    "inner": lambda there, wanted: [there * number // (wanted + 1) for number in range(1, wanted + 1)],
    # the middles of equal parts, as MVBench does
    "uniform": lambda there, wanted: [there * (2 * number + 1) // (2 * wanted) for number in range(wanted)],
    # evenly from the first to the last, as a plain `linspace` does
    "ends": lambda there, wanted: [(there - 1) * number // max(wanted - 1, 1) for number in range(wanted)],
}


def check() -> None:
    """Raise InputError where videos cannot be read."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise InputError(
            "videos are read with PyAV, which is not installed; pip install 'mmeval-harness[video]'"
        ) from error


class DamagedVideo(InputError):
    """A file that is no video, or breaks while it is decoded: an error of the questions about it."""


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file and its first video stream, to be decoded inside the `with`.

    Raises DamagedVideo for what is not a video, or turns out to be broken while it is decoded; InputError without PyAV.
    """
    check()
    import av

    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise InputError(f"{name}: not a video of a known kind ({', '.join(FORMATS)}); replace it")
    try:
        with av.open(
            str(path), format=form, options={"protocol_whitelist": "file"}, metadata_errors="replace"
        ) as container:
            if not container.streams.video:
                raise DamagedVideo(f"{name}: no video in the file; replace it")
            if container.streams.video[0].codec_context is None:
                raise DamagedVideo(f"{name}: broken video (its codec is unknown); replace it")
            yield container, container.streams.video[0]
    except av.error.FFmpegError as error:
        raise DamagedVideo(f"{name}: broken video ({error.strerror}); replace it") from error


def picture(frame: av.VideoFrame) -> PILImage.Image:
    """Return the frame as it is to be looked at: RGB, and upright where the camera was held on its side."""
    upright: PILImage.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return upright.rotate(frame.rotation, expand=True) if frame.rotation else upright


def frames(
    folder: Path, names: Sequence[str], where: str, count: int, sampler: str
) -> tuple[tuple[Image, ...], dict[str, str]]:
    """Return the frames of the first file of those names that the folder has, and the tags that say how and when.

    `times` are in seconds from the video's first frame. Of a damaged file there is one picture, which is an error where
    it is decoded: the other questions are asked. Raises InputError for a file that is missing or has fewer frames than
    are asked for; for an unknown sampler; and where PyAV is not installed.
    """
    if sampler not in SAMPLERS:
        raise InputError(f"unknown sampler '{sampler}'{nearest(sampler, SAMPLERS)}; choose from: {', '.join(SAMPLERS)}")
    if count < 1:
        raise InputError(f"{count} frames cannot be shown; --frames must be 1 or more")
    name = files.first(folder, names, where)
    path = folder / name
    if not path.is_file():
        others = " (or in another of its places)" if len(names) > 1 else ""
        raise InputError(f"{where}: there is no video {folder / names[0]}{others}; put it there")
    stat = path.stat()
    times: tuple[float, ...]
    try:
        times, images = _taken(_Clip(path, name, (stat.st_mtime_ns, stat.st_size), count, sampler))
    except DamagedVideo as error:
        times, images = (), (_damaged(path, name, str(error)),)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    return images, {"frames": str(count), "sampler": sampler, "times": " ".join(f"{time:.2f}" for time in times)}


def _damaged(path: Path, name: str, reason: str) -> Image:
    """Return what stands for the frames of a damaged video: the file's digest, and an error where it is decoded."""

    def fail() -> bytes:
        raise InputError(reason)

    image = Image(fail, name)
    with path.open("rb") as file:
        vars(image)["digest"] = hashlib.file_digest(file, "sha256").hexdigest()
    return image


def shown(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Say what a reader must know of the frames: a number means little without how many there were."""
    kinds = dict.fromkeys((r.tags.get("frames", ""), r.tags.get("sampler", "")) for r in records)
    return [
        f"Of each video {count} frames are shown, chosen by the sampler {sampler}; records have the times."
        for count, sampler in kinds
        if sampler
    ]


@dataclass(frozen=True)
class _Clip:
    """What was asked of which file, as it was (when it was changed, and its size)."""

    path: Path
    name: str
    version: tuple[int, int]
    count: int
    sampler: str


@cache
def _taken(clip: _Clip) -> tuple[tuple[float, ...], tuple[Image, ...]]:
    """Return when the frames stand, and one `Image` a frame for all questions about the video: it is hashed once."""
    with _LOCK:
        times = tuple(time for time, _ in _decoded(clip))
    images = tuple(
        Image(partial(_encoded, clip, number), f"{clip.name}, {time:.2f} s") for number, time in enumerate(times)
    )
    return times, images


_LOCK = Lock()
"""Models decode pictures in threads; the frames of one video are decoded together, once."""


def _encoded(clip: _Clip, number: int) -> bytes:
    """Return the frame's pixels as they are, so that its digest depends on no compression."""
    with _LOCK:
        _, picture = _decoded(clip)[number]
    out = io.BytesIO()
    picture.save(out, "PPM")
    return out.getvalue()


@lru_cache(maxsize=HELD)
def _decoded(clip: _Clip) -> list[tuple[float, PILImage.Image]]:
    """Return time and pixels of each frame. The video is read twice: headers may not say its length, or lie."""
    with opened(clip.path, clip.name) as (container, stream):
        if stream.width * stream.height > MAX_PIXELS:
            size = f"{stream.width} x {stream.height} pixels, more than {MAX_PIXELS:,}"
            raise InputError(f"{clip.name}: {size}; scale it down")
        total = sum(1 for _ in container.decode(stream))
    if total < clip.count:
        raise InputError(
            f"the video {clip.name} has {total} frame(s) and {clip.count} are to be shown; "
            "ask for fewer with --frames, or replace it"
        )
    places = SAMPLERS[clip.sampler](total, clip.count)
    found: list[tuple[float, PILImage.Image]] = []
    with opened(clip.path, clip.name) as (container, stream):
        start = None
        for place, frame in enumerate(container.decode(stream)):
            if frame.time is None:
                raise DamagedVideo(f"the video {clip.name} does not say when its frames are shown; replace it")
            start = frame.time if start is None else start
            if place == places[len(found)]:
                found.append((frame.time - start, picture(frame)))
            if len(found) == len(places):
                break
    return found
