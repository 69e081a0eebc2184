"""What a reader hands on: a row as its data set has it, before it is put into words and its pictures are copied.

`Root` is the only way in which a reader opens a file: inside the given folder, UTF-8, and noted by its digest.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mmeval.mmicl.context import Part
from mmeval.mmicl.examples import Turn

SPLITS = ("train", "val", "test")

T = TypeVar("T")
V = TypeVar("V")

FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What is raised where data is not of the form that its reader expects."""


class MicError(ValueError):
    """A set cannot be built; the message names the file or the argument, and what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the data set: a file, or a part of one."""

    path: str
    """Relative to the set's folder, with `/`."""
    box: tuple[str, int] | None = None
    """Only a part is shown: the JSON file that has its `boxes` (left, top, right, bottom, ...), and which of them."""
    frame: int | None = None
    """The file is a video, and this the number of the frame, from 1 (`video`)."""
    cell: tuple[int, int] | None = None
    """The file is a parquet table: its row, and the place in that row's list of pictures."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A question as the data set has it."""

    id: str
    """Unique in the data set."""
    split: str
    pictures: tuple[Picture, ...]
    said: Mapping[str, str | tuple[Part, ...]]
    """What the places of a wording take; `Shown` and `Spoken` count this row's pictures."""
    answer: str
    later: tuple[Turn, ...] = ()
    """Questions that follow the first about the same pictures, as they are."""
    problem: str = ""
    """Why the row cannot be used, where the reader saw it."""

    def __post_init__(self) -> None:
        """Ids are drawn by, and listed: they must be texts."""
        if not isinstance(self.id, str):
            raise TypeError(f"an id that is no text: {self.id!r}")
        self.id.encode()

    @property
    def scenes(self) -> set[tuple[str, int | None]]:
        """What its pictures are taken from: rows that share one are about the same picture or video."""
        return {(picture.path, picture.cell and picture.cell[0]) for picture in self.pictures}


class Root:
    """The folder of a data set. Every file that is read is in `digests` (path -> SHA-256)."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise MicError(f"{folder}: no such folder; give the data set's with --root")
        self.folder = folder.resolve()
        self.digests: dict[str, str] = {}
        self._found: dict[tuple[str, ...], str | None] = {}

    def find(self, *names: str) -> str | None:
        """The first of these files or folders that is there: in the folder itself, or up to two folders down."""
        if names not in self._found:
            self._found[names] = self._find(names)
        return self._found[names]

    def _find(self, names: tuple[str, ...]) -> str | None:
        for name in names:
            for pattern in (name, f"*/{name}", f"*/*/{name}"):
                found = sorted(self.folder.glob(pattern))
                if len(found) > 1:
                    raise MicError(f"{found[0]} and {found[1]} are both there; give the folder of one with --root")
                if found:
                    return found[0].relative_to(self.folder).as_posix()
        return None

    def need(self, *names: str) -> str:
        """Likewise, but it must be there."""
        found = self.find(*names)
        if found is None:
            raise MicError(
                f"{self.folder}: no {' or '.join(names)} in it; `mmeval mic sources` says what must be there"
            )
        return found

    def note(self, name: str) -> Path:
        """The path of a file that is read by other means; it is inside the folder, and its digest is kept."""
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder):
            raise MicError(f"{path}: a link out of its folder; put the file itself there")
        try:
            with path.open("rb") as file:
                self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MicError(f"{path}: cannot be read ({error.strerror})") from error
        return path

    def text(self, name: str) -> str:
        """The content of a text file."""
        try:
            return self.note(name).read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise MicError(f"{self.folder / name}: not UTF-8 (byte {error.start}); save it as UTF-8") from error

    def json(self, name: str, kind: type[T], hook: Callable[[dict[str, Any]], Any] | None = None) -> T:
        """The value of a JSON file, a list or an object; `hook` may make each object in it smaller."""
        try:
            value = json.loads(self.text(name), object_hook=hook)
        except FORM as error:
            raise MicError(f"{self.folder / name}: cannot be read as JSON ({error!r}); download it again") from error
        if not isinstance(value, kind):
            raise MicError(f"{self.folder / name}: not a JSON {kind.__name__}; is it the right file?")
        return value

    def lines(self, name: str) -> list[str]:
        """The lines of a text file, blank ones left out."""
        return [line for line in self.text(name).split("\n") if line.strip()]

    def each(self, name: str, items: Iterable[T], make: Callable[[T], Iterable[SourceRow]]) -> Iterator[SourceRow]:
        """What `make` makes of every item of a file; an item that is not of the set's form is named."""
        for number, item in enumerate(items, 1):
            yield from self._made(name, number, lambda value: list(make(value)), item)

    def index(self, name: str, items: Iterable[T], make: Callable[[T], tuple[Any, V]]) -> dict[Any, V]:
        """The items of a file by key, as `make` says; an item that is not of the set's form is named."""
        found: dict[Any, V] = {}
        for number, item in enumerate(items, 1):
            found |= self._made(name, number, lambda value: dict([make(value)]), item)
        return found

    def table(self, name: str) -> list[dict[str, str]]:
        """The lines of a CSV file under its titles."""
        try:
            return list(csv.DictReader(self.text(name).splitlines(keepends=True)))
        except csv.Error as error:
            raise MicError(f"{self.folder / name}: cannot be read as CSV ({error}); download it again") from error

    def _made(self, name: str, number: int, make: Callable[[T], V], item: T) -> V:
        try:
            return make(item)
        except MicError:
            raise
        except FORM as error:
            where = f"{self.folder / name}, entry {number}"
            raise MicError(f"{where}: not of the set's form ({error!r}); download the file again") from error


def listed(root: Root, name: str, value: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a top-level key of a file."""
    if not isinstance(value.get(key), list):
        raise MicError(f"{root.folder / name}: no list '{key}' in it; is it the right file?")
    return list(value[key])
