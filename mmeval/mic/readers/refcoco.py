"""Read RefCOCO: objects of COCO pictures, each located by its place, and the expressions that refer to them.

The files are `refs(unc).json` (the official `refs(unc).p`, converted) with `instances.json`, or MDETR's
`finetune_refcoco_*.json`, which are COCO files with one image entry per expression.
"""

import re
from collections.abc import Iterator

from mmeval.data.tables import TableRow
from mmeval.mic.rows import Picture, Root, SourceRow, index, of_form
from mmeval.types import InputError

SPLITS = {"train": "train", "val": "val", "testA": "test", "testB": "test", "test": "test"}
WORDS = (
    ("top left", "top middle", "top right"),
    ("middle left", "center", "middle right"),
    ("bottom left", "bottom middle", "bottom right"),
)


def rows(root: Root) -> Iterator[SourceRow]:
    """Yield one row per expression. MMICL asks by the ninth of the picture that contains the box's center."""
    folder = root.need("train2014", "images/train2014")
    if refs := root.find("refs(unc).json", "refs(google).json"):
        yield from _official(root, refs, folder)
    elif paths := [name for split in SPLITS if (name := root.find(f"finetune_refcoco_{split}.json"))]:
        for name in paths:
            yield from _mdetr(root, name, folder)
    elif pickled := root.find("refs(unc).p", "refs(google).p"):
        name = pickled.rsplit("/", 1)[-1]
        raise InputError(
            f"{root.folder / pickled}: a pickle, which can run any code and is not opened. If you trust it, convert "
            f"it yourself: python -c \"import json, pickle; json.dump(pickle.load(open('{name}', 'rb')), "
            f"open('{name.removesuffix('.p')}.json', 'w'))\""
        )
    else:
        root.need("refs(unc).json", "finetune_refcoco_train.json")


def _official(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    annotations, pictures = root.lists(root.need("instances.json"), "annotations", "images")
    boxes = index(annotations, lambda line: (line.value("id"), line.value("bbox")))
    images = index(pictures, lambda line: (line.value("id"), line))
    for ref in root.rows(path, "."):
        with of_form(ref):
            image = images[ref.value("image_id")]
            picture = Picture(f"{folder}/{image.value('file_name')}")
            texts, problem = _position(ref.values.get("bbox") or boxes[ref.value("ann_id")], image)
            split, sentences = SPLITS[ref.value("split")], ref.value("sentences")
            for sentence in sentences:
                yield SourceRow(str(sentence["sent_id"]), split, (picture,), texts, str(sentence["sent"]), (), problem)


def _mdetr(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    annotations, images = root.lists(path, "annotations", "images")
    boxes = index(annotations, lambda line: (line.value("image_id"), line.value("bbox")))
    name = re.sub(r".*finetune_refcoco_(\w+)\.json", r"\1", path)
    for image in images:
        with of_form(image):
            texts, problem = _position(boxes[image.value("id")], image)
            picture, id = Picture(f"{folder}/{image.value('file_name')}"), f"{name}-{image.value('id')}"
            yield SourceRow(id, SPLITS[name], (picture,), texts, str(image.value("caption")), (), problem)


def _position(box: list[float], image: TableRow) -> tuple[dict[str, str], str]:
    """Return the ninth of the picture that contains a box's center (box: left, top, width, height), and any problem."""
    width, height = image.value("width"), image.value("height")
    x, y = (box[0] + box[2] / 2) / width, (box[1] + box[3] / 2) / height
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return {"place": ""}, f"the box {box} is outside the {width} x {height} picture"
    return {"place": WORDS[min(int(y * 3), 2)][min(int(x * 3), 2)]}, ""
