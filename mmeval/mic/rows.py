"""Define the rows that readers return: a row as its data set has it, before it is worded and its pictures are copied.

Readers open files only through `Root`: inside the given folder, as UTF-8, with the digest recorded.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mmeval import regular
from mmeval.data import files, json_rows, tables
from mmeval.data.json_rows import Hook
from mmeval.data.tables import TableRow
from mmeval.mmicl.context import Part
from mmeval.mmicl.examples import Turn
from mmeval.types import InputError, malformed

SPLITS = ("train", "val", "test")
V = TypeVar("V")
FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""The errors that malformed data raises in a reader."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the data set: a file, or a part of one."""

    path: str
    """Relative to the set's folder, with `/`."""
    box: tuple[str, int] | None = None
    """Show only a crop: the JSON file with the `boxes` (left, top, right, bottom, ...), and the index of the box."""
    frame: int | None = None
    """The file is a video: the number of the frame, from 1."""
    cell: tuple[int, int] | None = None
    """The file is a parquet table: the row, and the index in the row's list of pictures."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A question as the data set has it."""

    id: str
    """Unique in the data set."""
    split: str
    pictures: tuple[Picture, ...]
    texts: Mapping[str, str | tuple[Part, ...]]
    """Values for the places of a wording; `ImagePlace` and `ImageMention` number this row's pictures."""
    answer: str
    later: tuple[Turn, ...] = ()
    """Further questions about the same pictures, verbatim."""
    problem: str = ""
    """Why the row cannot be used, if the reader found a reason."""

    def __post_init__(self) -> None:
        """Check the id, which seeds the sampling and names the row. Raises InputError if it is not Unicode."""
        try:
            self.id.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"the id {self.id!a} is not Unicode ({error.reason}); download the file again") from error

    @property
    def scenes(self) -> set[tuple[str, int | None]]:
        """The sources of its pictures: rows that share one are about the same picture or video."""
        return {(picture.path, picture.cell and picture.cell[0]) for picture in self.pictures}


class Root:
    """The folder of a data set. `digests` has every file that was read (path -> SHA-256)."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; give the data set's folder with --root")
        self.folder = folder.resolve()
        self.digests: dict[str, str] = {}
        self._known: dict[tuple[str, ...], str | None] = {}

    def find(self, *names: str) -> str | None:
        """Find the first of these files or folders, in the folder itself or up to two folders down."""
        if names not in self._known:
            patterns = (f"{parent}{name}" for name in names for parent in ("", "*/", "*/*/"))
            paths = next(filter(None, (files.glob(self.folder, pattern) for pattern in patterns)), [])
            if len(paths) > 1:
                raise InputError(f"{paths[0]} and {paths[1]} both exist; give the folder of one with --root")
            self._known[names] = paths[0].relative_to(self.folder).as_posix() if paths else None
        return self._known[names]

    def need(self, *names: str) -> str:
        """Find the first of these files or folders. Raises InputError if there is none."""
        if (name := self.find(*names)) is None:
            raise InputError(
                f"{self.folder}: no {' or '.join(names)} in it; `mmeval mic sources` lists the required files"
            )
        return name

    def splits(self, files: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return each split whose file exists, and the file. Raises InputError if there is none."""
        splits = [split for split, name in files.items() if self.find(name)]
        return [(split, self.need(files[split])) for split in splits or ["train"]]

    def note(self, name: str) -> Path:
        """Record the digest of a file that is about to be read, and return its path."""
        path = files.inside(self.folder, name, str(self.folder))
        try:
            with regular.opened(path) as file:
                self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        return path

    def rows(self, name: str, at: str | None = None, hook: Hook | None = None) -> Iterator[TableRow]:
        """Read the rows of a table; `at` and `hook` as for `tables.of_file`."""
        return tables.of_file(self.note(name), self.folder, at, hook)

    def lists(self, name: str, *keys: str) -> list[Iterator[TableRow]]:
        """Read several lists of one JSON file, found under these keys."""
        path = self.note(name)
        value = json_rows.load(path)
        return [(TableRow(*row, self.folder, path) for row in json_rows.at(value, key, path)) for key in keys]

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the lines of a text file that are not blank, each with its location."""
        path = self.note(name)
        for number, line in enumerate(files.text(path).split("\n"), 1):
            if line.strip():
                yield line.rstrip("\r"), f"{path}, line {number}"


@contextmanager
def of_form(line: TableRow) -> Iterator[None]:
    """Turn an error that a malformed row causes into an InputError that names the row."""
    try:
        yield
    except FORM as error:
        reason = f"not in the set's format ({malformed(error)})"
        raise InputError(f"{line.where}: {reason}; download the file again") from error


def index(rows: Iterable[TableRow], make: Callable[[TableRow], tuple[Any, V]]) -> dict[Any, V]:
    """Map rows to the key and value that `make` returns. Raises InputError that names a malformed row."""
    result: dict[Any, V] = {}
    for line in rows:
        with of_form(line):
            key, value = make(line)
            result[key] = value
    return result
