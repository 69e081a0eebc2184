"""Lines of any table that a benchmark comes in, and the pictures that they name: JSON, JSONL, CSV, TSV, parquet, hub.

What the columns mean is the task's to say. Nothing is read that lies outside the folder given, and no address.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mmeval.types import Image, InputError, Parts, nearest

LARGEST = 1 << 28
"""Characters in one cell of a text table."""


@dataclass(frozen=True, eq=False)
class Line:
    """A row of a table: values by column, and where it stands, for whoever has to mend it."""

    values: Mapping[str, Any]
    where: str
    folder: Path | None = None
    """Where its pictures are looked for; None for a table of the hub, which holds its own."""

    def value(self, name: str) -> Any:
        """What stands in the column. Raises InputError naming the nearest column where there is none."""
        if name not in self.values:
            has = ", ".join(self.values)
            raise InputError(f"{self.where}: no column '{name}'{nearest(name, list(self.values))}; it has: {has}")
        return self.values[name]

    def text(self, name: str) -> str:
        """That as a text: a number as people write it. Raises InputError for an empty cell and for a list."""
        value = self.value(name)
        if isinstance(value, (list, Mapping)) or value is None or str(value).strip() == "":
            raise InputError(f"{self.where}: the column {name} is {value!r:.80}; it must be a text")
        return str(value)

    def texts(self, name: str) -> list[str]:
        """The texts of a list. Raises InputError for anything else."""
        value = self.value(name)
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise InputError(f"{self.where}: the column {name} is {value!r:.80}; it must be a list of texts")
        return [str(item) for item in value]

    def images(self, name: str, under: str = "") -> list[Image]:
        """The pictures of a column, one or a list of them; an empty cell has none.

        A picture is its bytes, or the name of a file in the folder (or in its `under`). Raises InputError.
        """
        value = self.value(name)
        items = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value]
        return [self._image(item, name, under) for item in items if item not in (None, "")]

    def _image(self, item: Any, column: str, under: str) -> Image:
        encoded = item.get("bytes") if isinstance(item, Mapping) else item
        name = f"{self.where}, {column}"
        if isinstance(encoded, bytes):
            return Image(encoded, name)
        if not isinstance(item, str) or self.folder is None:
            raise InputError(f"{name}: {str(item)[:80]!r} is no picture; embed its bytes, or name a file")
        return file(self.folder, f"{under}/{item}" if under else item, self.where)


def file(folder: Path, name: str, where: str) -> Image:
    """The picture of that name in the folder. Raises InputError if it is not there, or not inside."""
    path = inside(folder, name, where)
    if not path.is_file():
        raise InputError(f"{where}: there is no picture {path}; put it there")
    return Image(path, name)


def inside(folder: Path, name: str, where: str) -> Path:
    """The path of a name that data gave. Raises InputError for an address and for what leads out of the folder."""
    if "://" in name:
        raise InputError(f"{where}: '{name[:80]}' is an address; pictures are not fetched: get the file and name it")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{where}: '{name[:80]}' leads out of {folder}; put the file itself there")
    return path


def read(data: str, files: Sequence[str], hub: Mapping[str, str] | None, task: str) -> Iterator[Line]:
    """The lines of `hub`, of a file, or of those files of a folder (patterns, as in `*/val-*.parquet`).

    Raises InputError if there is nothing to read.
    """
    path = Path(data)
    if data == "hub":
        if hub is None:
            raise InputError(f"{task} has no known copy on the hub; give the folder that holds {' or '.join(files)}")
        from mmeval.sources.hub import values

        return (Line(found, where) for found, where in values(**hub))
    if path.is_file():
        return of_file(path, path.parent)
    if not path.is_dir():
        raise InputError(f"no data at '{data}': give the folder that holds {' or '.join(files)}, or one such file")
    found = [inside(path, str(p.relative_to(path)), data) for name in files for p in sorted(path.glob(_safe(name)))]
    if not found:
        raise InputError(f"{data}: no {' and no '.join(files)} in it; give the folder that holds it")
    return (line for one in found for line in of_file(one, path))


def of_file(path: Path, folder: Path) -> Iterator[Line]:
    """The lines of a .json, .jsonl, .csv, .tsv or .parquet file. Raises InputError where it cannot be read."""
    if path.suffix in (".json", ".jsonl"):
        return (Line(values, where, folder) for values, where in _json(path))
    if path.suffix in (".csv", ".tsv"):
        return (Line(values, where, folder) for values, where in _csv(path))
    if path.suffix == ".parquet":
        from mmeval.sources import tables

        return (Line(values, where, folder) for values, where in tables.values(path, None))
    raise InputError(f"{path}: neither .json, .jsonl, .csv, .tsv nor .parquet; save it as one of these")


def load(path: Path) -> Any:
    """A whole JSON file. Raises InputError naming it."""
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); get it again") from error


def placed(texts: Sequence[str], images: Sequence[Image], mark: str, where: str) -> list[Parts]:
    """The texts with pictures where the mark stands, taken in order through all of them.

    Raises InputError where there are more marks than pictures, or fewer.
    """
    marks = sum(text.count(mark) for text in texts)
    if marks != len(images):
        raise InputError(f"{where}: {marks} places for pictures ({mark}) and {len(images)} pictures; mend the line")
    waiting = iter(images)
    found: list[Parts] = []
    for text in texts:
        first, *others = text.split(mark)
        parts: list[str | Image] = [first]
        for other in others:
            parts += [next(waiting), other]
        found.append(tuple(part for part in parts if part != ""))
    return found


def _safe(pattern: str) -> str:
    if pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
        raise InputError(f"the file name '{pattern}' leads out of the data's folder; name files inside it")
    return pattern


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _json(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """A list of objects, or an object a line, whatever the file is called: official releases call both .json."""
    text = _text(path)
    if text.lstrip().startswith("["):
        for number, value in enumerate(load(path), start=1):
            yield _object(value, f"{path}, item {number}"), f"{path}, item {number}"
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            value = json.loads(line)
        except ValueError as error:
            raise InputError(f"{where}: neither a list of objects nor an object a line ({error})") from error
        yield _object(value, where), where


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: {str(value)[:60]!r} is no JSON object; each row must be one")
    return value


def _csv(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    csv.field_size_limit(LARGEST)
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter="\t" if path.suffix == ".tsv" else ",")
    try:
        names = next(reader, [])
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if cells and len(cells) != len(names):
                raise InputError(f"{where}: {len(cells)} columns and not {len(names)}; mend the line")
            if cells:
                yield dict(zip(names, cells, strict=True)), where
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: cannot be read ({error}); mend the line") from error
