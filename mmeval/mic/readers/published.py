"""The published MIC files: JSONL of MIC_full (paths of pictures), parquet of MIC_sampled (pictures in base64).

Their texts come with declarations ("image 0 is <image0>图") and with the demonstrations written out. Each becomes
parts again: pictures shown and spoken of, so that any context can introduce them, and numbers follow the pictures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from mmeval.mic.rows import MicError, Picture, Root, SourceRow
from mmeval.mmicl.context import ImageMention, ImagePlace, Part

PICTURE = r"(?:图|<visual_embedding>)"
STATED = re.compile(rf"(?:image\s*(\d+)\s*is\s*)?(?:<image(\d+)>)?\s?{PICTURE}[.,]?[ \t]*", re.IGNORECASE)
"""A declaration that is a statement of its own: `image 0 is <image0>图.`"""
NAMED = re.compile(rf"(?:image\s*(\d+)\s*:\s*)?(?:<image(\d+)>)?\s?{PICTURE}", re.IGNORECASE)
WITHIN = re.compile(rf"image\s*\d+\s*:\s*(?:<image\d+>)?\s?{PICTURE}", re.IGNORECASE)
"""A declaration inside a sentence: `Use the image 0: <image0>图 as a visual aid`."""
SPOKEN = re.compile(r"<image(\d+)>|\bimage (\d+)\b")
SPLITS = {"train": "train", "val": "val", "dev": "val", "validation": "val", "test": "test"}


def rows(root: Root) -> Iterator[SourceRow]:
    """Every line of every `.jsonl` and every row of every `.parquet` in the folder.

    The split is what a folder or a file is called (train, val, dev, test), else train. About two kilobytes of
    memory a row.
    """
    names = sorted(path.relative_to(root.folder).as_posix() for path in root.folder.rglob("*") if path.is_file())
    files = [name for name in names if name.endswith((".jsonl", ".parquet"))]
    if not files:
        raise MicError(f"{root.folder}: no .jsonl or .parquet file in it; give the folder of MIC_full or MIC_sampled")
    for name in files:
        yield from _lines(root, name) if name.endswith(".jsonl") else _table(root, name)


def _lines(root: Root, name: str) -> Iterator[SourceRow]:
    split = _split(name)

    def make(item: tuple[int, str]) -> list[SourceRow]:
        number, line = item
        value = json.loads(line)
        paths = value["input_image"]
        listed = [paths] if isinstance(paths, str) else list(paths)
        pictures = tuple(Picture(PurePosixPath(str(path)).as_posix()) for path in listed)
        return [_row(f"{name}#{number}", split, pictures, value)]

    yield from root.each(name, enumerate(root.lines(name), 1), make)


def _table(root: Root, name: str) -> Iterator[SourceRow]:
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    split = _split(name)
    try:
        file = pyarrow.parquet.ParquetFile(root.note(name))
        values = file.read(columns=["input_text", "output_text"]).to_pylist()
    except pyarrow.ArrowException as error:
        raise MicError(f"{root.folder / name}: cannot be read as parquet ({error}); download it again") from error
    if "input_image" not in file.schema_arrow.names:
        raise MicError(f"{root.folder / name}: no column 'input_image'; is it a file of MIC_sampled?")

    def make(item: tuple[int, dict[str, Any]]) -> list[SourceRow]:
        number, value = item
        count = len(re.findall(PICTURE, value["input_text"]))
        pictures = tuple(Picture(name, cell=(number, place)) for place in range(count))
        return [_row(f"{name}#{number + 1}", split, pictures, value)]

    yield from root.each(name, enumerate(values), make)


def _row(number: str, split: str, pictures: tuple[Picture, ...], value: Mapping[str, Any]) -> SourceRow:
    text, answer = value["input_text"], value["output_text"]
    if not isinstance(text, str) or not isinstance(answer, str):
        raise TypeError("input_text and output_text must be texts")
    words = parts(text)
    shown = sum(isinstance(part, ImagePlace) for part in words)
    problem = "" if shown == len(pictures) else f"{shown} places for {len(pictures)} pictures"
    return SourceRow(number, split, pictures, {"text": words}, answer, problem=problem)


def parts(text: str) -> tuple[Part, ...]:
    """A text of MIC as parts.

    A number is that of the last picture declared with it, or of the next one where none was yet: the original
    numbers the question's picture 0 again after a single demonstration, and here it becomes picture 1.
    """
    declared: list[tuple[int, int]] = []  # (number in the text, slot)
    pieces: list[Part] = []
    for line in text.splitlines(keepends=True):
        pieces += _line(line, declared)
    resolved: list[Part] = []
    seen = 0
    for piece in pieces:
        if isinstance(piece, ImagePlace):
            seen += 1
            resolved.append(piece)
        elif isinstance(piece, ImageMention):
            slot = _slot(piece.slot, declared, seen)
            resolved.append(f"image {piece.slot}" if slot is None else ImageMention(slot))
        else:
            resolved.append(piece)
    return tuple(piece for piece in resolved if piece != "")


def _line(line: str, declared: list[tuple[int, int]]) -> list[Part]:
    """A line with `Shown` counted through the text; `Spoken` holds the number as it stands there."""
    pattern, hoisted = (NAMED, True) if WITHIN.search(line) else (STATED, False)
    first: list[Part] = []
    rest: list[Part] = []
    end = 0
    for found in pattern.finditer(line) if re.search(PICTURE, line) else ():
        slot = len(declared)
        number = next((int(group) for group in found.groups() if group is not None), slot)
        declared.append((number, slot))
        rest += _spoken(line[end : found.start()])
        if hoisted:
            first.append(ImagePlace(slot))
            rest.append(ImageMention(number))
        else:
            rest.append(ImagePlace(slot))
        end = found.end()
    rest += _spoken(line[end:])
    if (
        rest
        and isinstance(rest[-1], str)
        and not rest[-1].strip()
        and len(rest) > 1
        and isinstance(rest[-2], ImagePlace)
    ):
        rest.pop()  # the line break after a declaration, which the context writes itself
    return [*first, *rest]


def _spoken(text: str) -> list[Part]:
    pieces: list[Part] = []
    end = 0
    for found in SPOKEN.finditer(text):
        pieces += [text[end : found.start()], ImageMention(int(found[1] or found[2]))]
        end = found.end()
    return [*pieces, text[end:]]


def _slot(number: int, declared: list[tuple[int, int]], seen: int) -> int | None:
    before = [slot for known, slot in declared if known == number and slot < seen]
    after = [slot for known, slot in declared if known == number and slot >= seen]
    return before[-1] if before else after[0] if after else None


def _split(name: str) -> str:
    for word in re.split(r"[/._-]+", name.lower()):
        if word in SPLITS:
            return SPLITS[word]
    return "train"
