"""Define what a reader hands on: a row as its data set has it, before it is worded and its pictures are copied.

`Root` is the only way in which a reader opens a file: inside the given folder, UTF-8, and noted by its digest.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mmeval import regular
from mmeval.data import files, tables
from mmeval.data.tables import Hook, TableRow
from mmeval.mmicl.context import Part
from mmeval.mmicl.examples import Turn
from mmeval.types import InputError

SPLITS = ("train", "val", "test")
V = TypeVar("V")
FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What is raised where data is not of the form that its reader expects."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the data set: a file, or a part of one."""

    path: str
    """Relative to the set's folder, with `/`."""
    box: tuple[str, int] | None = None
    """Only a part is shown: the JSON file that has its `boxes` (left, top, right, bottom, ...), and which of them."""
    frame: int | None = None
    """The file is a video, and this the number of the frame, from 1."""
    cell: tuple[int, int] | None = None
    """The file is a parquet table: its row, and the place in that row's list of pictures."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A question as the data set has it."""

    id: str
    """Unique in the data set."""
    split: str
    pictures: tuple[Picture, ...]
    texts: Mapping[str, str | tuple[Part, ...]]
    """What the places of a wording take; `ImagePlace` and `ImageMention` count this row's pictures."""
    answer: str
    later: tuple[Turn, ...] = ()
    """Questions that follow the first about the same pictures, as they are."""
    problem: str = ""
    """Why the row cannot be used, where the reader saw it."""

    def __post_init__(self) -> None:
        """Check the id, by which rows are drawn and listed. Raises InputError."""
        try:
            self.id.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"the id {self.id!a} is not Unicode ({error.reason}); get the file again") from error

    @property
    def scenes(self) -> set[tuple[str, int | None]]:
        """What its pictures are taken from: rows that share one are about the same picture or video."""
        return {(picture.path, picture.cell and picture.cell[0]) for picture in self.pictures}


class Root:
    """The folder of a data set. Every file that is read is in `digests` (path -> SHA-256)."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; give the data set's with --root")
        self.folder = folder.resolve()
        self.digests: dict[str, str] = {}
        self._found: dict[tuple[str, ...], str | None] = {}

    def find(self, *names: str) -> str | None:
        """Find the first of these files or folders that is in the folder itself, or up to two folders down."""
        if names not in self._found:
            patterns = (f"{above}{name}" for name in names for above in ("", "*/", "*/*/"))
            found = next(filter(None, (files.glob(self.folder, pattern) for pattern in patterns)), [])
            if len(found) > 1:
                raise InputError(f"{found[0]} and {found[1]} are both there; give the folder of one with --root")
            self._found[names] = found[0].relative_to(self.folder).as_posix() if found else None
        return self._found[names]

    def need(self, *names: str) -> str:
        """Find one of these, which must be there."""
        if (found := self.find(*names)) is None:
            raise InputError(
                f"{self.folder}: no {' or '.join(names)} in it; `mmeval mic sources` says what must be there"
            )
        return found

    def splits(self, files: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return each split whose file is there, and the file; one at least must be there."""
        found = [split for split, name in files.items() if self.find(name)]
        return [(split, self.need(files[split])) for split in found or ["train"]]

    def note(self, name: str) -> Path:
        """Return the path of a file that is about to be read; its digest is kept."""
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
        """Read several lists of one JSON file, which stand under these keys."""
        path = self.note(name)
        value = tables.load(path)
        return [(TableRow(*found, self.folder, path) for found in tables.at(value, key, path)) for key in keys]

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Read the lines of a text file, each with where it stands; blank ones are left out."""
        path = self.note(name)
        for number, line in enumerate(files.text(path).split("\n"), 1):
            if line.strip():
                yield line.rstrip("\r"), f"{path}, line {number}"


@contextmanager
def of_form(line: TableRow) -> Iterator[None]:
    """Raise InputError naming the row where what is made of it fails, as it is not of the set's form."""
    try:
        yield
    except FORM as error:
        raise InputError(f"{line.where}: not of the set's form ({error!r}); get the file again") from error


def index(rows: Iterable[TableRow], make: Callable[[TableRow], tuple[Any, V]]) -> dict[Any, V]:
    """Map the rows by key, as `make` says. Raises InputError naming a row that is not of the set's form."""
    found: dict[Any, V] = {}
    for line in rows:
        with of_form(line):
            key, value = make(line)
            found[key] = value
    return found
