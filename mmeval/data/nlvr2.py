"""Read NLVR2's release: `train.json`, `dev.json`, `test1.json`, an object a line about a left and a right picture."""

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
    """The identifier without its pair and its sentence: what pairs of pictures of one search have in common."""
    sentence: str
    """The identifier without its pair."""
    text: str
    true: bool
    pictures: tuple[str, str]
    """The names of their files; those of train lie in folders that the column `directory` names."""


def statement(line: TableRow) -> Statement:
    """Read a row. Raises InputError for an identifier or a label of another form."""
    identifier = line.text("identifier")
    parts = identifier.split("-")
    label = line.text("label").strip().lower()
    if len(parts) != 4 or label not in LABELS:
        raise InputError(f"{line.where}: '{identifier[:40]}' labelled '{label[:20]}'; as in test1-0-1-0, True or False")
    split, number, pair, sentence = parts
    group, text = f"{split}-{number}", line.text("sentence")
    pictures = (f"{group}-{pair}-img0.png", f"{group}-{pair}-img1.png")
    return Statement(identifier, split, group, f"{group}--{sentence}", text, LABELS[label], pictures)
