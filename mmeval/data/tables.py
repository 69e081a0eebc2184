"""Read the rows of a benchmark's table (JSON, JSONL, CSV, TSV, parquet, Arrow, hub) and their pictures.

The task interprets the columns. No address is fetched, and no name leads out of the given folder.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mmeval import regular
from mmeval.data import arrow, delimited, files, json_rows, parquet
from mmeval.data.json_rows import Found, Hook
from mmeval.data.samplers import Span
from mmeval.types import Image, InputError, nearest

MAGIC = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "data:image/")
"""The first characters of a PNG, JPEG, GIF and WEBP in base64, and of a data URL; such a text is not a file name."""
NOT_TEXT = (list, Mapping, bytes)
"""Types of values that are neither a text nor stand for one, as a number does."""
MANY = 8
"""With more names of files than that, a message gives only the first."""
BESIDE = "./"
"""Prefix of the name of a file or folder next to the table."""


@dataclass(frozen=True, eq=False)
class TableRow:
    """A row of a table: values by column, and its position for messages."""

    values: Mapping[str, Any]
    where: str
    folder: Path | None = None
    """The folder of its pictures; None for a table of the hub, which contains its pictures."""
    table: Path | None = None
    """The file that contains it."""

    def value(self, name: str) -> Any:
        """Return the column's value; NaN, which pandas writes for a missing value, becomes None.

        Raises InputError naming the nearest column if there is no such column.
        """
        if name not in self.values:
            has = ", ".join(self.values)
            raise InputError(f"{self.where}: no column '{name}'{nearest(name, list(self.values))}; it has: {has}")
        value = self.values[name]
        return None if _is_missing(value) else value

    def text(self, name: str) -> str:
        """Return the column as text, also a number. Raises InputError for an empty cell, a list, and bytes."""
        text = self.cell(name)
        if text.strip() == "":
            raise InputError(f"{self.where}: the column {name} is {self.value(name)!r:.80}; it must be a text")
        return text

    def cell(self, name: str, required: bool = True) -> str:
        """Return the column as text, also a number; an empty cell is an empty text. Raises InputError as `text`.

        An optional column that is missing also gives an empty text.
        """
        if not required and name not in self.values:
            return ""
        value = self.value(name)
        if isinstance(value, NOT_TEXT):
            raise InputError(f"{self.where}: the column {name} is {value!r:.80}; it must be a text")
        return "" if value is None else str(value)

    def texts(self, name: str, missing: str | None = None) -> list[str]:
        """Return a list's items as texts; a text cell may hold the list. Raises InputError for anything else.

        `missing` stands for a missing item; without it, such an item is refused, too.
        """
        value = self.unpacked(name)
        items = [missing if _is_missing(item) else item for item in value] if isinstance(value, list) else []
        if not items or any(item is None or isinstance(item, NOT_TEXT) for item in items):
            raise InputError(f"{self.where}: the column {name} is {value!r:.80}; it must be a list of texts")
        return [str(item) for item in items]

    def images(self, name: str, under: Sequence[str] = ("",)) -> list[Image]:
        """Return the pictures of a column, which holds one or a list of them; an empty cell has none.

        A picture is bytes, base64, or a file name. The file is taken from the first folder in `under` that has it; in
        `under`, `{}` stands for the name and `./` for the table's own folder. A column called `./NAME` is the file of
        that name next to the table. Raises InputError.
        """
        if name.startswith(BESIDE) and self.folder is not None:
            return [files.picture(self.folder, self._beside(name), self.where)]
        value = self.unpacked(name)
        items = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value]
        return [self._image(item, name, under) for item in items if item not in (None, "")]

    def span(self, start: str | None, end: str | None) -> Span:
        """Return the part of a video between the seconds in two columns; an empty cell is no limit.

        Raises InputError if they are not numbers in order.
        """
        begin, stop = (None if name is None else self._seconds(name) for name in (start, end))
        if begin is not None and stop is not None and stop < begin:
            raise InputError(f"{self.where}: the part of the video ends at {stop:g} s, before it starts; fix the row")
        return Span(begin, stop)

    def _seconds(self, name: str) -> float | None:
        text = self.cell(name).strip()
        if not text:
            return None
        if not re.fullmatch(r"\d{1,9}(\.\d*)?(e-\d{1,2})?", text):
            raise InputError(f"{self.where}: the column {name} is '{text[:40]}'; it must be a number of seconds")
        return float(text)

    def unpacked(self, name: str) -> Any:
        """Return the column's value; if it is the text of a list, return the list."""
        value = self.value(name)
        items = delimited.cell_list(value) if isinstance(value, str) else None
        return value if items is None else items

    def _image(self, item: Any, column: str, under: Sequence[str]) -> Image:
        encoded = item.get("bytes") if isinstance(item, Mapping) else item
        name = f"{self.where}, {column}"
        if isinstance(encoded, str) and (len(encoded) > delimited.NAME or encoded.startswith(MAGIC)):
            encoded = delimited.decoded(encoded, name)
        if isinstance(encoded, (bytes, delimited.StoredPicture)):
            return Image(encoded, name)
        if isinstance(item, (Mapping, float, list)) or self.folder is None:
            raise InputError(f"{name}: {str(item)[:80]!r} is not a picture; embed its bytes, or name a file")
        path, *other_paths = self.places(str(item), under)
        return files.picture(self.folder, path, self.where, *other_paths)

    def places(self, name: str, under: Sequence[str]) -> list[str]:
        """Return the paths in the folder where a file of that name may be; `under` as in `images`."""
        paths = ((place.startswith(BESIDE), _expand(place, name)) for place in under)
        return [self._beside(path) if beside else path for beside, path in paths]

    def _beside(self, name: str) -> str:
        """Return the path, within the folder, of a file next to the table."""
        if self.folder is None or self.table is None:
            return name
        return str((self.table.parent / name).relative_to(self.folder))


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _expand(pattern: str, name: str) -> str:
    if "{}" in pattern:
        return pattern.replace("{}", name)
    return f"{pattern}/{name}" if pattern else name


