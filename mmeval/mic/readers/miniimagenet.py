"""miniImageNet: Ravi and Larochelle's `train.csv`, `val.csv`, `test.csv`: a picture and its WordNet number a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmeval.mic.rows import SPLITS, MicError, Picture, Root, SourceRow

NAMES = ("synset_words.txt", "LOC_synset_mapping.txt", "words.txt")
"""ImageNet's own lists of names: `n01440764 tench, Tinca tinca` a line."""


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train, val and test; the answer is the first name of the class."""
    names = _names(root)
    folder = root.need("images")
    found = [split for split in SPLITS if root.find(f"{split}.csv")]
    for split in found or ["train"]:
        path = root.need(f"{split}.csv")

        def make(line: dict[str, str], split: str = split, path: str = path) -> list[SourceRow]:
            if line["label"] not in names:
                raise MicError(f"{root.folder / path}: class {line['label']} is in none of {', '.join(NAMES)}")
            picture = Picture(f"{folder}/{line['filename']}")
            return [SourceRow(line["filename"], split, (picture,), {}, names[line["label"]])]

        yield from root.each(path, root.table(path), make)


def _names(root: Root) -> dict[str, str]:
    path = root.need(*NAMES)
    names: dict[str, str] = {}
    for number, line in enumerate(root.lines(path), 1):
        found = re.match(r"(n\d{8})\s+([^,\r]+)", line)
        if not found:
            raise MicError(f"{root.folder / path}, line {number}: not a WordNet number and a name")
        names[found[1]] = found[2].strip()
    return names
