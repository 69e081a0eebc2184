"""Choose the frames of a video that are shown: a named sampler takes them from the whole video or from a part of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmeval.types import InputError, plural

Sampler = Callable[[int, int], list[int]]
"""(frames in the video, frames wanted) -> places of the frames to show, from 0, all different."""
SAMPLERS: dict[str, Sampler] = {
    # the ends of the first `wanted` of `wanted` + 1 equal parts, as in MIC_tool's `clip_video.py`, by the authors of
    # MSVD-QA and MSRVTT-QA (`util/preprocess.py`), and in VLMEvalKit for Video-MME
    "inner": lambda there, wanted: [there * number // (wanted + 1) for number in range(1, wanted + 1)],
    # the middles of equal parts, as in MVBench
    "uniform": lambda there, wanted: [there * (2 * number + 1) // (2 * wanted) for number in range(wanted)],
    # evenly from the first to the last, like `linspace`
    "ends": lambda there, wanted: [(there - 1) * number // max(wanted - 1, 1) for number in range(wanted)],
}
ROUNDING = 0.001
"""Seconds. Containers round times to a millisecond, so a frame this close to an end of a part is inside it."""


@dataclass(frozen=True)
class Span:
    """The part of a video that a question is about, in seconds from the video's first frame. None is its own end."""

    start: float | None = None
    end: float | None = None

    def __str__(self) -> str:
        """Describe the part in words; nothing if it is the whole video."""
        ends = (("from", self.start), ("to", self.end))
        found = " ".join(f"{word} {second:g}" for word, second in ends if second is not None)
        return f"{found} s" if found else ""


ALL = Span()
"""The whole video."""


def chosen(times: Sequence[float], count: int, sampler: str, span: Span, name: str) -> list[int]:
    """Return the places of `count` frames inside the span, given the time of every frame of the video.

    Raises InputError if the span has fewer frames.
    """
    first = 0 if span.start is None else bisect_left(times, span.start - ROUNDING)
    last = len(times) if span.end is None else bisect_right(times, span.end + ROUNDING)
    there = max(last - first, 0)
    if there < count:
        inside = f" {span}" if span != ALL else ""
        raise InputError(
            f"the video {name} has {plural(there, 'frame')}{inside}, fewer than the {count} to be shown; "
            "ask for fewer with --frames, or replace it"
        )
    return [first + place for place in SAMPLERS[sampler](there, count)]
