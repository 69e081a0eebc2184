"""Write and check MMBench's predictions table, which its server took and VLMEvalKit reads today."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmeval.data.mmbench import SIZES, index_of, lacks_turns, option_cells, prediction_cells, question_of
from mmeval.data.sheets import CUT, FORMULA, LONGEST, Cell, is_text
from mmeval.files import LONGEST_NAME, component, write_bytes
from mmeval.reporting.leaderboards.findings import Finding, empty, more, problem, warning
from mmeval.runs.run import Run
from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.readings.choices import LETTERS
from mmeval.types import InputError, Record, plural

COLUMNS = (
    "index", "question", "hint", "A", "B", "C", "D", "answer", "category", "source", "l2-category", "comment", "split",
    "prediction",
)  # fmt: skip
"""VLMEvalKit's columns: those of the benchmark's table except the picture, and the prediction."""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Characters that a sheet cannot hold; each becomes one space."""
LARGEST = 1 << 28
"""Maximum bytes of a table in an archive."""

EXPECTED = ("question", "category", "l2-category", "split")
"""Columns that the report of the benchmark's server also needed."""
V1 = 3000
"""Question indices of MMBench V1.0 and CCBench are smaller. The benchmark's server used this to detect the version."""

STEPS = """What to do with it today (checked 2026-08):
- MMBench's server closed on 2026-03-31 and its test answers are public. The score is the one that `mmeval score`
  prints; the file is for archives and for comparing tools (open-compass/MMBench issues 57, 61 and 62).
- To score it with VLMEvalKit, keep the name MODEL_DATASET.xlsx with VLMEvalKit's name for the data
  (MMBench_TEST_EN_V11, ...). Without mmbench or ccbench in the name, VLMEvalKit does not use CircularEval.
- When you publish it, say which heuristics parsed the answers, and whether a judge did: scores differ by ten points."""


def write(run: Run, folder: Path) -> list[Path]:
    """Write one .xlsx sheet of texts, one row per answer, first passes first; return the file.

    Raises InputError before anything is written if a text does not fit into a cell, or a question lacks rotations.
    """
    records = sorted(run.records, key=lambda record: int(record.id))
    lacking = [record.groups[GROUP] for record in records if "turns" in record.tags]
    if lacking and not lacks_turns(len({record.groups[GROUP] for record in records}), len(records)):
        advice = "get the complete table and run without --partial"
        raise InputError(
            f"{run.folder}: question {lacking[0]} lacks rotations, and its score would be too high; {advice}"
        )
    path = folder / file_name(run)
    sheet(path, [_row(record) for record in records])
    return [path]


