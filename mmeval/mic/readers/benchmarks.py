"""Read the sources that are also benchmarks, each as its benchmark does: rows of question, answer and pictures."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from mmeval import yaml_file
from mmeval.cards.schema import Card, check
from mmeval.data import container, video_qa
from mmeval.data import nlvr2 as nlvr2_data
from mmeval.data import vcr as vcr_data
from mmeval.data.tables import TableRow
from mmeval.data.vqa import Release, most_common
from mmeval.mic.readers.captions import frames, videos
from mmeval.mic.rows import SPLITS, Picture, Root, SourceRow
from mmeval.mmicl.context import ImageMention, Part
from mmeval.types import InputError, Ref

ICONQA = ("choose_img", "choose_txt", "fill_in_blank")
"""The sub-tasks of IconQA."""


def vqa(root: Root, release: Release) -> Iterator[SourceRow]:
    """Read train and val of VQAv2 or OK-VQA; the answer is the one that most people gave."""
    for split, questions in root.splits({split: release.questions.format(split) for split in ("train", "val")}):
        annotations = root.need(release.annotations.format(split))
        folder = root.need(f"{split}2014", f"images/{split}2014")
        for item in release.read(root.note(questions), root.note(annotations), split):
            picture = Picture(f"{folder}/{PurePosixPath(item.files[0]).name}")
            yield SourceRow(item.id, split, (picture,), {"question": item.asked}, item.common)


@cache
def _card(name: str) -> Card:
    return check(yaml_file.read(resources.files("mmeval.tasks").joinpath(f"{name}.yaml")), f"{name}.yaml")


def _carded(
    root: Root, card: Card, files: Mapping[str, str], answer: Callable[[TableRow], str], words: str = "question"
) -> Iterator[SourceRow]:
    """Read every question of a benchmark that is a card; `words` is the question's name in the wordings."""
    columns = {card.fields.id, card.fields.question, card.fields.answer, *card.fields.pictures}
    patterns = [PurePosixPath(pattern if "{}" in pattern else f"{pattern}/{{}}") for pattern in card.folder]
    folder = root.need(*(str(pattern.parent) for pattern in patterns if pattern.parent.name))

    def small(value: dict[str, Any]) -> dict[str, Any]:
        """Keep only the columns that are read, because some files are a gigabyte."""
        return {name: content for name, content in value.items() if name in columns} or value

    for split, path in root.splits(files):
        for number, line in enumerate(root.rows(path, card.rows, small), 1):
            picture = Picture(f"{folder}/{patterns[0].name.replace('{}', line.text(card.fields.pictures[0]))}")
            id = line.text(card.fields.id) if card.fields.id else f"{split}-{number}"
            yield SourceRow(id, split, (picture,), {words: line.cell(card.fields.question)}, answer(line))


def gqa(root: Root) -> Iterator[SourceRow]:
    """Read GQA's train, val and test-dev (the usual substitute for test); the answer is the short one."""
    card = _card("gqa")
    files = {split: f"{split}_balanced_questions.json" for split in ("train", "val")} | {"test": card.files[0]}
    return _carded(root, card, files, lambda line: line.cell(card.fields.answer))


def textvqa(root: Root) -> Iterator[SourceRow]:
    """Read TextVQA's train and val; the answer is the one that most people gave."""
    card = _card("textvqa")
    files = {split: f"TextVQA_0.5.1_{split}.json" for split in ("train", "val")}
    return _carded(root, card, files, lambda line: most_common(tuple(line.texts(card.fields.answer))))


def vsr(root: Root) -> Iterator[SourceRow]:
    """Read VSR's train, dev (as val) and test, of the one split (random or zero-shot) that the folder holds."""
    card, answers = _card("vsr"), {"0": "False", "1": "True"}
    files = {"train": "train.jsonl", "val": "dev.jsonl", "test": card.files[0]}

    def answer(line: TableRow) -> str:
        label = line.text(card.fields.answer)
        if label not in answers:
            raise InputError(f"{line.where}: the label is '{label[:40]}'; it must be 0 or 1; download the file again")
        return answers[label]

    return _carded(root, card, files, answer, words="statement")


