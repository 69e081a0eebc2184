"""VSR (visual spatial reasoning): a caption that says where two things are, and whether it is true; a line each."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mmeval.mic.rows import Picture, Root, SourceRow

FILES = {"train": "train.jsonl", "val": "dev.jsonl", "test": "test.jsonl"}


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train, val (dev) and test of the one split (random or zero-shot) that the folder holds."""
    found = {split: name for split, name in FILES.items() if root.find(name)}
    folder = root.need("images", "trainval2017", "train2017")
    for split, name in (found or {"train": FILES["train"]}).items():
        path = root.need(name)

        def make(item: tuple[int, str], split: str = split) -> list[SourceRow]:
            number, line = item
            value = json.loads(line)
            answer = {0: "False", 1: "True"}[int(value["label"])]
            picture = Picture(f"{folder}/{value['image']}")
            return [SourceRow(f"{split}-{number}", split, (picture,), {"statement": str(value["caption"])}, answer)]

        yield from root.each(path, enumerate(root.lines(path), 1), make)
