"""Read the rows of a benchmark's table (JSON, JSONL, CSV, TSV, parquet, hub) and their pictures.

The task interprets the columns. No address is fetched, and no name leads out of the given folder.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from mmeval import jsonl, regular
from mmeval.data import delimited, files
from mmeval.types import Image, InputError, Parts, nearest

BATCH = 32
"""Rows of a parquet table in memory at once; a picture may have several megabytes."""
MAGIC = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")
"""The first characters of a PNG, JPEG, GIF and WEBP in base64; short text that begins so is not a file name."""
BLOCK = 1 << 20
"""Bytes or characters of a text table read at once."""
BESIDE = "./"
"""Prefix of the name of a file or folder next to the table."""
Found = Iterator[tuple[Mapping[str, Any], str]]
"""Values by column, and the position of each row."""
Hook = Callable[[dict[str, Any]], Any]
"""Makes a JSON object smaller while a file is read."""
P = TypeVar("P")


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
        return None if isinstance(value, float) and math.isnan(value) else value

    def text(self, name: str) -> str:
        """Return the column as text, also a number. Raises InputError for an empty cell or a list."""
        value = self.value(name)
        if isinstance(value, (list, Mapping)) or value is None or str(value).strip() == "":
            raise InputError(f"{self.where}: the column {name} is {value!r:.80}; it must be a text")
        return str(value)

    def texts(self, name: str) -> list[str]:
        """Return a list's items as texts; a text cell may hold the list. Raises InputError for anything else."""
        value = self.unpacked(name)
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise InputError(f"{self.where}: the column {name} is {value!r:.80}; it must be a list of texts")
        return [str(item) for item in value]

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

    def unpacked(self, name: str) -> Any:
        """Return the column's value; if it is the text of a list, return the list."""
        value = self.value(name)
        several = delimited.cell_list(value) if isinstance(value, str) else None
        return value if several is None else several

    def _image(self, item: Any, column: str, under: Sequence[str]) -> Image:
        encoded = item.get("bytes") if isinstance(item, Mapping) else item
        name = f"{self.where}, {column}"
        if isinstance(encoded, str) and (len(encoded) > delimited.NAME or encoded.startswith(MAGIC)):
            encoded = delimited.decoded(encoded, name)
        if isinstance(encoded, (bytes, delimited.StoredPicture)):
            return Image(encoded, name)
        if isinstance(item, (Mapping, float, list)) or self.folder is None:
            raise InputError(f"{name}: {str(item)[:80]!r} is not a picture; embed its bytes, or name a file")
        names = self.places(str(item), under)
        name = files.first(self.folder, names, self.where)
        if len(names) > 1 and not (self.folder / name).is_file():
            raise InputError(
                f"{self.where}: there is no picture {' and no '.join(names)} in {self.folder}; put it there"
            )
        return files.picture(self.folder, name, self.where)

    def places(self, name: str, under: Sequence[str]) -> list[str]:
        """Return the paths in the folder where a file of that name may be; `under` as in `images`."""
        return [self._beside(_at(place, name)) if place.startswith(BESIDE) else _at(place, name) for place in under]

    def _beside(self, name: str) -> str:
        """Return the path, within the folder, of a file next to the table."""
        if self.folder is None or self.table is None:
            return name
        return str((self.table.parent / name).relative_to(self.folder))


def _at(place: str, name: str) -> str:
    if "{}" in place:
        return place.replace("{}", name)
    return f"{place}/{name}" if place else name


def read(
    data: str, patterns: Sequence[str], hub: Mapping[str, str] | None, task: str, rows: str | None = None
) -> Iterator[TableRow]:
    """Read the rows of `hub`, of a file, or of the files in a folder that match patterns such as `*/val-*.parquet`.

    `rows` locates the rows in a JSON file, as in `of_file`. Raises InputError if there is nothing to read.
    """
    path = Path(data)
    if data == "hub":
        if hub is None:
            raise InputError(f"{task} has no known copy on the hub; give the folder that holds {' or '.join(patterns)}")
        from mmeval.data.hub import values

        return (TableRow(*found) for found in values(**hub))
    if path.is_file():
        return of_file(path, path.parent, rows)
    if not path.is_dir():
        raise InputError(f"no data at '{data}': give the folder that holds {' or '.join(patterns)}, or one such file")
    found = [
        files.inside(path, str(p.relative_to(path)), data) for name in patterns for p in files.glob(path, _safe(name))
    ]
    if not found:
        raise InputError(f"{data}: no {' and no '.join(patterns)} in it; give the folder that holds it")
    return (line for one in found for line in of_file(one, path, rows))


