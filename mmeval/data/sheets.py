"""Tables that people exchange: .xlsx, .tsv and .csv, cell by cell, with what kind of cell each is."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import ParseError

from mmeval.data import delimited
from mmeval.types import InputError

LARGEST = 1 << 30
"""Bytes that an .xlsx file may unpack to."""
ROWS = 1 << 20
"""Rows that a sheet can hold."""
LONGEST = 32767
"""Characters that a cell of a sheet can hold."""
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, ParseError),
    *(LookupError, ValueError, OSError, TypeError, EOFError, RuntimeError),
)
"""What openpyxl and zipfile raise for a book that is damaged, encrypted, or has what they do not know."""

Kind = Literal["text", "number", "formula", "error"]


@dataclass(frozen=True)
class Cell:
    """Return a cell's text. A number is written as people write it: 5, not 5.0."""

    text: str
    kind: Kind = "text"


FORMULA = "is a formula or its error, and no answer; write it as a text"
CUT = f"has exactly {LONGEST:,} characters, all that a spreadsheet's cell holds: it was cut"


def is_text(cell: Cell) -> bool:
    """Tell whether a cell holds what was written there, and no formula or its error: that is nobody's answer."""
    return cell.kind in ("text", "number")


def read(path: Path) -> Iterator[tuple[int, list[Cell]]]:
    """Return the lines with their numbers, the header first; blank lines are left out.

    Raises InputError for a file that is none of these, cannot be read, or unpacks to more than LARGEST.
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about styles, which are not used
            book = openpyxl.load_workbook(path, read_only=True)
        for number, row in enumerate(book.worksheets[0].iter_rows(), start=1):
            if number > ROWS:  # a row may claim any number, and blank ones are made up to it
                raise InputError(f"{path}: has a row beyond {ROWS:,}, the last of a spreadsheet; save it again")
            cells = [_cell(cell) for cell in row]
            if any(cell.text for cell in cells):
                yield number, cells
        book.close()
    except BROKEN as error:
        raise InputError(f"{path}: not an .xlsx file that can be read ({error}); save it again") from error


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
