"""Ask about the last frames of a stream, look by look, and turn the answers into events."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from mmeval import jsonl
from mmeval.conversation import probabilities
from mmeval.scoring.readings import yesno
from mmeval.types import Generation, InputError, Model, Request, Response
from mmeval.watch.alarm import Alarm, Change
from mmeval.watch.source import Frame

YES_NO = ("yes", "no")
ANSWER = Generation(8)


@dataclass(frozen=True)
class Event:
    """An answer that changed and stayed."""

    time: float
    """Seconds from the first frame to the first look with the new answer."""
    seen: float
    """Seconds from the first frame to the look that confirmed it."""
    question: str
    change: Change
    probability: float
    """Of yes, at that look."""
    frame: str | None = None
    """The frame's file in the folder of the events, or None if it could not be saved."""

    def line(self) -> dict[str, object]:
        """Return the fields that have a value, as they are printed."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Look:
    """The answers about the frames up to a time."""

    time: float
    answers: dict[str, float]
    """Question -> probability of yes; NaN for an unparsed answer."""
    frame: Frame
    errors: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


def watch(
    model: Model,
    questions: Sequence[str],
    looks: Iterable[list[Frame]],
    *,
    alarm: Callable[[], Alarm] = Alarm,
    likelihoods: bool = True,
) -> Iterator[Look]:
    """Yield a look for each list of frames: every question is asked about all of them.

    With `likelihoods` the answer is the probability of "yes" against "no"; otherwise the model's text, parsed strictly.
    """
    alarms = {question: alarm() for question in questions}
    for frames in looks:
        pictures = tuple(frame.image for frame in frames)
        candidates = YES_NO if likelihoods else ()
        requests = [Request(question, (*pictures, question), candidates=candidates) for question in alarms]
        responses = model.loglikelihood(requests) if likelihoods else model.generate(requests, ANSWER)
        by_question = {response.id: response for response in responses}
        answers = {question: _yes(by_question[question]) for question in alarms}
        errors = tuple(dict.fromkeys(response.error for response in by_question.values() if response.error is not None))
        last = frames[-1]
        events = []
        for question, yes in answers.items():
            changed = alarms[question].see(last.time, yes)
            if changed is not None:
                change, since = changed
                events.append(Event(round(since, 2), round(last.time, 2), question, change, round(yes, 4)))
        yield Look(last.time, answers, last, errors, tuple(events))


def _yes(response: Response) -> float:
    if response.error is not None:
        return math.nan
    if response.loglikelihoods is not None:
        return probabilities(YES_NO, response)["yes"]
    read = yesno.strict(response.text or "")
    return math.nan if read is None else float(read == "yes")


@dataclass
class Disk:
    """Writes that may fail: a failure is reported once, as is the first success after it."""

    name: str
    say: Callable[[str], object]
    _failing: bool = field(default=False, init=False)

    def writes(self, write: Callable[[], object]) -> bool:
        """Write, and return whether that succeeded. Raises BrokenPipeError, because the reader closed the pipe."""
        try:
            write()
        except BrokenPipeError:
            raise
        except OSError as error:
            if not self._failing:
                self._failing = True
                self.say(f"{self.name}: cannot be written ({error.strerror}); watching continues")
            return False
        if self._failing:
            self._failing = False
            self.say(f"{self.name}: can be written again")
        return True


@dataclass
class EventFolder:
    """Saves events as JSON lines, each with its frame. If the disk is full, watching continues."""

    folder: Path
    say: Callable[[str], object]

    def __post_init__(self) -> None:
        """Make the folder. Raises InputError if that fails."""
        self._disk = Disk(str(self.folder), self.say)
        try:
            (self.folder / "frames").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be created ({error.strerror}); choose another folder with --out"
            ) from error

    def keep(self, event: Event, frame: Frame) -> dict[str, object]:
        """Write an event and its frame; return the event as it was written."""
        name = self._free(f"frames/{event.seen:010.2f}-{event.change}")
        line = {**asdict(event), "frame": name}

        def write() -> None:
            frame.image.decode().save(self.folder / name, "JPEG")
            with jsonl.appending(self.folder / "events.jsonl") as file:  # completes no line that a full disk cut
                file.write(line)

        return line if self._disk.writes(write) else {**line, "frame": None}

    def _free(self, stem: str) -> str:
        """Return a name for a frame that no earlier event has, of this watch or of one before it."""
        names = (f"{stem}{'' if number == 1 else f'-{number}'}.jpg" for number in count(1))
        return next(name for name in names if not (self.folder / name).exists())
