"""Read captions in Karpathy's splits: `dataset_coco.json` and `dataset_flickr30k.json`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mmeval.data.tables import TableRow
from mmeval.types import InputError

SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}
"""Karpathy's name -> our split."""


@dataclass(frozen=True, eq=False)
class CaptionedPicture:
    """A picture and its captions."""

    name: str
    folder: str
    """Its folder in COCO; empty for Flickr30k, which has one folder."""
    split: str
    captions: tuple[tuple[str, str], ...]
    """(number, text) of each; the number is unique in the set."""
    where: str


def pictures(rows: Iterable[TableRow]) -> Iterator[CaptionedPicture]:
    """Read the rows under `images`. Raises InputError if a row lacks something."""
    for line in rows:
        split, sentences = line.text("split"), line.value("sentences")
        if split not in SPLITS:
            raise InputError(f"{line.where}: the split is '{split[:20]}'; it must be train, val or test")
        if not isinstance(sentences, list) or not sentences or not all(isinstance(item, dict) for item in sentences):
            raise InputError(f"{line.where}: no captions under 'sentences'; download the file again")
        items = [TableRow(item, line.where) for item in sentences]
        captions = tuple((item.text("sentid"), item.cell("raw")) for item in items)
        folder = line.text("filepath") if "filepath" in line.values else ""
        yield CaptionedPicture(line.text("filename"), folder, SPLITS[split], captions, line.where)
