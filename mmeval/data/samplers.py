"""Choose the frames of a video that are shown: a named sampler takes them from the whole video or from a part of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmeval.data import container, stills
from mmeval.data.container import Moment
from mmeval.types import InputError, plural

Sampler = Callable[[int, int], list[int]]
"""(frames in the video, frames wanted) -> indices of the frames to show, from 0; all different if there are enough."""
SAMPLERS: dict[str, Sampler] = {
    # the ends of the first `wanted` of `wanted` + 1 equal parts, as in MIC_tool's `clip_video.py`, by the authors of
    # MSVD-QA and MSRVTT-QA (`util/preprocess.py`), and in VLMEvalKit for Video-MME
    "inner": lambda total, wanted: [total * number // (wanted + 1) for number in range(1, wanted + 1)],
    # the middles of equal parts, as in MVBench
    "uniform": lambda total, wanted: [total * (2 * number + 1) // (2 * wanted) for number in range(wanted)],
    # evenly from the first to the last, like `linspace`
    "ends": lambda total, wanted: [(total - 1) * number // max(wanted - 1, 1) for number in range(wanted)],
}
ROUNDING = 0.001
"""Seconds. Containers round times to a millisecond, so a frame this close to an end of a part is inside it."""


@dataclass(frozen=True)
class Span:
    """The part of a video that a question is about, in seconds from its first frame; None is no limit."""

    start: float | None = None
    end: float | None = None

    def __str__(self) -> str:
        """Describe the part in words; nothing if it is the whole video."""
        ends = (("from", self.start), ("to", self.end))
        limits = " ".join(f"{word} {second:g}" for word, second in ends if second is not None)
        return f"{limits} s" if limits else ""


ALL = Span()
"""The whole video."""


def chosen(times: Sequence[float], count: int, sampler: str, span: Span, name: str, repeat: bool = False) -> list[int]:
    """Return the indices of `count` frames inside the span, given the time of every frame of the video.

    Raises InputError if the span has fewer frames; with `repeat`, only if it has none.
    """
    first = 0 if span.start is None else bisect_left(times, span.start - ROUNDING)
    last = len(times) if span.end is None else bisect_right(times, span.end + ROUNDING)
    available = max(last - first, 0)
    if available < (1 if repeat else count):
        part = f" {span}" if span != ALL else ""
        problem = f"the video {name} has {plural(available, 'frame')}{part}"
        if repeat:
            raise InputError(f"{problem}; replace it, or fix its part")
        raise InputError(f"{problem}, fewer than the {count} to be shown; ask for fewer with --frames, or replace it")
    return [first + index for index in SAMPLERS[sampler](available, count)]


@dataclass(frozen=True)
class SampledVideo:
    """A file or a folder of frames, and how its frames are sampled."""

    path: Path
    name: str
    version: tuple[int, int]
    """The file's modification time in nanoseconds, and its size in bytes."""
    count: int
    sampler: str
    span: Span = ALL
    """The part that is shown, as if it were the whole video."""
    rate: float | None = None
    """Frames per second of a folder of frames; None for a file."""
    repeat: bool = False
    """Whether frames are repeated if there are too few."""

    def moments(self) -> list[Moment]:
        """Decode the sampled frames. Raises InputError if the video is damaged or has too few frames."""
        if self.rate is None:
            moments = container.moments(self.path, self.name, self._indices)
        else:
            moments = stills.moments(self.path, self.name, self.rate, self._indices)
        return [replace(moment, time=self._since(moment.time)) for moment in moments]

    def times(self) -> tuple[float, ...]:
        """Return the times of the sampled frames, in seconds from the start of what is shown. Raises InputError."""
        known = container.times(self.path, self.name) if self.rate is None else stills.times(self.path, self.rate)
        return tuple(self._since(known[index]) for index in self._indices(known))

    def _since(self, time: float) -> float:
        return max(time - (self.span.start or 0.0), 0.0)

    def _indices(self, times: Sequence[float]) -> list[int]:
        return chosen(times, self.count, self.sampler, self.span, self.name, self.repeat)
