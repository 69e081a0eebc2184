"""One line of MIC data: pictures, questions about them with their answers, and demonstrations before them.

A data set is a folder with `train.jsonl` (and `val.jsonl`, `test.jsonl`) and the pictures named in its lines.
`compose` joins an example into one conversation; `context` has the texts that introduce its pictures.

    {"id": "vqav2/262148000", "source": "vqav2", "images": ["pictures/262148.jpg"],
     "turns": [{"ask": [{"image": 0}, "Where is he looking?"], "answer": "down"}],
     "shots": [{"id": "vqav2/9", "images": ["pictures/9.jpg"], "turns": [{"ask": [...], "answer": "red"}]}]}

In `ask`, `{"image": k}` is the place of the example's picture k, `{"inline": k}` the same inside a sentence, and
`{"mention": k}` mentions it. Texts are plain: nothing in them is read as a picture or a tag.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, cast

from mmeval import regular
from mmeval.mmicl.context import ImageMention, ImagePlace, Part

OUTSIDE = ("\\", "://", "::")
"""Marks that a picture's name may not have: of folders on Windows, and of addresses and their chains in fsspec."""


class ExampleError(ValueError):
    """A line that is not an example; the message says what is wrong with it."""


@dataclass(frozen=True)
class Turn:
    """A question and its answer; the loss is on the answer."""

    ask: tuple[Part, ...]
    """Pictures and mentions are counted within the example: `ImagePlace(0)` is its first picture."""
    answer: str


@dataclass(frozen=True)
class Example:
    """Pictures, the questions asked about them in order, and demonstrations that come first.

    Every picture is shown once, in order, in any turn. A demonstration is an example with one turn, has
    no demonstrations of its own, and is never the example itself. Raises ExampleError otherwise.
    """

    id: str
    source: str
    images: tuple[str, ...]
    """Paths relative to the data set's folder, with `/`."""
    turns: tuple[Turn, ...]
    shots: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        if not self.turns:
            raise ExampleError(f"example '{self.id}' asks nothing")
        next_picture = 0
        for turn in self.turns:
            if not turn.answer.strip():
                raise ExampleError(f"example '{self.id}' has an empty answer")
            for part in turn.ask:
                if isinstance(part, ImagePlace):
                    if part.picture != next_picture:
                        raise ExampleError(
                            f"example '{self.id}' shows picture {part.picture} where {next_picture} is next"
                        )
                    next_picture += 1
                elif isinstance(part, ImageMention) and not 0 <= part.slot < len(self.images):
                    raise ExampleError(f"example '{self.id}' mentions picture {part.slot} of {len(self.images)}")
        if next_picture != len(self.images):
            raise ExampleError(f"example '{self.id}' shows {next_picture} pictures but names {len(self.images)}")
        for image in self.images:
            parts = PurePosixPath(image).parts
            if image.startswith("/") or ".." in parts or any(mark in image for mark in OUTSIDE):
                raise ExampleError(f"example '{self.id}' names a picture outside its folder: '{image}'")
        for shot in self.shots:
            if shot.id == self.id or shot.shots or len(shot.turns) != 1:
                raise ExampleError(f"example '{self.id}' has a demonstration that is itself, or not a single turn")

    @property
    def all_images(self) -> tuple[str, ...]:
        """The demonstrations' pictures, then the example's own, in the order shown."""
        return (*(image for shot in self.shots for image in shot.images), *self.images)


@dataclass(frozen=True)
class Conversation:
    """An example as one text: a list of exchanges. `images[k]` is what `ImagePlace(k)` shows."""

    exchanges: tuple[Turn, ...]
    """Pictures are counted through the whole text."""
    images: tuple[str, ...]
    shots: int
    """How many of the first exchanges are demonstrations. The loss is on the answers of the others."""

    def prompt(self, upto: int) -> tuple[Part, ...]:
        """Return the parts before exchange `upto`'s answer; earlier answers follow their questions, one line each."""
        before = (part for turn in self.exchanges[:upto] for part in (*turn.ask, f" {turn.answer}\n"))
        return (*before, *self.exchanges[upto].ask)


def compose(example: Example) -> Conversation:
    """Join demonstrations and the example's own turns as in MIC (MMICL, section 2.2), pictures numbered throughout."""
    exchanges: list[Turn] = []
    first = 0
    for current in (*example.shots, example):
        exchanges += [Turn(tuple(_moved(part, first) for part in turn.ask), turn.answer) for turn in current.turns]
        first += len(current.images)
    return Conversation(tuple(exchanges), example.all_images, len(example.shots))


def with_shots(example: Example, shots: Sequence[Example]) -> Example:
    """Put demonstrations before the example, each with its first turn only; the example itself is left out."""
    chosen = tuple(replace(shot, turns=shot.turns[:1], shots=()) for shot in shots if shot.id != example.id)
    return replace(example, shots=chosen)


