"""MMBench's and CCBench's tables, and tables of answers to them: a row is a question with one rotation of its options.

Columns A to D hold the options; the picture is in base64. A rotated row has the index of its question plus a multiple
of a million. It holds its picture (the `_legacy` files) or the index of the row that does.
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
from mmeval.types import Image, InputError, plural

PASS = 1_000_000
"""Added to a question's index for each rotation."""
REFERENCE = 64
"""Maximum characters of a picture cell that holds the index of another row."""
COLUMNS = ("index", "question", "A", "B", "C", "D", "image")
"""Required columns of the benchmark's table; without `category`, abilities get no scores."""
PREDICTIONS = ("index", "prediction", "A", "B", "C", "D")
"""Required columns of a predictions table, as the benchmark's server required them."""
DIGITS = 15
"""Maximum digits of an index: a spreadsheet keeps no more of a number."""
SIZES = {
    "CCBench": (510, 2040),
    "MMBench dev, 2023-07-12": (1176, 4377),
    "MMBench dev, V1.0": (1164, 4329),
    "MMBench test, V1.0": (1784, 6666),
}
"""Set -> (questions, rows), for sets of known size."""


def lacks_turns(questions: int, rows: int) -> bool:
    """Return whether this is the size of dev's first release, where 53 questions lack their last rotation."""
    return (questions, rows) == SIZES["MMBench dev, 2023-07-12"]


@dataclass(frozen=True, eq=False)
class MMBenchRow:
    """A row of the benchmark's table or of a predictions table: one rotation of a question."""

    index: int
    question: int
    """The index of the row's question; equal to `index` in the first pass."""
    cells: Mapping[str, str]
    """Name -> cell, without the picture. Names are in lower case, those of options in capitals."""
    options: tuple[str, ...]
    answer: str
    """A letter, or empty if the file has no answers."""
    where: str
    """File and line, for error messages."""
    image: Image = field(default_factory=lambda: Image(b""))
    """Empty in a predictions table."""


def read(data: str, hub: Mapping[str, str], incomplete: bool = False) -> Iterator[list[MMBenchRow]]:
    """Yield the rotations of each question, in the order of the first passes; derive them if a file has only those.

    `hub` has repo, revision, config and split. `incomplete` accepts questions that lack rotations; the release that is
    known to lack some is always accepted. Raises InputError if there is nothing to read, a row is wrong, a question
    lacks rotations, or its rotations have different options.
    """
    groups: dict[int, list[MMBenchRow]] = {}
    for row in _with_pictures(_table(data, hub)):
        groups.setdefault(row.question, []).append(row)
    if not groups:
        raise InputError(f"{data}: has no questions; check that it is the right file")
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
        chosen = {"config": config, "split": split} if config else {}
        return tables.read("hub", (), {**hub, **chosen}, "mmbench")
    if not Path(data).exists():
        raise InputError(f"no data at '{data}': give the official .tsv file, a .parquet table, embedded, or hub")
    suffixes = {file.suffix for file in Path(data).iterdir()} if Path(data).is_dir() else set()
    if ".tsv" in suffixes and ".parquet" not in suffixes:
        raise InputError(f"{data} is a folder; name the .tsv file in it")
    return tables.read(data, ("*.parquet",), hub, "mmbench")


def _with_pictures(table: Iterable[tables.TableRow]) -> list[MMBenchRow]:
    """Return the rows with their pictures; a picture that every rotation repeats is held once."""
    rows: dict[int, MMBenchRow] = {}
    references: dict[int, int] = {}
    pictures: dict[bytes, bytes] = {}
    for line in table:
        names = columns(list(line.values), COLUMNS, line.where)
        cells = dict(zip(names, line.values.values(), strict=True))
        picture = cells.pop("image")
        text = str if line.table is not None and line.table.suffix.lower() == ".tsv" else _text
        row = parse({name: text(cell) for name, cell in cells.items()}, line.where, rows)
        if not row.cells["question"].strip():
            raise InputError(f"{row.where}: the question is empty; write one")
        if not row.cells.get("category", "?").strip():
            raise InputError(f"{row.where}, column category: empty; write the leaf ability that the question tests")
        where = f"{row.where}, column image"
        if isinstance(picture, str) and len(picture) <= REFERENCE:
            references[row.index] = index_of(picture, where)
        else:
            rows[row.index] = replace(row, image=Image(_picture(picture, where, pictures), where))
    for index, target in references.items():
        if target not in rows or target in references:
            problem = f"its picture refers to row {target}, which has none"
            raise InputError(f"{rows[index].where}: {problem}; download the file again")
        rows[index] = replace(rows[index], image=rows[target].image)
    return list(rows.values())


