"""Watch 20 generated one-minute clips, ten of them with a fall, with any model: hits, delays, false alarms.

Clips consist of ten-second scenes: a person falls, sits down or walks; a thing moves, appears, is hidden or is
put down. The question is `is someone falling ?`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

from benchmarks.options import amount, count
from mmeval.conversation import chat
from mmeval.embedded.world.clips import Clip
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import KINDS
from mmeval.types import InputError, Model
from mmeval.watch import source
from mmeval.watch.alarm import Alarm
from mmeval.watch.watching import watch

QUESTION = "is someone falling ?"
RATE, SCENES, SCENE = 10, 6, 10.0
"""Frames per second, scenes per clip, seconds per scene."""
LATE = 2.0
"""Seconds after a fall within which it may be reported."""
HARMLESS = (
    ("sits down", True),
    ("moves left", True),
    ("moves right", True),
    ("put down", False),
    ("moves left", False),
    ("moves right", False),
    ("appears", False),
    ("is hidden", False),
)
"""Events other than falls, and whether a person is involved."""


@dataclass(frozen=True)
class Scene:
    """An event in a scene; it lasts from second `begins` to second `ends`."""

    clip: Clip
    begins: float
    ends: float
    put_down: bool = False

    def progress(self, time: float) -> float:
        """Return how much of the event has happened at a time of the scene."""
        done = min(1.0, max(0.0, (time - self.begins) / (self.ends - self.begins)))
        return math.sqrt(done) if self.put_down else done  # a falling thing accelerates


@dataclass(frozen=True)
class Minute:
    """A clip, and the start and end of its fall in seconds, or None."""

    path: Path
    fall: tuple[float, float] | None


@dataclass(frozen=True)
class Outcome:
    """The alarms for a clip."""

    fall: tuple[float, float] | None
    alarms: tuple[float, ...]
    """Seconds at which the beginning of an event was reported."""

    @property
    def hits(self) -> list[float]:
        """Alarms that report the fall, in seconds from its beginning."""
        if self.fall is None:
            return []
        begins, ends = self.fall
        return [alarm - begins for alarm in self.alarms if begins <= alarm <= ends + LATE]

    @property
    def false_alarms(self) -> int:
        """Number of alarms that report something else, or the fall again."""
        return len(self.alarms) - min(1, len(self.hits))


def scene(name: str, action: str, person: bool) -> Scene:
    """Return the scene of that name, always the same."""
    rng = Rng(name)
    kind = None if person else rng.pick(KINDS)
    drawn = "falls" if action == "put down" else action
    clip = Clip(name, drawn, kind, rng.between(22, 74), rng.between(20, 70), 0.0, 1.0, screen=action == "is hidden")
    begins = rng.between(2.0, 5.0)
    lasts = rng.between(0.9, 1.4) if action == "falls" else rng.between(1.5, 4.0)
    return Scene(clip, begins, begins + lasts, action == "put down")


def minute(number: int, folder: Path) -> Minute:
    """Write the clip of that number; even ones have a fall."""
    rng = Rng(f"minute {number}")
    events = [rng.pick(HARMLESS) for _ in range(SCENES)]
    fall_index = int(rng.between(0, SCENES)) if number % 2 == 0 else None
    if fall_index is not None:
        events[fall_index] = ("falls", True)
    scenes = [scene(f"minute {number}/{index}", *event) for index, event in enumerate(events)]
    path = folder / f"{number:02}.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.width = stream.height = 96
        stream.pix_fmt = "yuv420p"
        for picture in frames(scenes):
            out.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        out.mux(stream.encode())
    if fall_index is None:
        return Minute(path, None)
    start, falls = fall_index * SCENE, scenes[fall_index]
    return Minute(path, (start + falls.begins, start + falls.ends))


def frames(scenes: Sequence[Scene]) -> Iterator[Image.Image]:
    """Draw scene after scene; while nothing happens, the picture stays the same."""
    for scene in scenes:
        before, picture = -1.0, None
        for number in range(round(SCENE * RATE)):
            progress = scene.progress(number / RATE)
            if picture is None or progress != before:
                before, picture = progress, scene.clip.frame(progress)
            yield picture


def watched(
    model: Model, clip: Minute, every: float, size: int, span: float, alarm: Callable[[], Alarm] = Alarm
) -> Outcome:
    """Watch a clip to its end."""
    looks = source.looks(source.find(str(clip.path)), every, size, span, print)
    seen_looks = watch(model, [QUESTION], looks, alarm=alarm)
    events = [event for look in seen_looks for event in look.events]
    return Outcome(clip.fall, tuple(event.seen for event in events if event.change == "begins"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the alarms of each clip, and the totals."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.watch", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="mmicl-tiny", help="as in `mmeval run`")
    parser.add_argument("--clips", type=count, default=20, help="number of clips")
    parser.add_argument("--first", type=int, default=0, help="number of the first clip")
    parser.add_argument("--every", type=amount, default=0.5, help="seconds between looks")
    parser.add_argument("--frames", type=count, default=4, help="frames per look")
    parser.add_argument("--span", type=amount, default=2.0, help="seconds that they cover")
    parser.add_argument("--hold", type=count, default=2, help="looks in a row that make an event")
    parser.add_argument("--on", type=float, default=0.6, help="likelihood of yes that begins an event")
    options = parser.parse_args(arguments)
    try:
        Alarm(options.hold, options.on)
        model = chat(options.model).model
    except (InputError, ValueError) as error:
        parser.error(str(error))

    def alarm() -> Alarm:
        return Alarm(options.hold, options.on)

    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.first, options.first + options.clips):
            clip = minute(number, Path(folder))
            outcome = watched(model, clip, options.every, options.frames, options.span, alarm)
            outcomes.append(outcome)
            fell = "no fall" if clip.fall is None else f"falls {clip.fall[0]:.1f} to {clip.fall[1]:.1f} s"
            alarms = ", ".join(f"{alarm:.1f}" for alarm in outcome.alarms) or "none"
            print(f"{number:02}  {fell:22}  alarms: {alarms}", flush=True)
    falls = sum(outcome.fall is not None for outcome in outcomes)
    delays = [hit for outcome in outcomes for hit in outcome.hits[:1]]
    false_alarms = sum(outcome.false_alarms for outcome in outcomes)
    print(f"{len(delays)} of {falls} falls reported, {false_alarms} false alarms")
    if delays:
        print(f"seconds from the beginning of a fall: {min(delays):.1f} to {max(delays):.1f}")


if __name__ == "__main__":
    main()
