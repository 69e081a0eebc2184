"""Read NLVR2's release: `train.json`, `dev.json`, `test1.json`, with one object per line about a pair of pictures."""

from dataclasses import dataclass

from mmeval.data.tables import TableRow
from mmeval.types import InputError

LABELS = {"true": True, "false": False}


@dataclass(frozen=True, eq=False)
class Statement:
    """A sentence about a pair of pictures, and whether it is true of them."""

    id: str
    split: str
    set: str
    """The identifier without its pair and its sentence; shared by the pairs of pictures from one search."""
    sentence: str
    """The identifier without its pair."""
    text: str
    true: bool
    pictures: tuple[str, str]
    """File names; those of train are in the folders that the column `directory` names."""


def statement(line: TableRow) -> Statement:
    """Read a row. Raises InputError if its identifier or label has another form."""
    identifier = line.text("identifier")
    parts = identifier.split("-")
    label = line.text("label").strip().lower()
    if len(parts) != 4 or label not in LABELS:
        raise InputError(
            f"{line.where}: '{identifier[:40]}' labeled '{label[:20]}'; write test1-0-1-0 and True or False"
        )
    split, number, pair, sentence = parts
    group, text = f"{split}-{number}", line.text("sentence")
    pictures = (f"{group}-{pair}-img0.png", f"{group}-{pair}-img1.png")
    return Statement(identifier, split, group, f"{group}--{sentence}", text, LABELS[label], pictures)