def of_file(path: Path, folder: Path, rows: str | None = None, hook: Hook | None = None) -> Iterator[TableRow]:
    """Read the rows of a .json, .jsonl, .csv, .tsv or .parquet file. Raises InputError if it cannot be read.

    `rows` locates the rows in a JSON file, as in `data/questions`; `.` is the top. If they are a map, not a list, the
    column `key` holds each row's name. `hook` makes the objects of a JSON document smaller while it is read.
    """
    found: Found
    if path.suffix in (".json", ".jsonl"):
        found = _json(path, hook) if rows is None else at(load(path, hook), rows, path)
    elif path.suffix.lower() in (".csv", ".tsv"):
        found = delimited.rows(path)
    elif path.suffix == ".parquet":
        found = parquet(path)
    else:
        raise InputError(f"{path}: neither .json, .jsonl, .csv, .tsv nor .parquet; save it as one of these")
    return (TableRow(_bounded(values, where), where, folder, path) for values, where in found)


def _bounded(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return the values. Raises InputError if one is longer than any picture."""
    for name, value in values.items():
        if isinstance(value, (str, bytes)) and len(value) > regular.LONGEST:
            raise InputError(f"{where}: the column {name} has more than {regular.LONGEST:,} characters; shorten it")
    return values


def load(path: Path, hook: Hook | None = None) -> Any:
    """Read a whole JSON file. Raises InputError naming it."""
    return _loaded(path, object_hook=hook)


def load_once(path: Path) -> Any:
    """Read a whole JSON file of answers. No key may appear twice: only one of its values would count.

    Raises InputError naming the file and the key.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise InputError(f"{path}: '{name[:60]}' appears twice; remove one of its values")
            found[name] = value
        return found

    return _loaded(path, object_pairs_hook=unique)


def _loaded(path: Path, **hooks: Any) -> Any:
    try:
        return json.loads(files.text(path), **hooks)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); get the file again") from error


def placed(texts: Sequence[str], images: Sequence[Image], mark: str, where: str, spare: bool = False) -> list[Parts]:
    """Replace the marks in the texts by pictures, in order across the texts.

    A mark with a number, such as `<image 1>` or `<image {}>`, names its picture: `<image 2>` is the second. Raises
    InputError if a named picture does not exist, or, unless `spare`, if a picture has no mark.
    """
    pattern = re.compile(numbered(mark))
    marks = [one for text in texts for one in pattern.finditer(text)]
    named = [int(one[1]) if pattern.groups else place for place, one in enumerate(marks, 1)]
    if not all(0 < number <= len(images) for number in named) or not (
        spare or {*named} >= {*range(1, len(images) + 1)}
    ):
        last = f"up to {max(named)} " if pattern.groups and named else ""
        raise InputError(
            f"{where}: {len(named)} places for pictures {last}({mark}) but {len(images)} pictures; fix the line"
        )
    waiting = iter(named)
    found: list[Parts] = []
    for text in texts:
        parts: list[str | Image] = []
        end = 0
        for one in pattern.finditer(text):
            parts += [text[end : one.start()], images[next(waiting) - 1]]
            end = one.end()
        found.append(tuple(part for part in (*parts, text[end:]) if part != ""))
    return found


def numbered(mark: str) -> str:
    """Return a mark's pattern; a number in the mark matches any number and becomes the pattern's group."""
    return re.sub(r"\\\{\\\}|[0-9]+", lambda _: "([0-9]+)", re.escape(mark), count=1)


def joined(parts: Iterable[str | P]) -> list[str | P]:
    """Join adjacent texts among the parts of a prompt, and drop empty ones."""
    found: list[str | P] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, str) and isinstance(last, str):
            found[-1] = last + part
        elif part != "":
            found.append(part)
    return found


