"""Rows of .csv and .tsv files; a picture in base64 stays in the file until it is needed."""

import ast
import base64
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

from mmeval import regular
from mmeval.types import InputError, plural

NAME = 255
"""Maximum characters of a file's name. A longer text in place of a picture is its bytes in base64."""


class CellText(NamedTuple):
    """A line of the file: its number, its first byte, the byte after it, and its text."""

    number: int
    start: int
    end: int
    text: str


class TextLine(NamedTuple):
    """A row of cells and its position: the number of its first line, and its bytes."""

    number: int
    start: int
    end: int
    cells: list[str]
    quoted: bool = True
    """Whether quotation marks around a cell enclose it; otherwise they belong to its text."""


def lines(path: Path) -> Iterator[TextLine]:
    """Yield the rows, the header first, without blank lines. Raises InputError if the file cannot be read.

    A quotation mark never joins rows: if a cell of a .tsv would run over a line break but its line and the next are
    both whole rows, they stay separate and the mark is text. Any other cell that is closed wrongly is an error.
    """
    csv.field_size_limit(regular.LONGEST)
    columns = 0
    try:
        with regular.opened(path) as file:
            texts = _texts(path, file)
            following = next(texts, None)
            while following is not None:
                line, following = _line(path, following, texts, columns)
                columns = columns or len(line.cells)
                if line.cells:
                    yield line
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _line(path: Path, first: CellText, texts: Iterator[CellText], columns: int) -> tuple[TextLine, CellText | None]:
    """Return the row that begins with this line, and the line after the row."""
    delimiter = _delimiter(path)
    if not _opens(first.text, delimiter):
        return TextLine(*first[:3], split(first.text, delimiter)), next(texts, None)
    consumed, following = [first], None
    is_whole_row = delimiter == "\t" and first.text.count("\t") == columns - 1
    mark_is_text = False

    def cell_by_cell() -> Iterator[str]:
        nonlocal following, mark_is_text
        yield first.text
        while following := next(texts, None):  # as long as a cell is open
            if is_whole_row and len(consumed) == 1 and following.text.count("\t") == columns - 1:
                break
            consumed.append(following)
            yield following.text
        mark_is_text = is_whole_row and len(consumed) == 1

    try:
        cells = next(csv.reader(cell_by_cell(), delimiter=delimiter), [])
        if mark_is_text:
            return TextLine(*first[:3], split(first.text, delimiter, quoted=False), quoted=False), following
        if len(consumed) > 1:
            next(csv.reader((text.text for text in consumed), delimiter=delimiter, strict=True))
    except csv.Error as error:
        where = f"{path}, line {first.number}"
        if sum(len(text.text) for text in consumed) > regular.LONGEST:
            raise InputError(f"{where}: a cell has more than {regular.LONGEST:,} characters; shorten it") from error
        advice = "write a quotation mark inside a quoted cell twice, and none before a cell that is not quoted"
        raise InputError(
            f"{where}: a quoted cell runs over line breaks and ends wrongly ({error}); {advice}"
        ) from error
    return TextLine(first.number, first.start, consumed[-1].end, cells), next(texts, None)


def _texts(path: Path, file: BufferedReader) -> Iterator[CellText]:
    number, end = 0, 0
    for raw in (part for line in regular.lines(file) for part in line.splitlines(keepends=True)):
        number, start, end = number + 1, end, end + len(raw)
        try:
            yield CellText(number, start, end, raw.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(f"{path}, line {number}: not UTF-8; save it as UTF-8 text") from error


def split(text: str, delimiter: str, quoted: bool = True) -> list[str]:
    """Return the cells of a row; a blank line has none."""
    if quoted and _opens(text, delimiter):
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    text = text.rstrip("\r\n")
    return text.split(delimiter) if text else []


def _opens(text: str, delimiter: str) -> bool:
    """Return whether a quotation mark opens a cell of the row; a mark inside a cell is text."""
    return text.startswith('"') or f'{delimiter}"' in text


def cell_list(text: str) -> list[Any] | None:
    """Return the list in a cell, in Python's or JSON's notation, such as `['a.png', 'b.png']`; None for other text."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, list) else None
    return None


def rows(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each row by column, and its position; a picture in the column `image` is a StoredPicture.

    Raises InputError.
    """
    table = lines(path)
    header = next(table, None)
    names = header.cells if header else []
    if repeated := [name for name in names if name and names.count(name) > 1]:
        raise InputError(f"{path}: two columns {repeated[0]}; keep one")
    pictures = [column for column, name in enumerate(names) if name.strip().lower() == "image"]
    for number, start, end, cells, quoted in table:
        where = f"{path}, line {number}"
        if len(cells) != len(names):
            raise InputError(f"{where}: {plural(len(cells), 'column')} and not {len(names)}; fix the line")
        row: dict[str, Any] = dict(zip(names, cells, strict=True))
        for column in pictures:
            if len(cells[column]) > NAME:
                stored = StoredPicture(path, start, end, column, where, quoted)
                items = cell_list(cells[column])
                row[names[column]] = stored if items is None else [replace(stored, item=n) for n in range(len(items))]
        yield row, where


@dataclass(frozen=True)
class StoredPicture:
    """The position of a picture in base64 in a table."""

    path: Path
    start: int
    end: int
    column: int
    where: str
    quoted: bool
    item: int | None = None
    """Its place in the cell's list."""

    def __call__(self) -> bytes:
        """Read the picture. Raises InputError if it is not base64."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            text = file.read(self.end - self.start).decode("utf-8", "replace")
        csv.field_size_limit(regular.LONGEST)
        cell = split(text, _delimiter(self.path), self.quoted)[self.column]
        items = [cell] if self.item is None else cell_list(cell) or []
        return decoded(str(items[self.item or 0]), f"{self.where}, column image")


def decoded(text: str, where: str) -> bytes:
    """Decode base64, alone or in a data URL (`data:image/png;base64,...`). Raises InputError for any other text."""
    head, comma, payload = text.partition(",")
    encoded = payload if comma and head.strip().startswith("data:") and head.endswith(";base64") else text
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)  # some tools wrap base64
    except ValueError as error:
        raise InputError(f"{where}: not base64 ({error}); download the file again") from error


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","
