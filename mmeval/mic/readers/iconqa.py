"""IconQA: a folder a question (`data.json`, `image.png`, and `choice_0.png` ... where pictures are chosen from)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmeval.mic.rows import SPLITS, Picture, Root, SourceRow
from mmeval.mmicl.context import ImageMention, Part

KINDS = ("choose_img", "choose_txt", "fill_in_blank")


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train, val and test of the three sub-tasks, as far as they are there.

    Options are numbered from 1; where they are pictures, option k is picture k, and the diagram picture 0.
    """
    base = root.need("train/choose_txt", "train/choose_img", "train/fill_in_blank").rsplit("/", 1)[0][: -len("train")]
    for split in SPLITS:
        for kind in KINDS:
            folder = root.folder / base / split / kind
            if folder.is_dir():
                questions = sorted((path for path in folder.iterdir() if path.is_dir()), key=_number)
                names = [f"{base}{split}/{kind}/{path.name}" for path in questions]

                def make(name: str, split: str = split, kind: str = kind) -> list[SourceRow]:
                    value = json.loads(root.text(f"{name}/data.json"))
                    return [_row(name, split, kind, value)]

                yield from root.each(f"{base}{split}/{kind}", names, make)


def _number(path: Path) -> tuple[int, str]:
    return (int(path.name) if path.name.isdigit() else 0, path.name)


def _row(name: str, split: str, kind: str, value: dict[str, Any]) -> SourceRow:
    pictures = [Picture(f"{name}/image.png")]
    question: list[Part] = [str(value["question"]).strip()]
    answer = str(value["answer"])
    problem = ""
    if kind != "fill_in_blank":
        choices, right = [str(choice) for choice in value["choices"]], int(value["answer"])
        if not 0 <= right < len(choices):
            problem, right = f"answer {right} is none of {len(choices)} choices", 0
        answer = f"option {right + 1}"
        if kind == "choose_img":
            pictures += [Picture(f"{name}/{choice}") for choice in choices]
            for k in range(1, len(choices) + 1):
                question += [f"\noption {k}: ", ImageMention(k)]
        else:
            question += [f"\noption {k}: {choice}" for k, choice in enumerate(choices, 1)]
            answer += f": {choices[right]}" if choices else ""
    said = {"question": tuple(question)}
    return SourceRow(f"{split}/{kind}/{name.rsplit('/', 1)[-1]}", split, tuple(pictures), said, answer, problem=problem)
