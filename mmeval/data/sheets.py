"""Read .xlsx, .tsv and .csv tables cell by cell, with the kind of each cell."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import ParseError

from mmeval import regular
from mmeval.data import delimited
from mmeval.types import InputError

LARGEST = 1 << 30
"""Maximum bytes of an unpacked .xlsx file."""
ROWS = 1 << 20
"""Maximum rows of a sheet."""
LONGEST = 32767
"""Maximum characters of a sheet's cell."""
BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError,
    LookupError, ValueError, OSError, TypeError, EOFError, RuntimeError,
)  # fmt: skip
"""What openpyxl and zipfile raise for a workbook that is damaged, encrypted, or uses unknown features."""

Kind = Literal["text", "number", "formula", "error"]


@dataclass(frozen=True)
class Cell:
    """A cell's text and kind. A whole number has no decimals: 5, not 5.0."""

    text: str
    kind: Kind = "text"


FORMULA = "is a formula or its error, not an answer; write it as text"
CUT = f"has exactly {LONGEST:,} characters, the maximum of a spreadsheet's cell: it was cut"


def is_text(cell: Cell) -> bool:
    """Return whether a cell holds text or a number; a formula or its error is not an answer."""
    return cell.kind in ("text", "number")


def read(path: Path) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the lines with their numbers, the header first, without blank lines.

    Raises InputError if the file is of another kind, cannot be read, or unpacks to more than LARGEST.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder; name the .xlsx, .tsv or .csv file in it")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give an .xlsx, .tsv or .csv file")
    kind = path.suffix.lower()
    if kind == ".xlsx":
        return _xlsx(path)
    if kind in (".tsv", ".csv"):
        return ((line.number, [Cell(text) for text in line.cells]) for line in delimited.lines(path))
    raise InputError(f"{path}: neither .xlsx nor .tsv nor .csv; save it as one of these")


def _xlsx(path: Path) -> Iterator[tuple[int, list[Cell]]]:
    import openpyxl  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > LARGEST:
                raise InputError(f"{path}: unpacks to more than {LARGEST:,} bytes; save it again without pictures")
            regular.check_sizes(archive)
        with path.open("rb") as file:  # openpyxl leaves a damaged file open
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # about styles
                book = openpyxl.load_workbook(file, read_only=True)
            for number, row in enumerate(book.worksheets[0].iter_rows(), start=1):
                if number > ROWS:  # a row may have any number, and openpyxl yields blank rows up to it
                    raise InputError(f"{path}: has a row beyond {ROWS:,}, the last of a spreadsheet; save it again")
                cells = [_cell(cell) for cell in row]
                if any(cell.text for cell in cells):
                    yield number, cells
            book.close()
    except BROKEN as error:
        raise InputError(f"{path}: not an .xlsx file, or damaged ({error}); save it again") from error


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return Cell("")
    if cell.data_type in ("f", "e"):
        return Cell(str(value), "formula" if cell.data_type == "f" else "error")
    if isinstance(value, str):
        return Cell(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return Cell(str(value), "number")
