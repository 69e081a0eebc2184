"""MMBench's predictions table, ours or anybody's: the benchmark's rows with a column `prediction`.

It is read for scoring, where the first thing that is wrong is raised, and for checking, where all of it is listed.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmeval.data import sheets
from mmeval.data.mmbench import PASS, index_of, letters, option_cells
from mmeval.data.sheets import Cell
from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.readings.choices import LETTERS
from mmeval.types import InputError, Record

REQUIRED = ("index", "prediction", "A", "B", "C", "D")
"""What the benchmark's server asked for; its report needed `question`, `category`, `l2-category` and `split` too."""
EXPECTED = ("question", "category", "l2-category", "split")
PUBLIC = "add the benchmark's answers, which are public today"
SIZES = {(4329, 1164): "MMBench dev, V1.0", (6666, 1784): "MMBench test, V1.0", (2040, 510): "CCBench"}
"""(Rows, questions) of the sets whose sizes are known."""

Ability = Callable[[str, str, str], str]
"""From the cells l2-category and category, and where they stand, to the ability."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a file, or that whoever uses it should know."""

    level: Literal["wrong", "mind"]
    sentence: str


@dataclass(frozen=True)
class PredictionRow:
    """A row of the table, its cells by column."""

    cells: Mapping[str, Cell]
    where: str

    def text(self, column: str) -> str:
        """What stands in that column, or nothing."""
        return self.cells[column].text if column in self.cells else ""


def lines(path: Path) -> Iterator[PredictionRow]:
    """The rows. Raises InputError if a column is missing or a row has more or fewer cells."""
    rows = sheets.read(path)
    _, first = next(rows, (0, []))
    names = [cell.text if cell.text in [*LETTERS] else cell.text.strip().lower() for cell in first]
    if missing := [name for name in REQUIRED if name not in names]:
        raise InputError(f"{path}: no column {missing[0]}; the table must have {', '.join(REQUIRED)}")
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise InputError(f"{path}: two columns {twice[0]}; keep one")
    for number, cells in rows:
        where = f"{path}, line {number}"
        cells = cells + [Cell("")] * (len(names) - len(cells))
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} cells and not {len(names)}; quote what holds a separator")
        yield PredictionRow(dict(zip(names, cells, strict=True)), where)


def records(path: str, *, ability: Ability | None, partial: bool = False) -> list[Record]:
    """The answers of the table, which must have a column `answer`, as records. Raises InputError."""
    collects = gc.isenabled()
    gc.disable()  # a table is millions of objects and no circle of them: looking for circles would double the time
    try:
        return _records(path, ability, partial)
    finally:
        if collects:
            gc.enable()


def _records(path: str, ability: Ability | None, partial: bool) -> list[Record]:
    found: list[tuple[int, int, Record, dict[str, str]]] = []
    seen: dict[int, str] = {}
    turns: dict[int, list[int]] = {}
    for line in lines(Path(path)):
        if "answer" not in line.cells:
            raise InputError(f"{path}: no column answer, so there is nothing to score by; {PUBLIC}")
        index = index_of(line.text("index"), line.where)
        if index in seen:
            raise InputError(f"{line.where}: the index {index} again; it was in {seen[index]}")
        seen[index] = line.where
        group = _group(line, index)
        turns.setdefault(group, []).append(index)
        tags: dict[str, str] = {}
        found.append((index, group, _record(index, line, group, tags, ability), tags))
    if not found:
        raise InputError(f"{path}: no rows; check that it is the right file")
    for indices in turns.values():
        indices.sort()
    for index, group, record, tags in found:
        if index != group:
            tags["turn"] = str(turns[group].index(index) + (turns[group][0] != group))
        if partial and len(turns[group]) != len(record.choices):
            tags["turns"] = str(len(turns[group]))
    return [record for _, _, record, _ in found]


def check(path: Path) -> list[Finding]:
    """Everything that is wrong with a predictions table, and what its user should mind.

    Wrong: columns, indices, duplicates, letters outside the options, missing turns, formulas, empty answers.
    To mind: what a spreadsheet or pandas would take for a formula, a number or nothing, the first cell of a kind.
    """
    try:
        rows = list(lines(path))
    except InputError as error:
        return [Finding("wrong", str(error))]
    if not rows:
        return [Finding("wrong", f"{path}: no rows; check that it is the right file")]
    found = [
        Finding("mind", f"{path}: no column {name}; the benchmark's report groups by it")
        for name in EXPECTED
        if name not in rows[0].cells
    ]
    groups: dict[int, dict[int, PredictionRow]] = {}
    misread: dict[str, list[str]] = {}
    for line in rows:
        found += _cells(line)
        for name in ("prediction", *LETTERS):
            if name in line.cells and (what := _misread(line.cells[name])):
                misread.setdefault(what, []).append(f"{line.where}, column {name}: '{line.text(name)[:40]}'")
        try:
            index = index_of(line.text("index"), line.where)
            group = groups.setdefault(_group(line, index), {})
        except InputError as error:
            found.append(Finding("wrong", str(error)))
            continue
        if index in group:
            found.append(Finding("wrong", f"{line.where}: the index {index} again; it was in {group[index].where}"))
        group[index] = line
    for question, turns in groups.items():
        found += _turns(path, question, turns)
    for what, cells in misread.items():
        others = len(cells) - 1
        more = "" if not others else "; so is 1 more cell" if others == 1 else f"; so are {others:,} more cells"
        found.append(Finding("mind", f"{cells[0]} {what}{more}"))
    size = (len(rows), len(groups))
    if size not in SIZES:
        known = ", ".join(f"{name}: {r:,} rows, {q:,} questions" for (r, q), name in SIZES.items())
        found.append(
            Finding("mind", f"{path}: {size[0]:,} rows, {size[1]:,} questions, which is no set of known size ({known})")
        )
    return found


