"""The releases of VQAv2, OK-VQA and VizWiz: questions with the answers of ten people each, and their pictures.

VQAv2 and OK-VQA have a file of questions and one of annotations, tied by `question_id`, and pictures of COCO 2014.
VizWiz has both in one list; as open_flamingo rewrote it in VQA's form, it is read, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.data.demonstrations import Item, find
from mmeval.data.lines import TableRow
from mmeval.types import InputError

AGAIN = "get the file again"
ANSWERS = 10
"""Of each question: VQA accuracy leaves out one of ten people in turn."""
PLACES = ("annotations", "Annotations", "questions")
"""Where in the folder the files may be, beside the folder itself."""


@dataclass(frozen=True)
class Release:
    """What a set's files are called, `{}` being the part: train or val."""

    questions: str
    annotations: str
    category: str
    """The annotation's field that the numbers are split by."""
    source: str
    """Where to get the set, for whoever lacks a file."""

    @property
    def holds(self) -> str:
        """What its folder holds, for whoever has none."""
        return f"{self.questions.format('val')}, {self.annotations.format('val')} and val2014"

    def has(self, folder: Path, part: str) -> bool:
        """Whether the folder holds questions of that part."""
        return find(folder, self.questions.format(part), PLACES) is not None

    def items(self, folder: Path, part: str) -> Iterator[Item]:
        """The questions of a part. Raises InputError for a missing file, annotation or answer."""
        questions, annotations = (
            _need(folder, n.format(part), self.source) for n in (self.questions, self.annotations)
        )
        known: dict[str, TableRow] = {}
        for line in _lines(annotations, "annotations"):
            if known.setdefault(line.text("question_id"), line) is not line:
                raise InputError(f"{line.where}: a second annotation of question {line.text('question_id')}")
        for line in _lines(questions, "questions"):
            number = line.text("question_id")
            if number not in known:
                raise InputError(f"{line.where}: {annotations.name} has no annotation of question {number}; {AGAIN}")
            image = line.text("image_id")
            yield _item(number, line, known[number], image, self.pictures(part, image, line.where), self.category)

    def pictures(self, part: str, image: str, where: str) -> tuple[str, ...]:
        """COCO's name of a picture, where its archives put it."""
        if not image.isdecimal():
            raise InputError(f"{where}: the image_id is '{image[:40]}'; COCO's are numbers; {AGAIN}")
        name = f"{part}2014/COCO_{part}2014_{int(image):012d}.jpg"
        return (name, f"images/{name}")


class VizWiz(Release):
    """VizWiz's pictures are called by their names."""

    @property
    def holds(self) -> str:
        """What its folder holds, for whoever has none."""
        return "val.json and the pictures of val"

    def has(self, folder: Path, part: str) -> bool:
        """Whether the folder holds questions of that part, in either form."""
        return find(folder, f"{part}.json", PLACES) is not None or super().has(folder, part)

    def items(self, folder: Path, part: str) -> Iterator[Item]:
        """The questions of a part, each picture having one."""
        path = find(folder, f"{part}.json", PLACES)
        if path is None and super().has(folder, part):
            yield from super().items(folder, part)
            return
        for line in _lines(path or _need(folder, f"{part}.json", self.source), None):
            image = line.text("image")
            files = self.pictures(part, image, line.where)
            yield _item(image, line, line, image, files, "answer_type")

    def pictures(self, part: str, image: str, where: str) -> tuple[str, ...]:
        """As its archives unpack."""
        return (f"{part}/{image}", f"images/{part}/{image}", image)


def _item(id: str, asked: TableRow, answered: TableRow, image: str, files: tuple[str, ...], category: str) -> Item:
    answers, raw = _answers(answered)
    return Item(
        id=id,
        asked=asked.text("question"),
        answers=answers,
        picture=image,
        files=files,
        where=asked.where,
        category=answered.text(category),
        tags={"raw": "\n".join(raw)} if raw else {},
    )


def _answers(line: TableRow) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The answers, and as they were before OK-VQA's authors stemmed them, if it says so; on one line, as vqaEval.py."""
    found = line.value("answers")
    if not isinstance(found, list) or not all(isinstance(one, tuple) and isinstance(one[0], str) for one in found):
        raise InputError(f"{line.where}: the answers are {found!r:.60}; each must be an object with a text as 'answer'")
    if len(found) != ANSWERS:
        raise InputError(f"{line.where}: {len(found)} answers and not {ANSWERS}; {AGAIN}")
    raw = tuple(_line(one) for _, one in found if isinstance(one, str))
    return tuple(_line(one) for one, _ in found), raw if len(raw) == ANSWERS else ()


def _line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _lines(path: Path, under: str | None) -> Iterator[TableRow]:
    """The objects of a JSON list, which may stand under a name. Raises InputError for a file of another form."""
    try:
        whole: Any = json.loads(path.read_text(encoding="utf-8-sig"), object_hook=_slim)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {AGAIN}") from error
    found = whole.get(under) if under is not None and isinstance(whole, Mapping) else whole
    if not isinstance(found, list):
        name = f"'{under}' with a list" if under else "a list"
        raise InputError(f"{path}: it must hold {name} of objects; {AGAIN}")
    for number, value in enumerate(found, start=1):
        where = f"{path}, item {number}"
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: {str(value)[:60]!r} is no JSON object; {AGAIN}")
        yield TableRow(value, where)


def _slim(value: dict[str, Any]) -> Any:
    """An answer as (text, text before stemming): millions of them are in memory, few of them different."""
    if "answer" not in value or "answers" in value or "question" in value:
        return value
    texts = (value["answer"], value.get("raw_answer"))
    return tuple(sys.intern(text) if isinstance(text, str) else text for text in texts)


def _need(folder: Path, name: str, source: str) -> Path:
    path = find(folder, name, PLACES)
    if path is None:
        raise InputError(f"{folder}: no {name} in it; get it from {source}")
    return path
