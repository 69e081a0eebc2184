"""MMBench's table, and any in its format: a row a question, options in columns A to D, the picture as base64.

A rotated row has the index of its question plus a multiple of a million; its picture is its own (the `_legacy` files)
or the index of the row that has it. Rows come out question by question, whatever their order in the file.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mmeval.scoring.metrics.circular import turned, turned_letter
from mmeval.scoring.readings.choices import LETTERS
from mmeval.types import Image, InputError

PASS = 1_000_000
"""What each turn of a question adds to its index."""
REFERENCE = 64
"""A picture cell of at most so many characters is the index of the row that holds the picture."""
COLUMNS = ("index", "question", "A", "B", "C", "D", "category", "image")
LARGEST = 1 << 28
"""Characters of one cell: a picture of 200 megabytes."""
DIGITS = 15
"""Of an index at most: what a spreadsheet keeps of a number."""


@dataclass(frozen=True, eq=False)
class MMBenchRow:
    """A question as it is asked: of a turn, if it is one."""

    index: int
    question: int
    """The index of the question that it is a turn of: its own for the first pass."""
    cells: Mapping[str, str]
    """Every column but the picture, by name in lower case; the options' names are capitals."""
    options: tuple[str, ...]
    answer: str
    """A letter, or nothing where the file has no answers."""
    image: Image
    where: str
    """File and line, for whoever has to mend it."""


@dataclass(frozen=True)
class PictureCell:
    """A picture cell: what reads it, or the index of the row whose picture is meant."""

    read: Callable[[], bytes] | None
    refers: str = ""


Line = tuple[Mapping[str, str], PictureCell, str]
"""A line of a table: its cells, its picture, and where it stands."""


def questions(lines: Iterable[Line], *, partial: bool = False) -> Iterator[list[MMBenchRow]]:
    """The turns of each question, in the order of the first passes; derived where a file has first passes only.

    Raises InputError for what is wrong with a line, for two rows of one index, and for a question that lacks
    turns or whose turns have other options; with `partial` the turns that are there are taken.
    """
    rows = _rows(lines)
    groups: dict[int, list[MMBenchRow]] = {}
    for row in rows:
        groups.setdefault(row.question, []).append(row)
    if not groups:
        raise InputError("the table holds no question; check that it is the right file")
    derive = all(len(group) == 1 and group[0].index == question for question, group in groups.items())
    for group in groups.values():
        group.sort(key=lambda row: row.index)
        if derive:
            yield list(_turns(group[0]))
            continue
        _check(group, partial)
        yield group


def lines(data: str, hub: Mapping[str, str]) -> Iterator[Line]:
    """The lines of `hub` or `hub:CONFIG-SPLIT`, a .tsv file, a .parquet file or a folder of such files.

    `hub` says where on the hub: repo, revision, config, split. Raises InputError if there is nothing to read.
    """
    path = Path(data)
    if data == "hub" or data.startswith("hub:"):
        from mmeval.data.hub import values

        config, _, split = data.removeprefix("hub").removeprefix(":").partition("-")
        if data != "hub" and not (config and split):
            raise InputError(f"no data at '{data}': write hub, or hub:CONFIG-SPLIT as in hub:cn-dev")
        where = {**hub, **({"config": config, "split": split} if config else {})}
        return _lines(values(**where))
    if path.suffix.lower() == ".tsv" and path.is_file():
        return tsv(path)
    if path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet"))):
        from mmeval.data import tables

        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        return _lines(line for file in files for line in tables.values(file, None))
    raise InputError(f"no data at '{data}': give the official .tsv file, a .parquet table, embedded, or hub")


def tsv(path: Path) -> Iterator[Line]:
    """The lines of a .tsv file; a picture stays in the file until it is asked for.

    Raises InputError if the file cannot be read as such a table.
    """
    with path.open("rb") as file:
        offsets = _Offsets(file, path)
        csv.field_size_limit(LARGEST)
        reader = csv.reader(offsets, delimiter="\t")
        try:
            names = header(next(reader, []), str(path))
            start, place = offsets.end, names.index("image")
            for cells in reader:
                where = f"{path}, line {offsets.begun}"
                if not cells:
                    start = offsets.advance()
                    continue
                if len(cells) != len(names):
                    raise InputError(f"{where}: {len(cells)} columns and not {len(names)}; get the file again")
                picture = cells.pop(place)
                if len(picture) <= REFERENCE:
                    cell = PictureCell(None, picture.strip())
                else:
                    cell = PictureCell(_Stored(path, start, offsets.end, place, where))
                yield dict(zip((n for n in names if n != "image"), cells, strict=True)), cell, where
                start = offsets.advance()
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}: not tab-separated text ({error})") from error


def _lines(rows: Iterable[tuple[Mapping[str, Any], str]]) -> Iterator[Line]:
    """The rows of the hub's table; a picture that is repeated at every turn is held once."""
    held: dict[bytes, bytes] = {}
    for values, where in rows:
        yield _line(values, where, held)


def _line(values: Mapping[str, Any], where: str, held: dict[bytes, bytes]) -> Line:
    """A row, whose table writes an empty cell as None or "nan"; no path or URL in it is followed."""
    names = dict(zip(header(list(values), where), values, strict=True))
    picture = values[names["image"]]
    encoded = picture.get("bytes") if isinstance(picture, Mapping) else None
    if not isinstance(encoded, bytes):
        raise InputError(f"{where}: the picture is not in the table; embed its bytes in the column image")
    cells = {name: _text(values[key]) for name, key in names.items() if name != "image"}
    picture = held.setdefault(hashlib.sha256(encoded).digest(), encoded)
    return cells, PictureCell(partial(bytes, picture)), where


