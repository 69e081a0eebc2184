"""NLVR2: a JSON object a line, about a left and a right picture; both are shown, as pictures 0 and 1."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mmeval.mic.rows import Picture, Root, SourceRow

FILES = {"train": "train.json", "val": "dev.json", "test": "test1.json"}
FOLDERS = {"train": "images/train", "val": "dev", "test": "test1"}


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train, val (dev) and test (test1, the public one).

    The pair of pictures of `dev-850-0-1` is `dev-850-0-img0.png` and `-img1.png`; those of train lie in
    numbered folders, which the annotation names (`directory`).
    """
    found = {split: name for split, name in FILES.items() if root.find(name)}
    for split, name in (found or {"train": FILES["train"]}).items():
        path = root.need(name)
        folder = root.need(FOLDERS[split], FOLDERS[split].removeprefix("images/"), f"images/{FOLDERS[split]}")

        def make(line: str, split: str = split, folder: str = folder) -> list[SourceRow]:
            item = json.loads(line)
            pair = item["identifier"].rsplit("-", 1)[0]
            where = f"{folder}/{item['directory']}" if split == "train" else folder
            pictures = tuple(Picture(f"{where}/{pair}-img{side}.png") for side in (0, 1))
            answer = {"true": "True", "false": "False"}[str(item["label"]).lower()]
            return [SourceRow(item["identifier"], split, pictures, {"statement": str(item["sentence"])}, answer)]

        yield from root.each(path, root.lines(path), make)
