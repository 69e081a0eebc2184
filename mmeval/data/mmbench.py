"""MMBench's and CCBench's table, and a table of answers to it: a row is a question at one of the turns of its options.

Options stand in columns A to D, the picture in base64. A turned row has the index of its question plus a multiple of a
million; its picture is its own (the `_legacy` files) or the index of the row that has it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mmeval.data import delimited, sheets, tables
from mmeval.scoring.metrics import circular
from mmeval.scoring.readings import choices
from mmeval.types import Image, InputError

PASS = 1_000_000
"""What each turn of a question adds to its index."""
REFERENCE = 64
"""Maximum characters of a picture cell that is the index of the row with the picture."""
COLUMNS = ("index", "question", "A", "B", "C", "D", "image")
"""Columns of the benchmark's table that it must have; without `category` there are no numbers of abilities."""
PREDICTIONS = ("index", "prediction", "A", "B", "C", "D")
"""Columns of a predictions table, as the benchmark's server asked for them."""
DIGITS = 15
"""Of an index at most: what a spreadsheet keeps of a number."""
SIZES = {
    "CCBench": (510, 2040),
    "MMBench dev, 2023-07-12": (1176, 4377),
    "MMBench dev, V1.0": (1164, 4329),
    "MMBench test, V1.0": (1784, 6666),
}
"""Questions and rows of the sets whose sizes are known."""


def lacks_turns(questions: int, rows: int) -> bool:
    """Return whether the size is that of dev's first release, of which 53 questions lack the last of their turns."""
    return (questions, rows) == SIZES["MMBench dev, 2023-07-12"]


@dataclass(frozen=True, eq=False)
class MMBenchRow:
    """A row of the benchmark's table, or of a predictions table: a question at one of its turns."""

    index: int
    question: int
    """The index of the question that the row is a turn of: its own for the first pass."""
    cells: Mapping[str, str]
    """Every column but the picture, by name in lower case; the options' names are capitals."""
    options: tuple[str, ...]
    answer: str
    """A letter, or nothing where the file has no answers."""
    where: str
    """File and line, for error messages."""
    image: Image = field(default_factory=lambda: Image(b""))
    """Nothing in a predictions table."""


def read(data: str, hub: Mapping[str, str], incomplete: bool = False) -> Iterator[list[MMBenchRow]]:
    """Yield the turns of each question, in the order of the first passes; derived where a file has first passes only.

    `hub` says where on the hub: repo, revision, config, split. With `incomplete` the turns that are there are taken,
    and of the release that is known to lack some always.
    Raises InputError if there is nothing to read, for what is wrong with a row, and for a question that lacks turns or
    whose turns have other options.
    """
    groups: dict[int, list[MMBenchRow]] = {}
    for row in _with_pictures(_table(data, hub)):
        groups.setdefault(row.question, []).append(row)
    if not groups:
        raise InputError("the table has no questions; check that it is the right file")
    incomplete = incomplete or lacks_turns(len(groups), sum(map(len, groups.values())))
    derive = all(len(group) == 1 and group[0].index == question for question, group in groups.items())
    for group in groups.values():
        group.sort(key=lambda row: row.index)
        if not derive:
            _check_turns(group, incomplete)
        yield list(_turns(group[0])) if derive else group


def _table(data: str, hub: Mapping[str, str]) -> Iterator[tables.TableRow]:
    """Return the rows of `hub` or `hub:CONFIG-SPLIT`, a .tsv file, a .parquet file or a folder of such files."""
    if data == "hub" or data.startswith("hub:"):
        config, _, split = data.removeprefix("hub").removeprefix(":").partition("-")
        if data != "hub" and not (config and split):
            raise InputError(f"no data at '{data}': write hub, or hub:CONFIG-SPLIT as in hub:cn-dev")
        return tables.read("hub", (), {**hub, **({"config": config, "split": split} if config else {})}, "mmbench")
    if not Path(data).exists():
        raise InputError(f"no data at '{data}': give the official .tsv file, a .parquet table, embedded, or hub")
    return tables.read(data, ("*.parquet",), None, "mmbench")


def _with_pictures(table: Iterable[tables.TableRow]) -> list[MMBenchRow]:
    """Return the rows, each with its picture; one that is repeated at every turn is held once."""
    found: dict[int, MMBenchRow] = {}
    waiting: dict[int, int] = {}
    held: dict[bytes, bytes] = {}
    for line in table:
        names = columns(list(line.values), COLUMNS, line.where)
        cells = dict(zip(names, line.values.values(), strict=True))
        picture = cells.pop("image")
        text = str if line.table is not None and line.table.suffix.lower() == ".tsv" else _text
        row = parse({name: text(cell) for name, cell in cells.items()}, line.where, found)
        if not row.cells["question"].strip():
            raise InputError(f"{row.where}: the question is empty; write one")
        if not row.cells.get("category", "?").strip():
            raise InputError(f"{row.where}, column category: empty; write the leaf ability that the question is about")
        where = f"{row.where}, column image"
        if isinstance(picture, str) and len(picture) <= REFERENCE:
            waiting[row.index] = index_of(picture, where)
        else:
            found[row.index] = replace(row, image=Image(_picture(picture, where, held), where))
    for index, other in waiting.items():
        if other not in found or other in waiting:
            said = f"its picture is said to be that of row {other}, which has none"
            raise InputError(f"{found[index].where}: {said}; get the file again")
        found[index] = replace(found[index], image=found[other].image)
    return list(found.values())


