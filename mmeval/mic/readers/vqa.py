"""VQAv2 and OK-VQA: a file of questions and a file of annotations, tied by `question_id`; pictures of COCO 2014.

The answer is the one that most annotators gave (VQAv2 says it: `multiple_choice_answer`). Test splits have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmeval.mic.rows import MicError, Picture, Root, SourceRow, listed


def vqav2(root: Root) -> Iterator[SourceRow]:
    """Splits train and val."""
    yield from _rows(root, "v2_OpenEnded_mscoco_{}2014_questions.json", "v2_mscoco_{}2014_annotations.json")


def okvqa(root: Root) -> Iterator[SourceRow]:
    """Splits train and val."""
    yield from _rows(root, "OpenEnded_mscoco_{}2014_questions.json", "mscoco_{}2014_annotations.json")


def _rows(root: Root, questions: str, annotations: str) -> Iterator[SourceRow]:
    splits = [split for split in ("train", "val") if root.find(questions.format(split))]
    for split in splits or ["train"]:
        yield from _split(root, split, root.need(questions.format(split)), root.need(annotations.format(split)))


def _split(root: Root, split: str, questions: str, annotations: str) -> Iterator[SourceRow]:
    asked = listed(root, questions, root.json(questions, dict, _question), "questions")
    annotated = listed(root, annotations, root.json(annotations, dict, _annotation), "annotations")
    answered = root.index(annotations, annotated, lambda item: (item[0], item[1]))
    folder = root.need(f"{split}2014", f"images/{split}2014")

    def make(item: tuple[int, int, str]) -> list[SourceRow]:
        number, image, question = item
        if number not in answered:
            raise MicError(f"{root.folder / annotations}: no annotation of question {number}; download it again")
        picture = Picture(f"{folder}/COCO_{split}2014_{int(image):012}.jpg")
        return [SourceRow(str(number), split, (picture,), {"question": str(question)}, str(answered[number]))]

    yield from root.each(questions, asked, make)


def _question(value: dict[str, Any]) -> Any:
    """A question without what is not used; half a million of them are in memory."""
    if "question" in value and "question_id" in value:
        return value["question_id"], value["image_id"], value["question"]
    return value


def _annotation(value: dict[str, Any]) -> Any:
    """Ten answers as ten texts, and an annotation as the question's number and its answer."""
    if "answer_id" in value:
        return value["answer"]
    if "answers" in value and "question_id" in value:
        answer = value.get("multiple_choice_answer")
        return value["question_id"], answer or Counter(value["answers"]).most_common(1)[0][0]
    return value
