"""Read the releases of VQAv2, OK-VQA and VizWiz: questions with the answers of ten people each, and their pictures.

VQAv2 and OK-VQA have a file of questions and one of annotations, joined by `question_id`, and pictures of COCO 2014.
VizWiz has both in one list; open_flamingo's copy in VQA's format is read too.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.data import tables
from mmeval.data.demonstrations import Item, find
from mmeval.data.tables import TableRow
from mmeval.scoring.readings.vqa import CONFIDENCE, one_line
from mmeval.types import InputError, plural

AGAIN = "download the file again"
ANSWERS = 10
"""Answers per question: VQA accuracy leaves out each of ten people in turn."""
PLACES = ("annotations", "Annotations", "questions")
"""Subfolders that may hold the files, in addition to the folder itself."""


@dataclass(frozen=True)
class Release:
    """The names of a set's files; `{}` is the split, train or val."""

    questions: str
    annotations: str
    category: str
    """The annotation's field by which scores are split."""
    source: str = ""
    """Where to get the set, for messages."""

    @property
    def holds(self) -> str:
        """The content of its folder, for messages."""
        return f"{self.questions.format('val')}, {self.annotations.format('val')} and val2014"

    def has(self, folder: Path, part: str) -> bool:
        """Return whether the folder holds questions of that split."""
        return find(folder, self.questions.format(part), PLACES) is not None

    def items(self, folder: Path, part: str) -> Iterator[Item]:
        """Read the questions of a split. Raises InputError for a missing file, annotation or answer."""
        questions, annotations = (self._need(folder, name.format(part)) for name in (self.questions, self.annotations))
        yield from self.read(questions, annotations, part)

    def read(self, questions: Path, annotations: Path, part: str) -> Iterator[Item]:
        """Read the questions of two files. Raises InputError for a missing annotation or answer."""
        annotated: dict[str, TableRow] = {}
        for line in tables.of_file(annotations, annotations.parent, "annotations", _slim):
            if annotated.setdefault(line.text("question_id"), line) is not line:
                raise InputError(f"{line.where}: a second annotation of question {line.text('question_id')}; {AGAIN}")
        for line in tables.of_file(questions, questions.parent, "questions"):
            number = line.text("question_id")
            if number not in annotated:
                raise InputError(f"{line.where}: {annotations.name} has no annotation of question {number}; {AGAIN}")
            image = line.text("image_id")
            yield _item(number, line, annotated[number], image, self.pictures(part, image, line.where), self.category)

    def pictures(self, part: str, image: str, where: str) -> tuple[str, ...]:
        """Return a picture's possible paths in COCO's archives."""
        if not re.fullmatch("[0-9]{1,12}", image):
            raise InputError(f"{where}: the image_id is '{image[:40]}'; COCO's are numbers; {AGAIN}")
        name = f"{part}2014/COCO_{part}2014_{int(image):012d}.jpg"
        return (name, f"images/{name}")

    def _need(self, folder: Path, name: str) -> Path:
        if (path := find(folder, name, PLACES)) is None:
            raise InputError(f"{folder}: no {name} in it; get it from {self.source}")
        return path


class VizWiz(Release):
    """VizWiz: the data gives the pictures' file names."""

    @property
    def holds(self) -> str:
        """The content of its folder, for messages."""
        return "val.json and the pictures of val"

    def has(self, folder: Path, part: str) -> bool:
        """Return whether the folder holds questions of that split, in either format."""
        return find(folder, f"{part}.json", PLACES) is not None or super().has(folder, part)

    def items(self, folder: Path, part: str) -> Iterator[Item]:
        """Read the questions of a split; each picture has one."""
        if find(folder, f"{part}.json", PLACES) is None and super().has(folder, part):
            yield from super().items(folder, part)
            return
        path = self._need(folder, f"{part}.json")
        for line in tables.of_file(path, path.parent, ".", _slim):
            image = line.text("image")
            files = self.pictures(part, image, line.where)
            yield _item(image, line, line, image, files, "answer_type")

    def pictures(self, part: str, image: str, where: str) -> tuple[str, ...]:
        """Return a picture's possible paths in VizWiz's archives."""
        return (f"{part}/{image}", f"images/{part}/{image}", image)


VQAV2 = Release("v2_OpenEnded_mscoco_{}2014_questions.json", "v2_mscoco_{}2014_annotations.json", "answer_type")
OKVQA = Release("OpenEnded_mscoco_{}2014_questions.json", "mscoco_{}2014_annotations.json", "question_type")
VIZWIZ = VizWiz("{}_questions_vqa_format.json", "{}_annotations_vqa_format.json", "question_type")


def _item(id: str, question: TableRow, annotation: TableRow, image: str, files: tuple[str, ...], category: str) -> Item:
    answers, tags = _answers(annotation)
    return Item(
        id=id,
        asked=question.text("question"),
        answers=answers,
        picture=image,
        files=files,
        where=question.where,
        category=annotation.text(category),
        tags=tags,
        common=str(annotation.values.get("multiple_choice_answer") or one_line(most_common(answers))),
    )


def most_common(answers: tuple[str, ...]) -> str:
    """Return the most common answer; the first one if several are equally common."""
    return Counter(answers).most_common(1)[0][0]


def _answers(line: TableRow) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the answers as written, and tags: OK-VQA's answers before stemming, or confidences without `answer_id`."""
    answers = line.value("answers")
    if not isinstance(answers, list) or not all(isinstance(row, tuple) and isinstance(row[0], str) for row in answers):
        problem = "each must be an object with a text as 'answer'"
        raise InputError(f"{line.where}: the answers are {answers!r:.60}; {problem}")
    if len(answers) != ANSWERS:
        raise InputError(f"{line.where}: {plural(len(answers), 'answer')}, not {ANSWERS}; {AGAIN}")
    columns = zip(("raw", CONFIDENCE), list(zip(*answers, strict=True))[1:], strict=True)
    texts = {name: column for name, column in columns if all(isinstance(text, str) for text in column)}
    tags = {name: "\n".join(map(one_line, column)) for name, column in texts.items()}
    return tuple(row[0] for row in answers), tags


def _slim(value: dict[str, Any]) -> Any:
    """Reduce an answer to (text, text before stemming, confidence): millions are in memory, few of them different."""
    if "answer" not in value or "answers" in value or "question" in value:
        return value
    texts = (value["answer"], value.get("raw_answer"), None if "answer_id" in value else value.get("answer_confidence"))
    return tuple(sys.intern(text) if isinstance(text, str) else text for text in texts)
