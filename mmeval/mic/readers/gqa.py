"""GQA: an object of questions by id for each balanced split; `imageId` names the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmeval.mic.rows import Picture, Root, SourceRow

FILES = {"train": "train_balanced", "val": "val_balanced", "test": "testdev_balanced"}
"""The answers of test are not public: test-dev stands in, as everywhere."""


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train, val and test (test-dev); the answer is the short one."""
    files = {split: f"{name}_questions.json" for split, name in FILES.items()}
    found = {split: name for split, name in files.items() if root.find(name)}
    folder = root.need("images")
    for split, name in (found or {"train": files["train"]}).items():
        path = root.need(name)

        def make(item: tuple[str, tuple[str, str, str]], split: str = split) -> list[SourceRow]:
            number, (image, question, answer) = item
            picture = Picture(f"{folder}/{image}.jpg")
            return [SourceRow(number, split, (picture,), {"question": str(question)}, str(answer))]

        yield from root.each(path, root.json(path, dict, _small).items(), make)


def _small(value: dict[str, Any]) -> Any:
    """A question without its program and scene graph: the file is a gigabyte."""
    if "imageId" in value and "question" in value:
        return value["imageId"], value["question"], value["answer"]
    return value
