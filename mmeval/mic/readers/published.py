"""Read the published MIC files: JSONL of MIC_full (picture paths) and parquet of MIC_sampled (base64 pictures).

Their texts have declarations and demonstrations written out; `mmicl.mic_text` converts them back to parts.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from mmeval.data import files, parquet
from mmeval.data.tables import TableRow
from mmeval.mic.rows import Picture, Root, SourceRow, of_form
from mmeval.mmicl.context import ImagePlace
from mmeval.mmicl.mic_text import PICTURE, parts
from mmeval.types import InputError, plural

SPLITS = {"train": "train", "val": "val", "dev": "val", "validation": "val", "test": "test"}
TEXTS = ("input_text", "output_text")


def rows(root: Root) -> Iterator[SourceRow]:
    """Read every line of every `.jsonl` and every row of every `.parquet` in the folder; uses 2 KB of memory per row.

    The split comes from the name of a folder or file (train, val, dev, test); the default is train.
    """
    paths = (path.relative_to(root.folder) for path in root.folder.rglob("*") if path.is_file())
    names = sorted(path.as_posix() for path in paths if not files.is_litter(path))
    tables = [name for name in names if name.endswith((".jsonl", ".parquet"))]
    if not tables:
        raise InputError(f"{root.folder}: no .jsonl or .parquet file in it; give the folder of MIC_full or MIC_sampled")
    for name in tables:
        rows = root.rows(name) if name.endswith(".jsonl") else _table(root, name)
        for number, row in enumerate(rows, 1):
            with of_form(row):
                yield _source_row(name, number, row)


def _table(root: Root, name: str) -> Iterator[TableRow]:
    """Read the texts of a table; its pictures are read later, when they are written."""
    path = root.note(name)
    next(parquet.read(path, (*TEXTS, "input_image")), None)  # raises InputError if a column is missing
    return (TableRow(values, where) for values, where in parquet.read(path, TEXTS))


def _source_row(name: str, number: int, line: TableRow) -> SourceRow:
    text, answer = (line.value(column) for column in TEXTS)
    if not isinstance(text, str) or not isinstance(answer, str):
        raise TypeError(f"{' and '.join(TEXTS)} must be texts")
    words = parts(text)
    placed = sum(isinstance(part, ImagePlace) for part in words)
    if name.endswith(".parquet"):
        count = len(re.findall(PICTURE, text))
        pictures = tuple(Picture(name, cell=(number - 1, index)) for index in range(count))
    else:
        paths = line.value("input_image")
        listed = [paths] if isinstance(paths, str) else list(paths)
        pictures = tuple(Picture(PurePosixPath(str(path)).as_posix()) for path in listed)
    problem = "" if placed == len(pictures) else f"{plural(placed, 'place')} for {plural(len(pictures), 'picture')}"
    split = next((SPLITS[word] for word in re.split(r"[/._-]+", name.lower()) if word in SPLITS), "train")
    return SourceRow(f"{name}#{number}", split, pictures, {"text": words}, answer, problem=problem)