def read(
    data: str,
    patterns: Sequence[str],
    hub: Mapping[str, str] | None,
    task: str,
    rows: str | None = None,
    first: bool = False,
) -> Iterator[TableRow]:
    """Read the rows of `hub`, of a file, or of the files in a folder that match patterns such as `*/val-*.parquet`.

    `rows` locates the rows in a JSON file, as in `of_file`. With `first`, the patterns name the same rows in several
    forms, of which the first that is there is read. Raises InputError if there is nothing to read.
    """
    path = Path(data)
    if data == "hub":
        if hub is None:
            raise InputError(f"{task} has no known copy on the hub; give the folder that holds {_describe(patterns)}")
        from mmeval.data.hub import values

        return (TableRow(*row) for row in values(**hub))
    if path.is_file():
        return of_file(path, path.parent, rows)
    if not path.is_dir():
        raise InputError(f"no data at '{data}': give the folder that holds {_describe(patterns)}, or one such file")
    forms = [files.glob(path, _safe(name)) for name in patterns]
    forms = [*filter(None, forms)][: 1 if first else None]
    found = [file for form in forms for file in form]
    if not found:
        folders = [path, *(files.glob(path, "*") if any(name.startswith("*/") for name in patterns) else ())]
        split = hub.get("split") if hub else None
        found = [table for folder in folders if arrow.is_saved(folder) for table in arrow.tables(folder, split, task)]
    paths = [files.inside(path, str(file.relative_to(path)), data) for file in found]
    if not paths:
        raise InputError(f"{data}: no {_describe(patterns, ' and no ')} in it; give the folder that holds it")
    return _of_files(paths, path, rows)


def known(where: str, name: str, value: str, values: Collection[str]) -> str:
    """Return a value of a row. Raises InputError if it is not one of `values`."""
    if value not in values:
        hint, choices = nearest(value, [*values]), ", ".join(values)
        raise InputError(f"{where}: unknown {name} '{value[:60]}'{hint}; choose from {choices}")
    return value


def _describe(patterns: Sequence[str], between: str = " or ") -> str:
    """Return the patterns for a message, or the first of many."""
    if len(patterns) <= MANY:
        return between.join(patterns)
    return f"{patterns[0]}{between}{'another' if between == ' or ' else 'other'} of {len(patterns)} such names"


def _of_files(paths: Sequence[Path], folder: Path, rows: str | None) -> Iterator[TableRow]:
    for path in paths:
        empty = True
        for line in of_file(path, folder, rows):
            empty = False
            yield line
        if empty and len(paths) > 1:
            advice = "download the file again, or remove it to ask only the questions of the others"
            raise InputError(f"{path}: has no rows; {advice}")


def of_file(path: Path, folder: Path, rows: str | None = None, hook: Hook | None = None) -> Iterator[TableRow]:
    """Read the rows of a .json, .jsonl, .csv, .tsv, .parquet or .arrow file. Raises InputError if it cannot be read.

    `rows` locates the rows in a JSON file, as in `data/questions`; `.` is the top. If they are a map, not a list, the
    column `key` holds each row's name. `hook` makes the objects of a JSON document smaller while it is read.
    """
    pairs: Found
    kind = path.suffix.lower()
    if kind in (".json", ".jsonl"):
        pairs = json_rows.read(path, hook) if rows is None else json_rows.at(json_rows.load(path, hook), rows, path)
    elif kind in (".csv", ".tsv"):
        pairs = delimited.rows(path)
    elif kind in (".parquet", ".arrow"):
        pairs = parquet.read(path) if kind == ".parquet" else arrow.read(path)
    else:
        raise InputError(f"{path}: neither .json, .jsonl, .csv, .tsv, .parquet nor .arrow; save it as one of these")
    return (TableRow(_bounded(values, where), where, folder, path) for values, where in pairs)


def _bounded(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return the values. Raises InputError if one is longer than any picture."""
    for name, value in values.items():
        if isinstance(value, (str, bytes)) and len(value) > regular.LONGEST:
            raise InputError(f"{where}: the column {name} has more than {regular.LONGEST:,} characters; shorten it")
    return values


def _safe(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if not parts or parts[0] == "/" or ".." in parts:
        wrong = "leads out of the data's folder" if parts else "names the data's folder itself"
        raise InputError(f"the file name '{pattern}' {wrong}; name files inside it")
    return pattern
