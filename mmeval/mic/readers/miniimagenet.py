"""Read miniImageNet: Ravi and Larochelle's `{train,val,test}.csv`, one picture and WordNet number per line."""

import re
from collections.abc import Iterator

from mmeval.mic.rows import SPLITS, Picture, Root, SourceRow
from mmeval.types import InputError

NAMES = ("synset_words.txt", "LOC_synset_mapping.txt", "words.txt")
"""ImageNet's own lists of names, with lines like `n01440764 tench, Tinca tinca`."""


def rows(root: Root) -> Iterator[SourceRow]:
    """Read train, val and test; the answer is the first name of the class."""
    names: dict[str, str] = {}
    for text, where in root.lines(root.need(*NAMES)):
        match = re.match(r"(n\d{8})\s+([^,\r]+)", text)
        if not match:
            raise InputError(f"{where}: not a WordNet number and a name; download the file again")
        names[match[1]] = match[2].strip()
    folder = root.need("images")
    for split, path in root.splits({split: f"{split}.csv" for split in SPLITS}):
        for line in root.rows(path):
            name, label = line.text("filename"), line.text("label")
            if label not in names:
                nowhere = f"class {label} is in none of {', '.join(NAMES)}"
                raise InputError(f"{line.where}: {nowhere}; download the file again")
            yield SourceRow(name, split, (Picture(f"{folder}/{name}"),), {}, names[label])