def _picture(value: Any, where: str, held: dict[bytes, bytes]) -> bytes | Callable[[], bytes]:
    """Return the picture of a cell or what reads it; no path or URL is followed."""
    if isinstance(value, delimited.StoredPicture):
        return value
    if isinstance(value, str):
        return partial(delimited.decoded, value, where)
    encoded = value.get("bytes") if isinstance(value, Mapping) else None
    if not isinstance(encoded, bytes):
        raise InputError(f"{where}: the picture is not in the table; embed its bytes in this column")
    return held.setdefault(hashlib.sha256(encoded).digest(), encoded)


def _text(value: object) -> str:
    """Return a cell of the hub's table as a text; an empty one is None or "nan" there."""
    return "" if value is None or str(value) == "nan" else str(value)


def columns(names: Sequence[str], wanted: Sequence[str], where: str) -> list[str]:
    """Return column names as we write them: options in capitals, others in lower case. Raises InputError."""
    found = [name if len(name) == 1 and name in choices.LETTERS else name.strip().lower() for name in names]
    if missing := [name for name in wanted if name not in found]:
        raise InputError(f"{where}: no column {missing[0]}; the table must have {', '.join(wanted)}")
    if twice := [name for name in found if name and found.count(name) > 1]:
        raise InputError(f"{where}: two columns {twice[0]}; keep one")
    return found


def parse(cells: Mapping[str, str], where: str, found: dict[int, MMBenchRow]) -> MMBenchRow:
    """Add a row to those found, without its picture. Raises InputError for its index, its options and its answer."""
    index, options = index_of(cells["index"], where), option_cells(cells, where)
    answer, known = cells.get("answer", "").strip(), [*choices.LETTERS[: len(options)]]
    if answer and answer not in known:
        raise InputError(f"{where}, column answer: '{answer[:40]}' is not one of {', '.join(known)}; fix it")
    row = MMBenchRow(index, question_of(cells.get("g_index", ""), index, where), cells, options, answer, where)
    if found.setdefault(index, row) is not row:
        raise InputError(f"{where}: the index {index} again; it was in {found[index].where}")
    return row


def option_cells(cells: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Return the options: columns that are not empty, whatever they say ("None" and "NA" are options)."""
    names = [letter for letter in choices.LETTERS if letter in cells]
    filled = [name for name in names if cells[name] != ""]
    if filled != names[: len(filled)]:
        empty = next(name for name in names if name not in filled)
        raise InputError(f"{where}: the option {empty} is empty and {filled[-1]} is not; the options must be in a row")
    if len(filled) < 2:
        raise InputError(f"{where}: {len(filled)} options; a question must have two or more")
    return tuple(cells[name] for name in filled)


def index_of(text: str, where: str) -> int:
    """Return a row's index, which pandas may have written as 5.0. Raises InputError."""
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        raise InputError(f"{where}: the index is '{text[:40]}'; it must be a number of at most {DIGITS} digits")
    return int(digits)


def question_of(g_index: str, index: int, where: str) -> int:
    """Return the index of the question that a row is a turn of: by its own column, or by the row's index."""
    return index_of(g_index, where) if g_index.strip() else index % PASS


def _turns(row: MMBenchRow) -> Iterator[MMBenchRow]:
    yield row
    for turn in range(1, len(row.options)):
        answer = circular.turned_letter(row.answer, len(row.options), turn) if row.answer else ""
        yield replace(row, index=row.index + turn * PASS, options=circular.turned(row.options, turn), answer=answer)


def _check_turns(group: list[MMBenchRow], incomplete: bool) -> None:
    first = group[0]
    for row in group:
        if sorted(row.options) != sorted(first.options):
            raise InputError(f"{row.where}: other options than those of {first.where}, of which it is a turn; fix one")
    if len(group) > len(first.options):
        raise InputError(f"{group[-1].where}: more rows of question {first.question} than it has options; remove some")
    if not incomplete and (len(group) < len(first.options) or first.index != first.question):
        lacks = f"question {first.question} has {len(group)} of its {len(first.options)} turns"
        advice = "get the whole file, or count such questions by the turns they have with --partial"
        raise InputError(f"{first.where}: {lacks}; {advice}")


def prediction_cells(path: Path) -> Iterator[tuple[Mapping[str, sheets.Cell], str]]:
    """Yield each row of a predictions table by column, and where it stands. Raises InputError for its shape."""
    rows = sheets.read(path)
    _, first = next(rows, (0, []))
    names = columns([cell.text for cell in first], PREDICTIONS, str(path))
    for number, cells in rows:
        where = f"{path}, line {number}"
        cells = cells + [sheets.Cell("")] * (len(names) - len(cells))
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} cells and not {len(names)}; quote what holds a separator")
        yield dict(zip(names, cells, strict=True)), where
