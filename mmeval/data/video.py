"""Show frames of videos as pictures: a named sampler selects them, and the time of each is kept.

A video is identified by its file, and opened only when one of its frames is decoded. The task names a question's file;
`container` decodes it, or `stills` if it is a folder of frames.
"""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mmeval import regular
from mmeval.data import container, files, stills
from mmeval.data.container import Moment
from mmeval.data.samplers import ALL, SAMPLERS, SampledVideo, Span
from mmeval.types import Image, InputError, Record, Score, nearest, part_of

if TYPE_CHECKING:
    from PIL import Image as PILImage

FRAMES = 8
SAMPLER = "inner"
"""The default: MMICL was trained with it."""
HELD = 256 << 20
"""Maximum bytes of decoded frames kept. Videos are kept whole, and at least one."""
WHOLE, BLOCK, BLOCKS = 16 << 20, 1 << 18, 16
"""A file up to WHOLE bytes is hashed whole; of a larger file, BLOCKS blocks of BLOCK bytes are hashed."""


class FrameImage(Image):
    """A frame of a video. Its digest is known before it is decoded; the frames of one video are decoded together."""

    def __init__(self, clip: SampledVideo, number: int) -> None:
        super().__init__(self._ppm, f"{clip.name}, frame {number + 1} of {clip.count}")
        vars(self).update(_place=(clip, number), traits=())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's digest, the part, the sampler, the number of frames, and the place of this one."""
        clip, number = self._place
        file = (
            file_digest(clip.path, clip.version)
            if clip.rate is None
            else stills.digest(clip.path, clip.name, clip.version)
        )
        facts: tuple[object, ...] = (file, clip.sampler, clip.count, number)
        facts += () if clip.span == ALL else (clip.span.start, clip.span.end)
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def decode(self) -> PILImage.Image:
        """Return the frame in RGB, upright. Raises InputError if the video is damaged or has too few frames."""
        clip, number = self._place
        return _DECODED.moments(clip)[number].picture

    @property
    def seconds(self) -> float | None:
        """Its time, in seconds from the start of what is shown; None if the video cannot be decoded."""
        clip, number = self._place
        times = _DECODED.times(clip)
        return times[number] if times else None

    @property
    def video(self) -> SampledVideo:
        """The file, and how its frames are sampled."""
        return self._place[0]

    @property
    def _place(self) -> tuple[SampledVideo, int]:
        place: tuple[SampledVideo, int] = vars(self)["_place"]
        return place

    def _ppm(self) -> bytes:
        buffer = io.BytesIO()
        self.decode().save(buffer, "PPM")
        return buffer.getvalue()