def _safe(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if not parts or parts[0] == "/" or ".." in parts:
        wrong = "leads out of the data's folder" if parts else "names the data's folder itself"
        raise InputError(f"the file name '{pattern}' {wrong}; name files inside it")
    return pattern


def parquet(path: Path, columns: Sequence[str] | None = None) -> Found:
    """Yield the columns of each row; None means all. Raises InputError if the file is broken or lacks a column."""
    import pyarrow
    import pyarrow.parquet

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # its own pool keeps tens of megabytes
    try:
        with regular.opened(path) as file, pyarrow.parquet.ParquetFile(file, pre_buffer=False) as table:
            for name in columns or ():
                if name not in table.schema_arrow.names:
                    raise InputError(f"{path}: no column '{name}'; get the file again")
            batches = (batch.to_pylist() for batch in table.iter_batches(BATCH, columns=columns))
            before: dict[str, Any] = {}
            for number, values in enumerate(chain.from_iterable(batches), 1):
                for name, value in values.items():
                    if isinstance(value, dict) and value == before.get(name):
                        values[name] = before[name]  # questions about one picture hold its bytes once
                yield values, f"{path}, row {number}"
                before = values
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as parquet ({reason}); get it again") from error


def _json(path: Path, hook: Hook | None) -> Found:
    """Read a list of objects, one object, or one object per line: official releases call all of these .json."""
    try:
        with regular.opened(path) as file:
            head = file.read(BLOCK).removeprefix(BOM_UTF8).lstrip()
            listed = head.startswith(b"[")
            file.seek(0)
            lines = () if listed else (line.removeprefix(BOM_UTF8).strip() for line in regular.lines(file))
            first = next(filter(None, lines), b"{}")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if listed:
        yield from _items(path, hook)
    elif _is_json(first):
        yield from jsonl.read(path, advice="the file must hold a list of objects or one object per line: get it again")
    else:
        yield _object(load(path, hook), str(path)), str(path)


def _items(path: Path, hook: Hook | None) -> Found:
    """Read the objects of a list one by one, without the whole file in memory."""
    decoder, blocks, number, place = json.JSONDecoder(object_hook=hook), files.blocks(path, BLOCK), 0, 0
    text = next(blocks).lstrip()[1:]
    while True:
        try:
            start = _after_blanks(text, place)
            if text[start] == "]":
                break
            if number > 0 and text[start] != ",":
                raise ValueError("no comma")
            value, end = decoder.raw_decode(text, _after_blanks(text, start + 1) if number else start)
        except (ValueError, IndexError, RecursionError):  # cut off by the block's end, or wrong
            if len(text) - place > regular.LONGEST:
                reason = f"is not JSON, or longer than {regular.LONGEST:,} characters"
                raise InputError(f"{path}: item {number + 1} {reason}; get the file again") from None
            if not (more := "".join(islice(blocks, 1 + (len(text) - place) // BLOCK))):  # doubled: linear in all
                load(path, hook)  # raises the InputError with the position
                raise
            text, place = text[place:] + more, 0
            continue
        place, number = end, number + 1
        where = f"{path}, item {number}"
        yield _object(value, where), where
    if "".join((text[start + 1 :], *blocks)).strip():
        load(path, hook)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


_BLANKS = re.compile(r"[ \t\r\n]*")


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: {str(value)[:60]!r} is not a JSON object; each row must be one")
    return value


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def at(value: Any, rows: str, path: Path) -> Found:
    """Yield the rows at the path `rows` inside a JSON document, each with its position."""
    for name in rows.split("/") if rows != "." else ():
        if not isinstance(value, dict) or name not in value:
            has = list(value) if isinstance(value, dict) else []
            raise InputError(f"{path}: no '{name}' in it{nearest(name, has)}; the rows must be at {rows}")
        value = value[name]
    if not isinstance(value, (dict, list)):
        raise InputError(f"{path}: at {rows} there is neither a list nor a map of rows; correct the path of the rows")
    named = [(f"item {n}", item) for n, item in enumerate(value, 1)] if isinstance(value, list) else value.items()
    for name, item in named:
        where = f"{path}, {name[:60]}"
        own = _object(item, where)
        yield (own if isinstance(value, list) else {"key": name, **own}), where