def _text(value: object) -> str:
    return "" if value is None or str(value) == "nan" else str(value)


def header(names: list[str], where: str) -> list[str]:
    """Column names as we write them: the options' in capitals, the others in lower case. Raises InputError."""
    found = [name if len(name) == 1 and name in LETTERS else name.strip().lower() for name in names]
    if missing := [name for name in COLUMNS if name not in found]:
        raise InputError(f"{where}: no column {missing[0]}; the table must have {', '.join(COLUMNS)}")
    if len(set(found)) != len(found):
        raise InputError(f"{where}: two columns of one name; keep one")
    return found


def option_cells(cells: Mapping[str, str], where: str) -> tuple[str, ...]:
    """The options: those columns that are not empty, whatever they say ("None" and "NA" are options)."""
    names = [letter for letter in LETTERS if letter in cells]
    filled = [name for name in names if cells[name] != ""]
    if filled != names[: len(filled)]:
        empty = next(name for name, other in zip(names, filled, strict=False) if name != other)
        raise InputError(f"{where}: the option {empty} is empty and {filled[-1]} is not; the options must be in a row")
    if len(filled) < 2:
        raise InputError(f"{where}: {len(filled)} options; a question must have two or more")
    return tuple(cells[name] for name in filled)


def letters(options: Sequence[str]) -> list[str]:
    """The letters of so many options."""
    return [*LETTERS[: len(options)]]


def index_of(text: str, where: str) -> int:
    """A row's index, which pandas may have written as 5.0. Raises InputError."""
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        raise InputError(f"{where}: the index is '{text[:40]}'; it must be a number of at most {DIGITS} digits")
    return int(digits)


@dataclass(frozen=True)
class _Stored:
    """Reads a picture from its place in a .tsv file."""

    path: Path
    start: int
    end: int
    place: int
    where: str

    def __call__(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start)
            text = file.read(self.end - self.start).decode("utf-8", "replace")
        csv.field_size_limit(LARGEST)
        cell = next(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))[self.place]
        try:
            return base64.b64decode("".join(cell.split()), validate=True)  # some tools break its lines
        except ValueError as error:
            raise InputError(f"{self.where}, column image: not base64 ({error}); get the file again") from error


class _Offsets:
    """A file's lines as text, with the place up to which they were read."""

    def __init__(self, file: io.BufferedReader, path: Path) -> None:
        self._file, self._path = file, path
        self.end = 0
        self.lines, self.begun = 0, 2

    def __iter__(self) -> Iterator[str]:
        for raw in self._file:
            self.end += len(raw)
            self.lines += 1
            try:
                yield raw.decode("utf-8-sig" if self.lines == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{self._path}, line {self.lines}: not UTF-8; save it as UTF-8") from error

    def advance(self) -> int:
        """Where the next row begins, its line noted."""
        self.begun = self.lines + 1
        return self.end


def _rows(lines: Iterable[Line]) -> list[MMBenchRow]:
    found: dict[int, MMBenchRow] = {}
    waiting: list[tuple[int, int]] = []
    for cells, cell, where in lines:
        index = index_of(cells["index"], where)
        if index in found:
            raise InputError(f"{where}: the index {index} again; it was in {found[index].where}")
        if not cells["question"].strip():
            raise InputError(f"{where}: the question is empty; write one")
        if not cells["category"].strip():
            raise InputError(f"{where}, column category: empty; write the leaf ability that the question is about")
        options = option_cells(cells, where)
        answer = cells.get("answer", "").strip()
        if answer and answer not in letters(options):
            raise InputError(
                f"{where}, column answer: '{answer[:40]}' is none of {', '.join(letters(options))}; mend it"
            )
        question = index_of(cells["g_index"], where) if cells.get("g_index", "").strip() else index % PASS
        image = Image(cell.read or b"", f"{where}, column image")
        found[index] = MMBenchRow(index, question, cells, options, answer, image, where)
        if cell.read is None:
            waiting.append((index, index_of(cell.refers, f"{where}, column image")))
    has = found.keys() - {index for index, _ in waiting}
    for index, other in waiting:
        if other not in has:
            raise InputError(
                f"{found[index].where}: its picture is said to be that of row {other}, which has none; "
                "get the file again"
            )
        found[index] = replace(found[index], image=found[other].image)
    return list(found.values())


def _turns(row: MMBenchRow) -> Iterator[MMBenchRow]:
    yield row
    for turn in range(1, len(row.options)):
        answer = turned_letter(row.answer, len(row.options), turn) if row.answer else ""
        yield replace(row, index=row.index + turn * PASS, options=turned(row.options, turn), answer=answer)


def _check(group: list[MMBenchRow], partial: bool) -> None:
    first = group[0]
    for row in group:
        if sorted(row.options) != sorted(first.options):
            raise InputError(f"{row.where}: other options than those of {first.where}, of which it is a turn; mend one")
    if len(group) > len(first.options):
        raise InputError(f"{group[-1].where}: more rows of question {first.question} than it has options; remove some")
    if not partial and (len(group) < len(first.options) or first.index != first.question):
        raise InputError(
            f"{first.where}: question {first.question} has {len(group)} of its {len(first.options)} turns; "
            "get the whole file, or count such questions by the turns they have with --partial"
        )