def iconqa(root: Root) -> Iterator[SourceRow]:
    """Read the available splits of IconQA's three sub-tasks; each question is a folder.

    Options are numbered from 1. If they are pictures, option k is picture k and the diagram is picture 0.
    """
    base = root.need(*(f"train/{kind}" for kind in ICONQA)).rsplit("/", 1)[0][: -len("train")]
    for split, kind in product(SPLITS, ICONQA):
        folders = (path.name for path in (root.folder / base / split / kind).glob("*") if path.is_dir())
        for number in sorted(folders, key=lambda name: (int(name) if name.isdecimal() else 0, name)):
            name = f"{base}{split}/{kind}/{number}"
            yield from (_icon(name, split, kind, line) for line in root.rows(f"{name}/data.json"))


def _icon(name: str, split: str, kind: str, line: TableRow) -> SourceRow:
    card = _card("iconqa")
    pictures = [Picture(f"{name}/{PurePosixPath(card.fields.pictures[0])}")]
    question: list[Part] = [line.cell(card.fields.question).strip()]
    answer, problem = line.cell(card.fields.answer), ""
    if kind != "fill_in_blank":
        choices, right = line.texts(card.fields.options[0]), int(answer) if re.fullmatch("[0-9]{1,4}", answer) else -1
        if right not in range(len(choices)):
            problem, right = f"the answer '{answer[:40]}' is not one of the {len(choices)} choices", 0
        answer = f"option {right + 1}"
        if kind == "choose_img":
            pictures += [Picture(f"{name}/{choice}") for choice in choices]
            question += [part for k in range(1, len(pictures)) for part in (f"\noption {k}: ", ImageMention(k))]
        else:
            question += [f"\noption {k}: {choice}" for k, choice in enumerate(choices, 1)]
            answer += f": {choices[right]}"
    id = f"{split}/{kind}/{name.rsplit('/', 1)[-1]}"
    return SourceRow(id, split, tuple(pictures), {"question": tuple(question)}, answer, problem=problem)


def nlvr2(root: Root) -> Iterator[SourceRow]:
    """Read NLVR2's train, dev (as val) and test1, the public test; both pictures are shown."""
    folders = {"train": "images/train", "val": "dev", "test": "test1"}
    for split, path in root.splits({"train": "train.json", "val": "dev.json", "test": "test1.json"}):
        images = folders[split]
        folder = root.need(images, images.removeprefix("images/"), f"images/{images}")
        for line in root.rows(path):
            row = nlvr2_data.statement(line)
            subfolder = f"{folder}/{line.text('directory')}" if split == "train" else folder
            pictures = tuple(Picture(f"{subfolder}/{name}") for name in row.pictures)
            yield SourceRow(row.id, split, pictures, {"statement": row.text}, str(row.true))


def vcr(root: Root) -> Iterator[SourceRow]:
    """Read VCR's train and val (test has no answers). Picture 0 is the still, picture k + 1 is thing k."""
    for split, path in root.splits({split: f"{split}.jsonl" for split in ("train", "val")}):
        folder = root.need(vcr_data.FOLDER)
        for line in root.rows(path):
            row = vcr_data.question(line)
            picture_numbers = range(1, row.things + 1)
            still, boxes = f"{folder}/{row.still}", f"{folder}/{row.boxes}"
            options = [(f"option {k}: ", *_mentions(row.answers[k], picture_numbers)) for k in range(vcr_data.CHOICES)]
            listed = [part for option in options for part in ("\n", *option)][1:]
            answer = "".join(part if isinstance(part, str) else f"image {part.slot}" for part in options[row.answer])
            pictures = (Picture(still), *(Picture(still, box=(boxes, k)) for k in range(row.things)))
            texts = {"question": _mentions(row.asked, picture_numbers), "options": tuple(listed)}
            yield SourceRow(row.id, split, pictures, texts, answer)


def _mentions(tokens: vcr_data.Tokens, picture_numbers: range) -> tuple[str | ImageMention, ...]:
    parts = vcr_data.spoken(tokens, picture_numbers)
    return tuple(ImageMention(part.image) if isinstance(part, Ref) else str(part) for part in parts)


def msrvttqa(root: Root) -> Iterator[SourceRow]:
    """Read MSRVTT-QA's train, val and test, questions about MSR-VTT's videos."""
    container.check()
    for split, path in root.splits({split: f"{split}_qa.json" for split in SPLITS}):
        folder = videos(root, split)
        for number, line in enumerate(root.rows(path), 1):
            row = video_qa.question(line, number, "video", ".mp4")
            pictures = frames(f"{folder}/{row.files[0]}")
            yield SourceRow(f"{split}-{row.id}", split, pictures, {"question": row.asked}, row.answers[0])
