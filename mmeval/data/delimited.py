"""Rows of .csv and .tsv files; a picture in base64 stays in the file until it is asked for."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.types import InputError

LARGEST = 1 << 28
"""Characters of one cell at most: a picture of 200 megabytes."""
NAME = 255
"""Characters of a file's name at most: a longer cell in a column `image` is a picture."""


def rows(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the cells of each row by column, and where the row begins; blank lines are left out.

    A picture in the column `image` is a `StoredPicture` in place of its text. Raises InputError if the file cannot be
    read as such a table.
    """
    csv.field_size_limit(LARGEST)
    try:
        with path.open("rb") as file:
            yield from _rows(path, Lines(file, path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


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
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(self.path)))
        return decoded(cells[self.column], f"{self.where}, column image")


def decoded(text: str, where: str) -> bytes:
    """Return the bytes that a text in base64 stands for. Raises InputError for any other text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # some tools break its lines
    except ValueError as error:
        raise InputError(f"{where}: not base64 ({error}); get the file again") from error


def _rows(path: Path, source: Lines) -> Iterator[tuple[Mapping[str, Any], str]]:
    reader = csv.reader(source, delimiter=delimiter(path))
    try:
        names = next(reader, [])
        if twice := [name for name in names if name and names.count(name) > 1]:
            raise InputError(f"{path}: two columns {twice[0]}; keep one")
        pictures = [column for column, name in enumerate(names) if name.strip().lower() == "image"]
        start = source.advance()
        for cells in reader:
            where = f"{path}, line {source.begun}"
            if cells:
                if len(cells) != len(names):
                    raise InputError(f"{where}: {len(cells)} columns and not {len(names)}; fix the line")
                row: dict[str, Any] = dict(zip(names, cells, strict=True))
                for column in pictures:
                    if len(cells[column]) > NAME:
                        row[names[column]] = StoredPicture(path, start, source.end, column, where)
                yield row, where
            start = source.advance()
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: cannot be read ({error}); fix the line") from error


class Lines:
    """The lines of a file as text, with the place up to which they were read."""

    def __init__(self, file: io.BufferedReader, path: Path) -> None:
        self._file, self._path = file, path
        self.end, self._count, self.begun = 0, 0, 1

    def __iter__(self) -> Iterator[str]:
        for raw in (part for line in self._file for part in line.splitlines(keepends=True)):
            self.end += len(raw)
            self._count += 1
            try:
                yield raw.decode("utf-8-sig" if self._count == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{self._path}, line {self._count}: not UTF-8; save it as UTF-8 text") from error

    def advance(self) -> int:
        """Return where the next row begins, after noting its line in `begun`."""
        self.begun = self._count + 1
        return self.end


def delimiter(path: Path) -> str:
    """Return what separates the cells of a file of that name."""
    return "\t" if path.suffix.lower() == ".tsv" else ","
