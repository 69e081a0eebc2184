"""Rows of .csv and .tsv files; a picture in base64 stays in the file until it is asked for."""

import base64
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mmeval.types import InputError

LARGEST = 1 << 28
"""Characters of one cell at most: a picture of 200 megabytes."""
NAME = 255
"""Characters of a file's name at most: a longer text where a picture is expected is its bytes in base64."""


class Line(NamedTuple):
    """A row of cells, and where it stands: the number of its first line, and its bytes."""

    number: int
    start: int
    end: int
    cells: list[str]


def lines(path: Path) -> Iterator[Line]:
    """Yield the rows, the header first; blank lines are left out. Raises InputError if the file cannot be read."""
    csv.field_size_limit(LARGEST)
    count, end = 0, 0  # of the lines and bytes that were read

    def texts(file: Iterable[bytes]) -> Iterator[str]:
        nonlocal count, end
        for raw in (part for line in file for part in line.splitlines(keepends=True)):
            count, end = count + 1, end + len(raw)
            try:
                yield raw.decode("utf-8-sig" if count == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}, line {count}: not UTF-8; save it as UTF-8 text") from error

    try:
        with path.open("rb") as file:
            number, start = 1, 0
            for cells in csv.reader(texts(file), delimiter=_delimiter(path)):
                if cells:
                    yield Line(number, start, end, cells)
                number, start = count + 1, end
    except csv.Error as error:
        raise InputError(f"{path}, line {count}: cannot be read ({error}); fix the line") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def rows(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each row by column, a picture in the column `image` as StoredPicture, and its place. Raises InputError."""
    table = lines(path)
    header = next(table, None)
    names = header.cells if header else []
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise InputError(f"{path}: two columns {twice[0]}; keep one")
    pictures = [column for column, name in enumerate(names) if name.strip().lower() == "image"]
    for number, start, end, cells in table:
        where = f"{path}, line {number}"
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} columns and not {len(names)}; fix the line")
        row: dict[str, Any] = dict(zip(names, cells, strict=True))
        for column in pictures:
            if len(cells[column]) > NAME:
                row[names[column]] = StoredPicture(path, start, end, column, where)
        yield row, where


@dataclass(frozen=True)
class StoredPicture:
    """A picture in base64 at its place in a table."""

    path: Path
    start: int
    end: int
    column: int
    where: str

    def __call__(self) -> bytes:
        """Read the picture. Raises InputError if it is not base64."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            text = file.read(self.end - self.start).decode("utf-8", "replace")
        csv.field_size_limit(LARGEST)
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(self.path)))
        return decoded(cells[self.column], f"{self.where}, column image")


def decoded(text: str, where: str) -> bytes:
    """Return the bytes that a text in base64 stands for. Raises InputError for any other text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # some tools break its lines
    except ValueError as error:
        raise InputError(f"{where}: not base64 ({error}); get the file again") from error


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","
