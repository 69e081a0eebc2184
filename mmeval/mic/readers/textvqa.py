"""TextVQA: `data` is a list of questions with ten answers each; pictures of OpenImages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmeval.mic.rows import Picture, Root, SourceRow, listed


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train and val, both with pictures from `train_images`; the answer is the most frequent."""
    files = {split: f"TextVQA_0.5.1_{split}.json" for split in ("train", "val")}
    found = {split: name for split, name in files.items() if root.find(name)}
    folder = root.need("train_images")
    for split, name in (found or {"train": files["train"]}).items():
        path = root.need(name)

        def make(item: dict[str, Any], split: str = split) -> list[SourceRow]:
            answer = Counter(map(str, item["answers"])).most_common(1)[0][0]
            picture = Picture(f"{folder}/{item['image_id']}.jpg")
            return [SourceRow(str(item["question_id"]), split, (picture,), {"question": str(item["question"])}, answer)]

        yield from root.each(path, listed(root, path, root.json(path, dict), "data"), make)
