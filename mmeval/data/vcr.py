"""VCR's release: `val.jsonl`, and `vcr1images/` with stills and, beside each, a JSON file of boxes."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.data import lines
from mmeval.data.lines import TableRow
from mmeval.types import Image, InputError, Parts, Ref

FOLDER = "vcr1images"
CHOICES = 4
Tokens = Sequence[str | Sequence[int]]
_CLOSE = re.compile(r"\s+([.,?!;:)\]]|'\w+|n't\b)")


@dataclass(frozen=True, eq=False)
class VcrQuestion:
    """A question about a still, its answers, and the reasons for the right one.

    `pictures` are the still and then each thing spoken of, cut out; texts speak of them by `Ref`.
    """

    id: str
    still: str
    pictures: tuple[Image, ...]
    asked: Parts
    answers: tuple[Parts, ...]
    answer: int
    reasons: tuple[Parts, ...]
    reason: int


def questions(data: str) -> Iterator[VcrQuestion]:
    """The questions of val. Raises InputError for what a row lacks."""
    return (_question(line) for line in lines.read(data, ("val.jsonl",), None, "vcr"))


def _question(line: TableRow) -> VcrQuestion:
    asked = _tokens(line, "question", line.value("question"))
    answers, reasons = (_four(line, name) for name in ("answer_choices", "rationale_choices"))
    right = [_place(line, name) for name in ("answer_label", "rationale_label")]
    numbers = sorted(
        {n for tokens in (asked, *answers, *reasons) for one in tokens if isinstance(one, list) for n in one}
    )
    if numbers and numbers[-1] >= (there := len(line.texts("objects"))):
        raise InputError(f"{line.where}: thing {numbers[-1]} is spoken of, and there are {there}; mend the line")
    place = {number: index for index, number in enumerate(numbers, start=1)}
    still, boxes = line.text("img_fn"), line.text("metadata_fn")
    assert line.folder is not None  # `read` was given no hub
    whole = lines.file(line.folder, f"{FOLDER}/{still}", line.where)
    cut = _crops(line.folder, f"{FOLDER}/{boxes}", whole, numbers, line.where)
    return VcrQuestion(
        id=line.text("annot_id"),
        still=still,
        pictures=(whole, *cut),
        asked=_said(asked, place),
        answers=tuple(_said(tokens, place) for tokens in answers),
        answer=right[0],
        reasons=tuple(_said(tokens, place) for tokens in reasons),
        reason=right[1],
    )


def _four(line: TableRow, name: str) -> list[Tokens]:
    """The four answers or reasons of a question."""
    found = line.value(name)
    if not isinstance(found, list) or len(found) != CHOICES:
        has = f"{len(found)} of them" if isinstance(found, list) else f"{found!r:.40}"
        raise InputError(f"{line.where}: {name} has {has}; it must be a list of four")
    return [_tokens(line, name, tokens) for tokens in found]


def _tokens(line: TableRow, name: str, found: object) -> Tokens:
    """A text as the release has it: words, and lists of the numbers of things."""
    good = isinstance(found, list) and all(isinstance(token, str) or _things(token) for token in found)
    if not isinstance(found, list) or not found or not good:
        raise InputError(
            f"{line.where}: {name} has {found!r:.60}; a text is a list of words and of lists of things' numbers"
        )
    return found


def _things(token: object) -> bool:
    return isinstance(token, list) and bool(token) and all(type(number) is int and number >= 0 for number in token)


def _place(line: TableRow, name: str) -> int:
    """Which of the four is right."""
    place = line.value(name)
    if type(place) is not int or place not in range(CHOICES):
        raise InputError(f"{line.where}: {name} is {place!r:.40}; it must be the place of the right one, 0 to 3")
    return place


def _crops(folder: Path, name: str, whole: Image, numbers: Sequence[int], where: str) -> list[Image]:
    """The things of those numbers, cut out when they are asked for."""
    if not numbers:
        return []
    path = lines.inside(folder, name, where)
    found: Any = lines.load(path)
    boxes = found.get("boxes") if isinstance(found, dict) else None
    if not isinstance(boxes, list) or len(boxes) <= numbers[-1]:
        raise InputError(f"{path}: no box for thing {numbers[-1]}; get the file again")
    for n in numbers:
        if not isinstance(boxes[n], list) or len(boxes[n]) < 4 or not all(_is_number(x) for x in boxes[n][:4]):
            raise InputError(f"{path}, box {n}: {boxes[n]!r:.60} is no box of four numbers; get the file again")
    return [Image(_Crop(whole, tuple(boxes[n][:4]), f"{path}, box {n}"), f"{whole.name}, thing {n}") for n in numbers]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, eq=False)
class _Crop:
    """Cuts a box, x and y from and to in pixels, out of a picture."""

    whole: Image
    box: tuple[float, ...]
    where: str

    def __call__(self) -> bytes:
        picture = self.whole.decode().convert("RGB")
        left, top, right, bottom = (round(number) for number in self.box)
        box = max(left, 0), max(top, 0), min(right, picture.width), min(bottom, picture.height)
        if box[0] >= box[2] or box[1] >= box[3]:
            raise InputError(f"{self.where}: {self.box} has nothing of the picture in it; mend it")
        out = io.BytesIO()
        picture.crop(box).save(out, "PNG")
        return out.getvalue()


def _said(tokens: Tokens, place: Mapping[int, int]) -> Parts:
    """Tokens as parts; a list of things is spoken of as pictures: [0, 2] as "image 1 and image 3"."""
    parts: list[str | Ref] = []
    for token in tokens:
        if isinstance(token, str):
            parts.append(f"{token} ")
            continue
        for index, number in enumerate(token):
            parts += [*(["and "] if index else []), Ref(place[number]), " "]
    merged: list[str | Ref] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    closed = [_CLOSE.sub(r"\1", part) if isinstance(part, str) else part for part in merged]
    if closed and isinstance(closed[-1], str):
        closed[-1] = closed[-1].rstrip()
    return tuple(part for part in closed if part != "")