def _picture(value: Any, where: str, pictures: dict[bytes, bytes]) -> bytes | Callable[[], bytes]:
    """Return the picture in a cell, or a function that reads it. No path or URL is followed."""
    if isinstance(value, delimited.StoredPicture):
        return value
    if isinstance(value, str):
        return partial(delimited.decoded, value, where)
    encoded = value.get("bytes") if isinstance(value, Mapping) else None
    if not isinstance(encoded, bytes):
        raise InputError(f"{where}: the picture is not in the table; embed its bytes in this column")
    return pictures.setdefault(hashlib.sha256(encoded).digest(), encoded)


def _text(value: object) -> str:
    """Return a cell of the hub's table as text; there, an empty cell is None or "nan"."""
    return "" if value is None or str(value) == "nan" else str(value)


def columns(names: Sequence[str], wanted: Sequence[str], where: str) -> list[str]:
    """Normalize column names: options in capitals, others in lower case. Raises InputError."""
    normalized = [name if len(name) == 1 and name in choices.LETTERS else name.strip().lower() for name in names]
    if missing := [name for name in wanted if name not in normalized]:
        raise InputError(f"{where}: no column {missing[0]}; the table must have {', '.join(wanted)}")
    if repeated := [name for name in normalized if name and normalized.count(name) > 1]:
        raise InputError(f"{where}: two columns {repeated[0]}; keep one")
    return normalized


def parse(cells: Mapping[str, str], where: str, rows: dict[int, MMBenchRow]) -> MMBenchRow:
    """Add a row, without its picture, to `rows`. Raises InputError if its index, options or answer are wrong."""
    index, options = index_of(cells["index"], where), option_cells(cells, where)
    answer, known = cells.get("answer", "").strip(), [*choices.LETTERS[: len(options)]]
    if answer and answer not in known:
        raise InputError(f"{where}, column answer: '{answer[:40]}' is not one of {', '.join(known)}; fix it")
    row = MMBenchRow(index, question_of(cells.get("g_index", ""), index, where), cells, options, answer, where)
    if rows.setdefault(index, row) is not row:
        raise InputError(f"{where}: the index {index} repeats that of {rows[index].where}; remove one")
    return row


def option_cells(cells: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Return the options: the columns that are not empty ("None" and "NA" are options too)."""
    names = [letter for letter in choices.LETTERS if letter in cells]
    filled = [name for name in names if cells[name] != ""]
    if filled != names[: len(filled)]:
        empty = next(name for name in names if name not in filled)
        raise InputError(f"{where}: option {empty} is empty but {filled[-1]} is not; leave no gap between options")
    if len(filled) < 2:
        raise InputError(f"{where}: a question must have two or more options; this one has {len(filled)}")
    return tuple(cells[name] for name in filled)


def index_of(text: str, where: str) -> int:
    """Parse a row's index, which pandas may have written as 5.0. Raises InputError."""
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        raise InputError(f"{where}: the index is '{text[:40]}'; it must be a number of at most {DIGITS} digits")
    return int(digits)


def question_of(g_index: str, index: int, where: str) -> int:
    """Return the index of a row's question: from the column `g_index`, otherwise from the row's index."""
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
            raise InputError(f"{row.where}: its options differ from those of {first.where}, the same question; fix one")
    if len(group) > len(first.options):
        raise InputError(f"{group[-1].where}: more rows of question {first.question} than it has options; remove some")
    if not incomplete and (len(group) < len(first.options) or first.index != first.question):
        problem = f"question {first.question} has {len(group)} of its {len(first.options)} rotations"
        advice = "get the whole file, or score such questions by the rotations they have with --partial"
        raise InputError(f"{first.where}: {problem}; {advice}")


def prediction_cells(path: Path) -> Iterator[tuple[Mapping[str, sheets.Cell], str]]:
    """Yield each row of a predictions table by column, and its position. Raises InputError if its shape is wrong."""
    rows = sheets.read(path)
    _, first = next(rows, (0, []))
    names = columns([cell.text for cell in first], PREDICTIONS, str(path))
    for number, cells in rows:
        where = f"{path}, line {number}"
        cells = cells + [sheets.Cell("")] * (len(names) - len(cells))
        if len(cells) != len(names):
            raise InputError(
                f"{where}: {plural(len(cells), 'cell')}, not {len(names)}; quote cells that contain a separator"
            )
        yield dict(zip(names, cells, strict=True)), where