def _record(index: int, line: PredictionRow, group: int, tags: dict[str, str], ability: Ability | None) -> Record:
    """The row as a record; its tags are filled, but for those that need the other turns."""
    options = option_cells({name: cell.text for name, cell in line.cells.items()}, line.where)
    answer = line.text("answer").strip()
    if not answer:
        raise InputError(f"{line.where}, column answer: empty, so there is nothing to score by; {PUBLIC}")
    if answer not in letters(options):
        raise InputError(
            f"{line.where}, column answer: '{answer[:40]}' is none of {', '.join(letters(options))}; mend it"
        )
    tags |= {name: line.text(name) for name in ("question", "split") if line.text(name)}
    if ability is not None:
        tags["ability"] = ability(line.text("l2-category"), line.text("category"), line.where)
    return Record(
        id=str(index),
        targets=(answer,),
        category=line.text("category"),
        groups={GROUP: str(group)},
        tags=tags,
        choices=options,
        question=line.text("question"),
        text=line.text("prediction"),
    )


def _group(line: PredictionRow, index: int) -> int:
    given = line.text("g_index").strip()
    return index_of(given, line.where) if given else index % PASS


def _cells(line: PredictionRow) -> Iterator[Finding]:
    options: tuple[str, ...] = ()
    try:
        options = option_cells({name: cell.text for name, cell in line.cells.items()}, line.where)
    except InputError as error:
        yield Finding("wrong", str(error))
    said = line.text("prediction").strip()
    if not said:
        yield Finding("wrong", f"{line.where}: the prediction is empty; write the model's answer, whatever it is")
    if options and said in [*LETTERS] and said not in letters(options):
        known = ", ".join(letters(options))
        yield Finding("wrong", f"{line.where}: the prediction is '{said}', and the options are {known}")
    answer = line.text("answer").strip()
    if options and answer and answer not in letters(options):
        yield Finding("wrong", f"{line.where}: the answer '{answer[:40]}' is none of the options")
    for name in ("prediction", *LETTERS):
        if name in line.cells and line.cells[name].kind in ("formula", "error"):
            shown = line.text(name)[:40]
            yield Finding(
                "wrong",
                f"{line.where}, column {name}: '{shown}' is a formula or its error, and no answer; write it as a text",
            )


_NUMBER = re.compile(
    r"[-+]?(?:\d+(?:[.,]\d*)?|\.\d+)(?:[eE][-+]?\d+)?%?"
    r"|\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?|\d+:\d{2}"
)
"""A number, a date or a time of day, as spreadsheets know them."""
_NOTHING = frozenset(("", "#N/A", "N/A", "NA", "<NA>", "NULL", "null", "NaN", "-NaN", "nan", "-nan", "None", "n/a"))
"""What pandas reads as a missing value."""


def _misread(cell: Cell) -> str | None:
    """What a program that opens the table would make of a cell, where that is not its text."""
    text = cell.text.strip()
    if cell.kind == "number":
        return "is a number: if it was written 1.0 or 01, that is lost"
    if cell.kind != "text":
        return None
    if len(cell.text) > sheets.LONGEST:
        return f"... is longer than the {sheets.LONGEST:,} characters of a spreadsheet's cell, so do not save it there"
    if cell.text.startswith(("=", "+", "-", "@")) and not _NUMBER.fullmatch(text):
        return "is a formula to a spreadsheet, so do not save the file there"
    if text in _NOTHING and cell.text:
        return "is missing to pandas unless it is told keep_default_na=False"
    if _NUMBER.fullmatch(text) and text != str(_plain(text)):
        return "is a date or another number to a spreadsheet, so do not save the file there"
    return None


def _plain(text: str) -> object:
    """The number as a program writes it again; what it would not write the same is lost in a spreadsheet."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _turns(path: Path, question: int, turns: Mapping[int, PredictionRow]) -> Iterator[Finding]:
    first = turns[min(turns)]
    options = sum(1 for name in LETTERS if first.text(name) != "")
    if question not in turns:
        yield Finding("wrong", f"{path}: question {question} lacks its first pass, so it would not be counted")
    if len(turns) < options:
        yield Finding(
            "wrong",
            f"{path}: question {question} has {len(turns)} of its {options} turns; the missing ones would not be "
            "counted, and its score would be too high",
        )
    if len(turns) > options:
        yield Finding("wrong", f"{path}: question {question} has {len(turns)} rows and {options} options")
    for line in turns.values():
        if sorted(line.text(name) for name in LETTERS) != sorted(first.text(name) for name in LETTERS):
            yield Finding("wrong", f"{line.where}: other options than those of {first.where}, of which it is a turn")