class _Decoded:
    """The frames of recently used videos. Models decode pictures in threads; only one of them decodes a video."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._videos: OrderedDict[SampledVideo, Future[list[Moment]]] = OrderedDict()
        self._times: dict[SampledVideo, tuple[float, ...]] = {}

    def moments(self, clip: SampledVideo) -> list[Moment]:
        """Return the sampled frames of a video. Raises as `SampledVideo.moments` does."""
        with self._lock:
            known = self._videos.get(clip)
            future = self._videos[clip] = known or Future()
            self._videos.move_to_end(clip)
        if known is None:
            try:
                future.set_result(clip.moments())
                self._times[clip] = tuple(moment.time for moment in future.result())
            except BaseException as error:
                future.set_exception(error)
                if not isinstance(error, InputError):
                    self._videos.pop(clip, None)
            self._forget()
        return future.result()

    def times(self, clip: SampledVideo) -> tuple[float, ...]:
        """Return the times of these frames; nothing if the video cannot be decoded."""
        if clip not in self._times:
            try:
                self._times[clip] = clip.times()
            except InputError:  # the reason is reported when a frame is decoded
                self._times[clip] = ()
        return self._times[clip]

    def _forget(self) -> None:
        """Drop the least recently used videos until the rest fit in HELD."""
        with self._lock:
            finished = [clip for clip, future in self._videos.items() if future.done()]
            total = sum(map(self._size, finished))
            for clip in finished[:-1]:
                if total <= HELD:
                    return
                total -= self._size(clip)
                del self._videos[clip]

    def _size(self, clip: SampledVideo) -> int:
        future = self._videos[clip]
        pictures = [] if future.exception() else [moment.picture for moment in future.result()]
        return sum(3 * picture.width * picture.height for picture in pictures)


_DECODED = _Decoded()


def frames(
    folder: Path,
    names: Sequence[str],
    where: str,
    count: int,
    sampler: str,
    span: Span = ALL,
    rate: float | None = None,
    repeat: bool = False,
) -> tuple[tuple[Image, ...], dict[str, str]]:
    """Return the frames of the first of the named files that exists in the folder, and the tags that describe them.

    Only frames inside `span` are shown. With a `rate`, the names are folders of frames, so many per second. With
    `repeat`, frames are repeated if there are too few. The file is not opened: if the video is damaged or has too few
    frames, only the questions about it fail. Inside `files.without_media`, nothing is shown. Raises InputError if the
    file is missing, its suffix is not a video's, the sampler is unknown, or PyAV is not installed.
    """
    if not files.media_needed():
        return (), {}
    container.check()
    if sampler not in SAMPLERS:
        raise InputError(f"unknown sampler '{sampler}'{nearest(sampler, SAMPLERS)}; choose from: {', '.join(SAMPLERS)}")
    if count < 1:
        raise InputError(f"{count} frames cannot be shown; --frames must be 1 or more")
    exists = Path.is_file if rate is None else Path.is_dir
    name = next((name for name in names if exists(files.inside(folder, name, where))), names[0])
    path = folder / name
    if not exists(path):
        elsewhere = " (or at its other possible paths)" if len(names) > 1 else ""
        missing = f"video {folder / names[0]}" if rate is None else f"folder of frames {folder / names[0]}"
        raise InputError(f"{where}: there is no {missing}{elsewhere}{files.alike(folder / names[0])}; put it there")
    if rate is None and path.suffix.lower() not in container.FORMATS:
        known = ", ".join(container.FORMATS)
        raise InputError(f"{where}: {name}: not a video of a known kind ({known}); replace it")
    stat = path.stat()
    version = (stat.st_mtime_ns, stat.st_size) if rate is None else stills.version(path)
    clip = SampledVideo(path, name, version, count, sampler, span, rate, repeat)
    return tuple(FrameImage(clip, number) for number in range(count)), {"frames": str(count), "sampler": sampler}


def times(pictures: Iterable[Image]) -> dict[str, str]:
    """Return a tag with the times of the frames among the pictures, in seconds; no tag if there are none."""
    seconds = [f"{time:.2f}" for picture in pictures if (time := picture.seconds) is not None]
    return {"times": " ".join(seconds)} if seconds else {}


def shown(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Return sentences on how many frames were shown: a score means little without that number."""
    kinds = dict.fromkeys((r.tags.get("frames", ""), r.tags.get("sampler", "")) for r in records)
    sentences = [
        f"{'1 frame of each video is' if count == '1' else f'{count} frames of each video are'} shown, chosen by the "
        f"sampler {sampler}; the records have the times."
        for count, sampler in kinds
        if sampler
    ]
    times = [record.tags.get("times", "").split() for record in records]
    if few := sum(len({*seconds}) < len(seconds) for seconds in times):
        count = part_of(few, len(records), "question", "is about a video", "are about videos")
        sentences.append(f"{count} with fewer frames; some are shown twice or more.")
    return sentences


@cache
def file_digest(path: Path, version: tuple[int, int]) -> str:
    """Return the SHA-256 of a video's size and content; of a large file, of its size and evenly spread blocks.

    Reading hours of video would take as long as answering the first questions about them. Raises InputError.
    """
    size = version[1]
    hasher = hashlib.sha256(str(size).encode())
    try:
        with regular.opened(path) as file:
            if size <= WHOLE:
                hasher.update(file.read())
            else:
                for number in range(BLOCKS):
                    file.seek((size - BLOCK) * number // (BLOCKS - 1))
                    hasher.update(file.read(BLOCK))
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror})") from error
    return hasher.hexdigest()
