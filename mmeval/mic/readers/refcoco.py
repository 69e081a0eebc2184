"""RefCOCO: an object of a COCO picture, said by where it is, and the expression that refers to it.

Read are `refs(unc).json` (the official `refs(unc).p`, converted) with `instances.json`, or MDETR's
`finetune_refcoco_*.json`, which are COCO files with an image entry an expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mmeval.mic.rows import MicError, Picture, Root, SourceRow, listed

SPLITS = {"train": "train", "val": "val", "testA": "test", "testB": "test", "test": "test"}
WORDS = (
    ("top left", "top middle", "top right"),
    ("middle left", "center", "middle right"),
    ("bottom left", "bottom middle", "bottom right"),
)


def rows(root: Root) -> Iterator[SourceRow]:
    """A row an expression. MMICL asks by the ninth of the picture that the box's centre is in, not by the box."""
    folder = root.need("train2014", "images/train2014")
    refs = root.find("refs(unc).json", "refs(google).json")
    if refs:
        yield from _official(root, refs, folder)
    elif found := [name for split in SPLITS if (name := root.find(f"finetune_refcoco_{split}.json"))]:
        for name in found:
            yield from _mdetr(root, name, folder)
    elif pickled := root.find("refs(unc).p", "refs(google).p"):
        name = pickled.rsplit("/", 1)[-1]
        raise MicError(
            f"{root.folder / pickled}: a pickle, which can run any code, and is not opened. Convert it yourself, if "
            f"you trust it: python -c \"import json, pickle; json.dump(pickle.load(open('{name}', 'rb')), "
            f"open('{name.removesuffix('.p')}.json', 'w'))\""
        )
    else:
        root.need("refs(unc).json", "finetune_refcoco_train.json")


def _official(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    instances = root.need("instances.json")
    content = root.json(instances, dict)
    boxes = root.index(
        instances, listed(root, instances, content, "annotations"), lambda item: (item["id"], item["bbox"])
    )
    images = root.index(instances, listed(root, instances, content, "images"), lambda item: (item["id"], item))

    def make(ref: dict[str, Any]) -> Iterator[SourceRow]:
        image = images[ref["image_id"]]
        picture = Picture(f"{folder}/{image['file_name']}")
        where, problem = _place(ref.get("bbox") or boxes[ref["ann_id"]], image["width"], image["height"])
        for said in ref["sentences"]:
            text = str(said["sent"])
            yield SourceRow(str(said["sent_id"]), SPLITS[ref["split"]], (picture,), {"place": where}, text, (), problem)

    yield from root.each(path, root.json(path, list), make)


def _mdetr(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    content = root.json(path, dict)
    annotated = listed(root, path, content, "annotations")
    boxes = root.index(path, annotated, lambda item: (item["image_id"], item["bbox"]))
    name = re.sub(r".*finetune_refcoco_(\w+)\.json", r"\1", path)

    def make(image: dict[str, Any]) -> Iterator[SourceRow]:
        where, problem = _place(boxes[image["id"]], image["width"], image["height"])
        picture = Picture(f"{folder}/{image['file_name']}")
        said = {"place": where}
        yield SourceRow(f"{name}-{image['id']}", SPLITS[name], (picture,), said, str(image["caption"]), (), problem)

    yield from root.each(path, listed(root, path, content, "images"), make)


def _place(box: list[float], width: float, height: float) -> tuple[str, str]:
    """The ninth of the picture that the centre of a box (left, top, width, height) is in, and what is wrong."""
    x, y = (box[0] + box[2] / 2) / width, (box[1] + box[3] / 2) / height
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return "", f"the box {box} is not in the picture of {width} x {height}"
    return WORDS[min(int(y * 3), 2)][min(int(x * 3), 2)], ""
