"""Read the published MIC files: JSONL of MIC_full (paths of pictures), parquet of MIC_sampled (pictures in base64).

Their texts come with declarations ("image 0 is <image0>图") and with the demonstrations written out. Each becomes
parts again, pictures shown and mentioned, so that any context can introduce them, and numbers follow the pictures. A
declaration inside a sentence stays there.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from mmeval.data import files, tables
from mmeval.data.tables import TableRow
from mmeval.mic.rows import Picture, Root, SourceRow, of_form
from mmeval.mmicl.context import ImageMention, ImagePlace, Part
from mmeval.types import InputError

PICTURE = r"(?:图|<visual_embedding>)"
STATED = re.compile(rf"(?:image\s*(\d+)\s*is\s*)?(?:<image(\d+)>)?\s?{PICTURE}[.,]?[ \t]*", re.IGNORECASE)
"""A declaration that is a statement of its own: `image 0 is <image0>图.`"""
NAMED = re.compile(rf"(?:image\s*(\d+)\s*:\s*)?(?:<image(\d+)>)?\s?{PICTURE}", re.IGNORECASE)
WITHIN = re.compile(rf"image\s*\d+\s*:\s*(?:<image\d+>)?\s?{PICTURE}", re.IGNORECASE)
"""A declaration inside a sentence: `Use the image 0: <image0>图 as a visual aid`."""
SPOKEN = re.compile(r"(<image\d+>|\bimage \d+\b)")
SPLITS = {"train": "train", "val": "val", "dev": "val", "validation": "val", "test": "test"}
TEXTS = ("input_text", "output_text")


def rows(root: Root) -> Iterator[SourceRow]:
    """Read every line of every `.jsonl` and every row of every `.parquet` in the folder; 2 KB of memory a row.

    The split is what a folder or a file is called (train, val, dev, test), else train.
    """
    paths = (path.relative_to(root.folder) for path in root.folder.rglob("*") if path.is_file())
    names = sorted(path.as_posix() for path in paths if not files.is_litter(path))
    found = [name for name in names if name.endswith((".jsonl", ".parquet"))]
    if not found:
        raise InputError(f"{root.folder}: no .jsonl or .parquet file in it; give the folder of MIC_full or MIC_sampled")
    for name in found:
        rows = root.rows(name) if name.endswith(".jsonl") else _table(root, name)
        for number, row in enumerate(rows, 1):
            with of_form(row):
                yield _made(name, number, row)


def _table(root: Root, name: str) -> Iterator[TableRow]:
    """Read the texts of a table; its pictures are read one by one, when they are written."""
    path = root.note(name)
    next(tables.parquet(path, (*TEXTS, "input_image")), None)  # raises InputError for a column that is missing
    return (TableRow(values, where) for values, where in tables.parquet(path, TEXTS))


def _made(name: str, number: int, line: TableRow) -> SourceRow:
    text, answer = (line.value(column) for column in TEXTS)
    if not isinstance(text, str) or not isinstance(answer, str):
        raise TypeError(f"{' and '.join(TEXTS)} must be texts")
    words = parts(text)
    shown = sum(isinstance(part, ImagePlace) for part in words)
    if name.endswith(".parquet"):
        count = len(re.findall(PICTURE, text))
        pictures = tuple(Picture(name, cell=(number - 1, place)) for place in range(count))
    else:
        paths = line.value("input_image")
        listed = [paths] if isinstance(paths, str) else list(paths)
        pictures = tuple(Picture(PurePosixPath(str(path)).as_posix()) for path in listed)
    problem = "" if shown == len(pictures) else f"{shown} places for {len(pictures)} pictures"
    split = next((SPLITS[word] for word in re.split(r"[/._-]+", name.lower()) if word in SPLITS), "train")
    return SourceRow(f"{name}#{number}", split, pictures, {"text": words}, answer, problem=problem)


def parts(text: str) -> tuple[Part, ...]:
    """Turn a text of MIC into parts.

    A number is that of the last picture declared with it, or of the next one where none was yet: the original
    numbers the question's picture 0 again after a single demonstration, and here it becomes picture 1.
    """
    declared: list[int] = []  # of each slot, its number in the text
    pieces: list[Part] = []
    for line in text.splitlines(keepends=True):
        pieces += _line(line, declared)
    resolved: list[Part] = []
    seen = 0
    for piece in pieces:
        if isinstance(piece, ImageMention):
            slots = [slot for slot, number in enumerate(declared) if number == piece.slot]
            slot = max((slot for slot in slots if slot < seen), default=min(slots, default=None))
            piece = f"image {piece.slot}" if slot is None else ImageMention(slot)
        seen += isinstance(piece, ImagePlace)
        if piece != "":
            resolved.append(piece)
    return tuple(resolved)


def _line(line: str, declared: list[int]) -> list[Part]:
    """Turn a line into parts: places count through the text, a mention holds the number as it stands there."""
    pattern, inline = (NAMED, True) if WITHIN.search(line) else (STATED, False)
    rest: list[Part] = []
    end = 0
    for found in pattern.finditer(line) if re.search(PICTURE, line) else ():
        slot = len(declared)
        number = next((int(group) for group in found.groups() if group is not None), slot)
        declared.append(number)
        rest += _spoken(line[end : found.start()])
        rest.append(ImagePlace(slot, inline))
        end = found.end()
    rest += _spoken(line[end:])
    match rest:
        case [*_, ImagePlace(inline=False), str(blank)] if not blank.strip():
            rest.pop()  # the line break after a declaration, which the context writes itself
    return rest


def _spoken(text: str) -> list[Part]:
    pieces = enumerate(SPOKEN.split(text))  # every other one is a mention
    return [ImageMention(int(piece.strip("<image >"))) if k % 2 else piece for k, piece in pieces]
