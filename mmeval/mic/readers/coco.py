"""COCO captions: the official `captions_*.json`, or Karpathy's `dataset_coco.json`, which has a test split too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mmeval.mic.rows import MicError, Picture, Root, SourceRow, listed

KARPATHY = {"train": "train", "restval": "train", "val": "val", "test": "test"}


def rows(root: Root) -> Iterator[SourceRow]:
    """A row a caption. Karpathy's splits where his file is there, else the official train and val of 2017 or 2014."""
    karpathy = root.find("dataset_coco.json")
    if karpathy:
        yield from karpathys(root, karpathy)
        return
    for year in ("2017", "2014"):
        files = {split: root.find(f"captions_{split}{year}.json") for split in ("train", "val")}
        if any(files.values()):
            for split, path in files.items():
                if path:
                    yield from _official(root, path, split, root.need(f"{split}{year}", f"images/{split}{year}"))
            return
    root.need("dataset_coco.json", "captions_train2017.json", "captions_train2014.json")


def _official(root: Root, path: str, split: str, folder: str) -> Iterator[SourceRow]:
    content = root.json(path, dict)
    images = listed(root, path, content, "images")
    names = root.index(path, images, lambda image: (image["id"], str(image["file_name"])))

    def make(item: dict[str, Any]) -> list[SourceRow]:
        if item["image_id"] not in names:
            raise MicError(f"{root.folder / path}: caption {item['id']} is of an image that is not listed")
        picture = Picture(f"{folder}/{names[item['image_id']]}")
        return [SourceRow(str(item["id"]), split, (picture,), {}, str(item["caption"]))]

    yield from root.each(path, listed(root, path, content, "annotations"), make)


def karpathys(root: Root, path: str, pictures: str = "") -> Iterator[SourceRow]:
    """Karpathy's form, which Flickr30k has too: images with their split and their `sentences`."""

    def make(item: dict[str, Any]) -> list[SourceRow]:
        if not pictures and not re.fullmatch(r"\w+", item["filepath"]):
            raise ValueError(f"filepath '{item['filepath']}'")
        folder = pictures or root.need(item["filepath"], f"images/{item['filepath']}")
        picture = Picture(f"{folder}/{item['filename']}")
        split = KARPATHY[item["split"]]
        return [SourceRow(str(said["sentid"]), split, (picture,), {}, str(said["raw"])) for said in item["sentences"]]

    yield from root.each(path, listed(root, path, root.json(path, dict), "images"), make)
