"""Read VCR's release: `train.jsonl`, `val.jsonl`, and `vcr1images/` with stills and a JSON file of boxes for each."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mmeval.data import files, json_rows, marks
from mmeval.data.tables import TableRow
from mmeval.types import Image, InputError, Parts, Ref

FOLDER = "vcr1images"
CHOICES = 4
LARGEST = 1e6
"""A box's coordinates must be below this, which also excludes infinity and NaN."""
Tokens = Sequence[str | Sequence[int]]
"""Text: words, and lists of the numbers of things in the still."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""
_CLOSE = re.compile(r"\s+([.,?!;:)\]]|'\w+|n't\b)")


@dataclass(frozen=True, eq=False)
class VcrQuestion:
    """A question about a still, its answers, and the reasons for the correct one."""

    id: str
    still: str
    boxes: str
    """The JSON file with the boxes of the things; in FOLDER, like the still."""
    things: int
    asked: Tokens
    answers: tuple[Tokens, ...]
    answer: int
    reasons: tuple[Tokens, ...]
    reason: int
    where: str

    @property
    def mentioned(self) -> list[int]:
        """The numbers of the things that its texts mention, in ascending order."""
        texts = (self.asked, *self.answers, *self.reasons)
        return sorted({n for tokens in texts for token in tokens if not isinstance(token, str) for n in token})


def question(line: TableRow) -> VcrQuestion:
    """Read a row. Raises InputError if it lacks something."""
    answers, reasons = (_four(line, name) for name in ("answer_choices", "rationale_choices"))
    found = VcrQuestion(
        id=line.text("annot_id"),
        still=line.text("img_fn"),
        boxes=line.text("metadata_fn"),
        things=len(line.texts("objects")) if line.value("objects") != [] else 0,
        asked=_tokens(line, "question", line.value("question")),
        answers=answers,
        answer=_place(line, "answer_label"),
        reasons=reasons,
        reason=_place(line, "rationale_label"),
        where=line.where,
    )
    if found.mentioned and (number := found.mentioned[-1]) >= found.things:
        raise InputError(f"{line.where}: thing {number} is mentioned, but there are {found.things}; fix the line")
    return found


def _four(line: TableRow, name: str) -> tuple[Tokens, ...]:
    found = line.value(name)
    if not isinstance(found, list) or len(found) != CHOICES:
        has = f"{len(found)} of them" if isinstance(found, list) else f"{found!r:.40}"
        raise InputError(f"{line.where}: {name} has {has}; it must be a list of four")
    return tuple(_tokens(line, name, tokens) for tokens in found)


def _tokens(line: TableRow, name: str, found: object) -> Tokens:
    good = isinstance(found, list) and all(isinstance(token, str) or _things(token) for token in found)
    if not isinstance(found, list) or not found or not good:
        raise InputError(
            f"{line.where}: {name} has {found!r:.60}; it must be a list of words and of lists of things' numbers"
        )
    return found


def _things(token: object) -> bool:
    return isinstance(token, list) and bool(token) and all(type(number) is int and number >= 0 for number in token)


def _place(line: TableRow, name: str) -> int:
    place = line.value(name)
    if type(place) is not int or place not in range(CHOICES):
        raise InputError(f"{line.where}: {name} is {place!r:.40}; it must be the place of the correct one, 0 to 3")
    return place


def pictures(asked: VcrQuestion, folder: Path) -> tuple[Image, ...]:
    """Return the still, then each mentioned thing, cropped when it is decoded. Raises InputError."""
    whole = files.picture(folder, f"{FOLDER}/{asked.still}", asked.where)
    numbers = asked.mentioned
    path = files.inside(folder, f"{FOLDER}/{asked.boxes}", asked.where)
    cut = boxes(path, numbers) if numbers else []
    things = (
        Image(partial(_cropped, whole, box, f"{path}, box {n}"), f"{whole.name}, thing {n}")
        for n, box in zip(numbers, cut, strict=True)
    )
    return (whole, *things)


def boxes(path: Path, numbers: Sequence[int]) -> list[Box]:
    """Return the boxes of the numbered things. Raises InputError."""
    found: Any = json_rows.load(path)
    known = found.get("boxes") if isinstance(found, dict) else None
    known = known if isinstance(known, list) else []
    for n in numbers:
        if n >= len(known):
            raise InputError(f"{path}: no box for thing {n}; download the file again")
        if not isinstance(known[n], list) or len(known[n]) < 4 or not all(_is_number(x) for x in known[n][:4]):
            raise InputError(f"{path}, box {n}: {known[n]!r:.60} is not a box of four numbers; download the file again")
    return [tuple(known[n][:4]) for n in numbers]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _cropped(whole: Image, box: Box, where: str) -> bytes:
    picture = whole.decode()
    left, top, right, bottom = (round(number) for number in box)
    inside = max(left, 0), max(top, 0), min(right, picture.width), min(bottom, picture.height)
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        raise InputError(f"{where}: {box} is outside the picture; fix it")
    out = io.BytesIO()
    picture.crop(inside).save(out, "PNG")
    return out.getvalue()


def spoken(tokens: Tokens, place: Mapping[int, int] | range) -> Parts:
    """Turn tokens into parts that refer to things as pictures: [0, 2] becomes "image 1 and image 3".

    `place` gives the place of each thing's picture among those shown.
    """
    parts: list[str | Ref] = []
    for token in tokens:
        if isinstance(token, str):
            parts.append(f"{token} ")
            continue
        for index, number in enumerate(token):
            parts += [*(["and "] if index else []), Ref(place[number]), " "]
    closed = [_CLOSE.sub(r"\1", part) if isinstance(part, str) else part for part in marks.joined(parts)]
    if closed and isinstance(closed[-1], str):
        closed[-1] = closed[-1].rstrip()
    return tuple(part for part in closed if part != "")
