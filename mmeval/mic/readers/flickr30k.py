"""Flickr30k: the official token file, `results.csv`, Karpathy's `dataset_flickr30k.json`, or the hub's table of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mmeval.mic.readers.coco import KARPATHY, karpathys
from mmeval.mic.rows import SPLITS, Picture, Root, SourceRow

TOKENS = "results_20130124.token"
FOLDERS = ("flickr30k-images", "flickr30k_images", "images")


def rows(root: Root) -> Iterator[SourceRow]:
    """A row a caption.

    The token and results files know no splits: those of `train.txt`, `val.txt` and `test.txt` beside them (a
    picture's name a line, as Flickr30k Entities has them) are taken, and all is train where these are missing.
    """
    folder = root.need(*FOLDERS)
    if path := root.find("dataset_flickr30k.json"):
        yield from karpathys(root, path, folder)
    elif path := root.find("flickr_annotations_30k.csv"):
        yield from _table(root, path, folder)
    else:
        path = root.need(TOKENS, "results.csv")
        yield from _captions(root, path, folder, _splits(root))


def _table(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    """The table of `nlphuji/flickr30k`: five captions in a JSON list, Karpathy's splits."""

    def make(line: dict[str, str]) -> list[SourceRow]:
        said = zip(json.loads(line["sentids"]), json.loads(line["raw"]), strict=True)
        picture, split = Picture(f"{folder}/{line['filename']}"), KARPATHY[line["split"]]
        return [SourceRow(str(number), split, (picture,), {}, str(caption)) for number, caption in said]

    yield from root.each(path, root.table(path), make)


def _captions(root: Root, path: str, folder: str, splits: dict[str, str]) -> Iterator[SourceRow]:
    """`name.jpg#0<TAB>caption`, or `name.jpg| 0| caption` under a line of titles."""
    token = path.endswith(".token")

    def make(line: str) -> list[SourceRow]:
        if token:
            name, caption = line.rstrip("\r").split("\t", 1)
            name, number = name.rsplit("#", 1)
        else:
            name, number, caption = (part.strip() for part in line.split("|", 2))
        split = splits.get(name.removesuffix(".jpg"), "train") if splits else "train"
        return [SourceRow(f"{name}#{int(number)}", split, (Picture(f"{folder}/{name}"),), {}, caption)]

    lines = root.lines(path)
    yield from root.each(path, lines if token else lines[1:], make)


def _splits(root: Root) -> dict[str, str]:
    """The split of each picture, by its name without suffix."""
    found: dict[str, str] = {}
    for split in SPLITS:
        if path := root.find(f"{split}.txt"):
            found |= {line.strip().removesuffix(".jpg"): split for line in root.lines(path)}
    return found
