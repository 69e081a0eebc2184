"""Winoground's pairs: its release (`examples.jsonl` and `images/`), a table, or the hub, where it is gated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmeval.data import lines
from mmeval.data.lines import TableRow
from mmeval.types import Image, InputError

FILES = ("examples.jsonl", "data/examples.jsonl", "*.parquet", "data/*.parquet")


@dataclass(frozen=True, eq=False)
class Pair:
    """Two captions of the same words, and a picture for each."""

    id: str
    captions: tuple[str, str]
    images: tuple[Image, Image]
    tag: str
    """Object, Relation or Both, where the data says it."""


def pairs(data: str, hub: Mapping[str, str]) -> Iterator[Pair]:
    """The pairs in the data's order. Raises InputError for what a row lacks."""
    for line in lines.read(data, FILES, hub, "winoground"):
        captions = (line.text("caption_0"), line.text("caption_1"))
        if captions[0] == captions[1]:
            raise InputError(f"{line.where}: two captions that are the same; get the file again")
        images = (_picture(line, "image_0"), _picture(line, "image_1"))
        yield Pair(line.text("id"), captions, images, str(line.values.get("collapsed_tag") or ""))


def _picture(line: TableRow, column: str) -> Image:
    """The picture of a column, which the release names without its ending: `ex_0_img_0`."""
    value = line.value(column)
    if isinstance(value, str) and line.folder is not None and not Path(value).suffix:
        return lines.file(line.folder, f"images/{value}.png", line.where)
    found = line.images(column)
    if len(found) != 1:
        raise InputError(f"{line.where}: {len(found)} pictures in the column {column}, not 1; get the file again")
    return found[0]