def data_set(run: Run) -> str:
    """Return the name under which VLMEvalKit knows the run's data: that of the data file."""
    source = re.sub(r"\.(tsv|parquet)$", "", str(run.spec.data), flags=re.IGNORECASE)
    return component(source if is_ours(source) else f"{run.spec.task}_{source}", LONGEST_NAME // 2)


def file_name(run: Run) -> str:
    """Return MODEL_DATASET.xlsx."""
    return f"{component(run.spec.model, LONGEST_NAME // 2)}_{data_set(run)}.xlsx"


def is_ours(name: str) -> bool:
    """Tell whether VLMEvalKit treats a data set of that name as MMBench and scores it by CircularEval."""
    return "mmbench" in name.lower() or "ccbench" in name.lower()


def sheet(path: Path, rows: Sequence[Sequence[int | str]]) -> None:
    """Write the table with every text as a text cell, never a formula, number, date or link."""
    import xlsxwriter  # type: ignore[import-untyped]

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as book:
        page = book.add_worksheet()
        for number, row in enumerate((COLUMNS, *rows)):
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    page.write_number(number, column, cell)
                elif cell:
                    page.write_string(number, column, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())


_TAGS = ("question", "hint", "source", "l2-category", "comment", "split")


def _row(record: Record) -> list[int | str]:
    if len(record.choices) > 4:
        raise InputError(f"{record.id}: {len(record.choices)} options, but the format has columns for four")
    tags = dict.fromkeys(COLUMNS[1:], "") | {name: text for name, text in record.tags.items() if name in _TAGS}
    answer_cells = {"answer": "".join(record.targets[:1]), "category": record.category, "prediction": record.text or ""}
    texts = tags | dict(zip("ABCD", record.choices, strict=False)) | answer_cells
    for name in COLUMNS[1:]:
        if len(text := texts[name]) > LONGEST:
            raise InputError(f"{record.id}: the {name} has {len(text):,} characters, but a cell holds {LONGEST:,}")
    return [int(record.id), *(CONTROL.sub(" ", texts[name]) for name in COLUMNS[1:])]


@dataclass(frozen=True)
class PredictionRow:
    """A row of the table, its cells by column."""

    cells: Mapping[str, Cell]
    where: str

    def text(self, column: str) -> str:
        """Return the text in that column, or nothing."""
        return self.cells[column].text if column in self.cells else ""


def check(path: Path) -> list[Finding]:
    """Return all errors and warnings for a predictions table.

    Errors: columns, indices, duplicates, expected answers that are not options, missing rotations, formulas, a table
    without any answer. Warnings: a letter that is not one of the options, and the first cell of each kind that is
    empty, or that a spreadsheet or pandas would read as a formula, a number or a missing value.
    """
    try:
        rows = [PredictionRow(cells, where) for cells, where in prediction_cells(path)]
    except InputError as error:
        return [problem(str(error))]
    if not rows:
        return [problem(f"{path}: no rows; check that it is the right file")]
    lacking = [name for name in EXPECTED if name not in rows[0].cells]
    findings = [warning(f"{path}: no column {name}; the benchmark's report groups by it") for name in lacking]
    groups: dict[int, dict[int, PredictionRow]] = {}
    for row in rows:
        findings += _cells(row)
        try:
            index = index_of(row.text("index"), row.where)
            group = groups.setdefault(question_of(row.text("g_index"), index, row.where), {})
        except InputError as error:
            findings.append(problem(str(error)))
            continue
        if index in group:
            findings.append(problem(f"{row.where}: the index {index} repeats that of {group[index].where}; remove one"))
        group[index] = row
    known = lacks_turns(len(groups), len(rows))
    for question, turns in groups.items():
        findings += _turns(path, question, turns, known)
    findings += empty("prediction", [row.where for row in rows if not row.text("prediction").strip()], len(rows))
    findings += _misread_cells(rows)
    return [*findings, *_size(path, groups, rows)]


def _size(path: Path, groups: Mapping[int, object], rows: Sequence[PredictionRow]) -> Iterator[Finding]:
    """Yield a finding if no known set has this size: an error if there are too few questions, else a warning."""
    size = (len(groups), len(rows))
    if not groups or size in SIZES.values():
        return
    named = "CCBench" if max(groups) < 1000 and not rows[0].text("l2-category") else "MMBench dev, V1.0"
    few = max(groups) < V1 and size[0] < SIZES[named][0]
    known = ", ".join(f"{name}: {questions:,} questions, {lines:,} rows" for name, (questions, lines) in SIZES.items())
    odd = f"fewer than {named} has" if few else "which is not the size of a known set"
    yield (problem if few else warning)(
        f"{path}: {plural(size[0], 'question')} in {plural(size[1], 'row')}, {odd} ({known})"
    )


def _misread_cells(rows: Sequence[PredictionRow]) -> Iterator[Finding]:
    """Yield the first cell of each kind that another program would misread, with the number of further cells."""
    misread: dict[str, list[str]] = {}
    for row in rows:
        for name in ("prediction", *LETTERS):
            if name in row.cells and (what := _misread(row.cells[name])):
                misread.setdefault(what, []).append(f"{row.where}, column {name}: '{row.text(name)[:40]}'")
    for what, cells in misread.items():
        yield warning(f"{cells[0]} {what}{more(len(cells) - 1, 'cell')}")


def _cells(row: PredictionRow) -> Iterator[Finding]:
    options: tuple[str, ...] = ()
    try:
        options = option_cells({name: cell.text for name, cell in row.cells.items()}, row.where)
    except InputError as error:
        yield problem(str(error))
    known = [*LETTERS[: len(options)]]
    answered = row.text("prediction").strip()
    if options and answered in [*LETTERS] and answered not in known:
        yield warning(f"{row.where}: the prediction is '{answered}', but the options are {', '.join(known)}")
    answer = row.text("answer").strip()
    if options and answer and answer not in known:
        yield problem(f"{row.where}: the answer '{answer[:40]}' is not one of the options")
    for name in ("prediction", *LETTERS):
        if name in row.cells and not is_text(row.cells[name]):
            yield problem(f"{row.where}, column {name}: '{row.text(name)[:40]}' {FORMULA}")


_NUMBER = re.compile(
    r"[-+]?(?:\d+(?:[.,]\d*)?|\.\d+)(?:[eE][-+]?\d+)?%?|\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?|\d+:\d{2}"
)
"""A number, date or time, as spreadsheets recognize them."""
_NOTHING = frozenset(("", "#N/A", "N/A", "NA", "<NA>", "NULL", "null", "NaN", "-NaN", "nan", "-nan", "None", "n/a"))
"""Texts that pandas reads as missing values."""


def _misread(cell: Cell) -> str | None:
    """Return how a program that opens the table would misread a cell, or None."""
    text = cell.text.strip()
    if cell.kind == "number":
        return "is a number: a spelling such as 1.0 or 01 would be lost"
    if cell.kind != "text":
        return None
    if len(cell.text) == LONGEST:
        return f"... {CUT}"
    if len(cell.text) > LONGEST:
        return f"... is longer than the {LONGEST:,} characters of a spreadsheet's cell, so do not save it there"
    if cell.text.startswith(("=", "+", "-", "@")) and not _NUMBER.fullmatch(text):
        return "is a formula to a spreadsheet, so do not save the file there"
    if text in _NOTHING and cell.text:
        return "is a missing value to pandas without keep_default_na=False"
    if _NUMBER.fullmatch(text) and text != str(_plain(text)):
        return "is a date or a different number to a spreadsheet, so do not save the file there"
    return None


def _plain(text: str) -> object:
    """Return the number as a spreadsheet would write it back, or None. Another spelling would be lost."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _turns(path: Path, question: int, turns: Mapping[int, PredictionRow], known: bool) -> Iterator[Finding]:
    """Yield the errors in a question's rotations. `known` means that the set is known to lack some."""
    first = turns[min(turns)]
    options = sum(1 for name in LETTERS if first.text(name) != "")
    if question not in turns:
        yield problem(f"{path}: question {question} lacks its first pass, so it would not be counted")
    if len(turns) < options and not known:
        missing = "the missing ones would not be counted, and its score would be too high"
        yield problem(f"{path}: question {question} has {len(turns)} of its {options} rotations; {missing}")
    if len(turns) > options:
        yield problem(f"{path}: question {question} has {len(turns)} rows but only {options} options")
    for row in turns.values():
        if sorted(row.text(name) for name in LETTERS) != sorted(first.text(name) for name in LETTERS):
            yield problem(f"{row.where}: the options differ from those in {first.where}, which has the same question")
