"""Opens videos, whoever made them; and takes eight frames of one, evenly over its length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmeval.mic.rows import MicError
from mmeval.mmicl.pictures import Unusable

if TYPE_CHECKING:
    import av
    from PIL import Image

FRAMES = 8
FORMATS = {".mp4": "mov", ".mov": "mov", ".m4v": "mov", ".avi": "avi", ".webm": "matroska", ".mkv": "matroska"}
"""By suffix, so that no file is read as a playlist, which may name other files and addresses."""


def check() -> None:
    """Raises MicError where videos cannot be read here."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise MicError(
            "videos are read with PyAV, which is not installed; pip install 'mmeval-harness[video]'"
        ) from error


@contextmanager
def opened(path: Path, name: str, max_pixels: int) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The file and its first video stream, to be decoded inside the `with`.

    Raises Unusable for what is no video, or turns out to be broken while it is decoded, or has larger frames than
    `max_pixels`; MicError where PyAV is missing.
    """
    check()
    import av

    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise Unusable("picture broken", f"{name}: not a video of a known kind ({', '.join(FORMATS)})")
    try:
        with av.open(str(path), format=form, options={"protocol_whitelist": "file"}) as container:
            if not container.streams.video:
                raise Unusable("picture broken", f"{name}: no video in the file")
            stream = container.streams.video[0]
            if stream.width * stream.height > max_pixels:
                raise Unusable("picture too large", f"{name}: {stream.width} x {stream.height} pixels")
            yield container, stream
    except av.error.FFmpegError as error:
        raise Unusable("picture broken", f"{name}: broken video ({error.strerror})") from error


def frames(path: Path, name: str, max_pixels: int) -> list[Image.Image]:
    """The frames at duration * i / 9 for i = 1 ... 8 (MMICL's sampling), or the last before the end.

    Raises Unusable for what is no video, MicError where PyAV is missing.
    """
    with opened(path, name, max_pixels) as (container, stream):
        return _spread(container, stream, name)


def picture(frame: av.VideoFrame) -> Image.Image:
    """The frame as it is to be looked at: RGB, and upright where the camera was held on its side."""
    upright: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return upright.rotate(frame.rotation, expand=True) if frame.rotation else upright


def _spread(container: av.container.InputContainer, stream: av.VideoStream, name: str) -> list[Image.Image]:
    duration = container.duration / 1_000_000 if container.duration else 0.0
    times = [duration * i / (FRAMES + 1) for i in range(1, FRAMES + 1)]
    taken: list[Image.Image] = []
    start, last = None, None
    for frame in container.decode(stream):
        time = frame.time or 0.0
        start = time if start is None else start
        while len(taken) < FRAMES and time - start >= times[len(taken)]:
            taken.append(picture(frame))
        last = frame
        if len(taken) == FRAMES:
            break
    if last is None or not duration:
        raise Unusable("picture broken", f"{name}: no frame in the video, or no duration")
    return taken + [picture(last)] * (FRAMES - len(taken))
