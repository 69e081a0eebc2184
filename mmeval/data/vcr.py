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
    answers, reasons = (_four_texts(line, name) for name in ("answer_choices", "rationale_choices"))
    result = VcrQuestion(
        id=line.text("annot_id"),
        still=line.text("img_fn"),
        boxes=line.text("metadata_fn"),
        things=len(line.texts("objects")) if line.value("objects") != [] else 0,
        asked=_tokens(line, "question", line.value("question")),
        answers=answers,
        answer=_label(line, "answer_label"),
        reasons=reasons,
        reason=_label(line, "rationale_label"),
        where=line.where,
    )
    if result.mentioned and (number := result.mentioned[-1]) >= result.things:
        raise InputError(f"{line.where}: thing {number} is mentioned, but there are {result.things}; fix the line")
    return result


def _four_texts(line: TableRow, name: str) -> tuple[Tokens, ...]:
    value = line.value(name)
    if not isinstance(value, list) or len(value) != CHOICES:
        problem = f"{len(value)} of them" if isinstance(value, list) else f"{value!r:.40}"
        raise InputError(f"{line.where}: {name} has {problem}; it must be a list of four")
    return tuple(_tokens(line, name, tokens) for tokens in value)


def _tokens(line: TableRow, name: str, value: object) -> Tokens:
    is_valid = isinstance(value, list) and all(isinstance(token, str) or _is_reference(token) for token in value)
    if not isinstance(value, list) or not value or not is_valid:
        raise InputError(
            f"{line.where}: {name} has {value!r:.60}; it must be a list of words and of lists of things' numbers"
        )
    return value


def _is_reference(token: object) -> bool:
    return isinstance(token, list) and bool(token) and all(type(number) is int and number >= 0 for number in token)


def _label(line: TableRow, name: str) -> int:
    value = line.value(name)
    if type(value) is not int or value not in range(CHOICES):
        raise InputError(f"{line.where}: {name} is {value!r:.40}; it must be the place of the correct one, 0 to 3")
    return value


def pictures(question: VcrQuestion, folder: Path) -> tuple[Image, ...]:
    """Return the still, then each mentioned thing, cropped when it is decoded. Raises InputError."""
    still = files.picture(folder, f"{FOLDER}/{question.still}", question.where)
    numbers = question.mentioned
    path = files.inside(folder, f"{FOLDER}/{question.boxes}", question.where)
    crops = boxes(path, numbers) if numbers else []
    things = (
        Image(partial(_cropped, still, box, f"{path}, box {n}"), f"{still.name}, thing {n}")
        for n, box in zip(numbers, crops, strict=True)
    )
    return (still, *things)


def boxes(path: Path, numbers: Sequence[int]) -> list[Box]:
    """Return the boxes of the numbered things. Raises InputError."""
    content: Any = json_rows.load(path)
    all_boxes = content.get("boxes") if isinstance(content, dict) else None
    all_boxes = all_boxes if isinstance(all_boxes, list) else []
    for n in numbers:
        if n >= len(all_boxes):
            raise InputError(f"{path}: no box for thing {n}; download the file again")
        box = all_boxes[n]
        if not isinstance(box, list) or len(box) < 4 or not all(_is_number(x) for x in box[:4]):
            raise InputError(f"{path}, box {n}: {box!r:.60} is not a box of four numbers; download the file again")
    return [tuple(all_boxes[n][:4]) for n in numbers]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _cropped(still: Image, box: Box, where: str) -> bytes:
    picture = still.decode()
    left, top, right, bottom = (round(number) for number in box)
    visible = max(left, 0), max(top, 0), min(right, picture.width), min(bottom, picture.height)
    if visible[0] >= visible[2] or visible[1] >= visible[3]:
        raise InputError(f"{where}: {box} is outside the picture; fix it")
    buffer = io.BytesIO()
    picture.crop(visible).save(buffer, "PNG")
    return buffer.getvalue()


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
            if index:
                parts.append("and ")
            parts += [Ref(place[number]), " "]
    result = [_CLOSE.sub(r"\1", part) if isinstance(part, str) else part for part in marks.joined(parts)]
    if result and isinstance(result[-1], str):
        result[-1] = result[-1].rstrip()
    return tuple(part for part in result if part != "")