def _moved(part: Part, offset: int) -> Part:
    if isinstance(part, ImagePlace):
        return replace(part, picture=part.picture + offset)
    return ImageMention(part.slot + offset) if isinstance(part, ImageMention) else part


def to_json(example: Example) -> str:
    """Write the example as a line, without its line break."""
    return json.dumps(example, default=_plain, ensure_ascii=False)


def from_json(line: str | bytes) -> Example:
    """Read an example from its line. Raises ExampleError if the line holds something else."""
    return from_values(value_of(line))


def value_of(line: str | bytes) -> Any:
    """Return the JSON value of a line. Raises ExampleError with the place in the line where it is broken."""
    try:
        return json.loads(line if isinstance(line, str) else line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ExampleError(f"not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise ExampleError(f"not JSON ({error.msg}, character {error.pos + 1})") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or endless nesting
        raise ExampleError(f"not JSON ({error})") from error


def from_values(value: Any) -> Example:
    """Read an example from the JSON value of its line. Raises ExampleError if that is something else."""
    if isinstance(value, dict) and "input_text" in value:
        raise ExampleError(
            "a row of the published MIC, not an example; read the file with `stream: true`, or convert it with "
            "`mmeval mic build --source mic`"
        )
    return _example(_keys(value, EXAMPLE, "an example"), "")


def read(path: Path) -> Iterator[Example]:
    """Yield the examples of a file; blank lines are skipped.

    Raises ExampleError naming the line, and OSError if the file is missing, a pipe or a device, or a line is endless.
    """
    with regular.opened(path) as lines:
        for number, line in enumerate(regular.lines(lines), 1):
            try:
                if line.strip():
                    yield from_json(line)
            except ExampleError as error:
                raise ExampleError(f"{path}, line {number}: {error}") from error


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, ImagePlace):
        return {"inline" if value.inline else "image": value.picture}
    if isinstance(value, ImageMention):
        return {"mention": value.slot}
    return {key: part for key, part in vars(value).items() if key != "shots" or part}  # an Example or a Turn


EXAMPLE = {"id": True, "source": False, "images": True, "turns": True, "shots": False}
TURN = {"ask": True, "answer": True}
"""Keys, and whether each is required."""
KINDS: Mapping[type, str] = {str: "text", int: "a whole number", list: "a list"}
PLACES: Mapping[str, Callable[[int], Part]] = {
    "image": ImagePlace,
    "inline": partial(ImagePlace, inline=True),
    "mention": ImageMention,
}


def _example(value: dict[str, Any], source: str) -> Example:
    name, source = value["id"], _is(str, value.get("source", source), "source")
    shots = _is(list, value.get("shots", []), "shots")
    return Example(
        id=str(name) if type(name) is int else _is(str, name, "id"),
        source=source,
        images=tuple(_is(str, image, "images") for image in _is(list, value["images"], "images")),
        turns=tuple(_turn(_keys(turn, TURN, "a turn")) for turn in _is(list, value["turns"], "turns")),
        shots=tuple(_example(_keys(shot, EXAMPLE, "a demonstration"), source) for shot in shots),
    )


def _turn(value: dict[str, Any]) -> Turn:
    return Turn(tuple(map(_part, _is(list, value["ask"], "ask"))), _is(str, value["answer"], "answer"))


def _part(value: Any) -> Part:
    if not isinstance(value, dict):
        return cast(str, _is(str, value, "ask"))
    if len(value) != 1 or not PLACES.keys() >= value.keys():
        forms = '{"image": 0}, {"inline": 0} or {"mention": 0}'
        raise ExampleError(f"'ask' holds texts, {forms}, not {_short(value)}")
    ((kind, number),) = value.items()
    return PLACES[kind](_is(int, number, kind))


def _keys(value: Any, allowed: Mapping[str, bool], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ExampleError(f"{what} must be keys and values, not {_short(value)}")
    for key in (key for key in value if key not in allowed):
        near = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
        raise ExampleError(f"unknown key '{key}' in {what}" + (f" (did you mean '{near[0]}'?)" if near else ""))
    for key, needed in allowed.items():
        if needed and key not in value:
            raise ExampleError(f"the key '{key}' is missing in {what}")
    return value


def _is(kind: type, value: Any, key: str) -> Any:
    """Return the value if it is of that kind and, as text, valid UTF-8. Raises ExampleError otherwise."""
    if type(value) is not kind:
        raise ExampleError(f"'{key}' must be {KINDS[kind]}, not {_short(value)}")
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError as error:
        raise ExampleError(f"'{key}' holds an incomplete character ({error.reason})") from error
    return value


def _short(value: Any) -> str:
    return json.dumps(value)[:60]
