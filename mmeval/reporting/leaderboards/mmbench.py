"""MMBench's predictions table: what its server took until 2026, and what VLMEvalKit reads and writes today."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mmeval.data.sheets import LONGEST
from mmeval.run import Run
from mmeval.scoring.metrics.circular import GROUP
from mmeval.types import InputError, Record

COLUMNS = (
    "index", "question", "hint", "A", "B", "C", "D", "answer", "category", "source", "l2-category", "comment", "split",
    "prediction",
)  # fmt: skip
"""As VLMEvalKit writes them: everything in the benchmark's table but the picture, and the prediction."""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What a sheet cannot hold; each becomes one blank."""
LARGEST = 1 << 28
"""Bytes that a table in an archive may have."""

STEPS = """What to do with it today (checked 2026-08):
- MMBench's server closed on 2026-03-31 and its test answers are public: the score is the one printed by
  `mmeval score`; the file is for archives and for comparing tools (open-compass/MMBench issues 57, 61 and 62).
- Keep its name MODEL_DATASET.xlsx if VLMEvalKit is to score it, with the name that VLMEvalKit has for the data
  (MMBench_TEST_EN_V11, ...); a name without mmbench or ccbench is scored there without CircularEval.
- Publish with it which heuristics read the answers, and whether a judge did: scores differ by ten points."""


def write(run: Run, folder: Path) -> list[Path]:
    """One .xlsx sheet of texts, a row an answer, first passes first; returns the file.

    Raises InputError, before anything is written, for an answer or a question that no cell can hold, or
    that lacks turns.
    """
    records = sorted(run.records, key=lambda record: int(record.id))
    if lacking := [record.groups[GROUP] for record in records if "turns" in record.tags]:
        advice = "get the whole table and run without --partial"
        raise InputError(f"{run.folder}: question {lacking[0]} lacks turns, and its score would be too high; {advice}")
    path = folder / file_name(run)
    sheet(path, [_row(record) for record in records])
    return [path]


def file_name(run: Run) -> str:
    """MODEL_DATASET.xlsx, the data called after its file."""
    source = re.sub(r"\.(tsv|parquet)$", "", str(run.spec.data), flags=re.IGNORECASE)
    source = source if is_ours(source) else f"{run.spec.task}_{source}"
    return safe(f"{run.spec.model}_{source}") + ".xlsx"


def is_ours(name: str) -> bool:
    """Whether VLMEvalKit takes a data set of that name for one of MMBench's, and so scores it by CircularEval."""
    return "mmbench" in name.lower() or "ccbench" in name.lower()


def safe(name: str) -> str:
    """Return a name that can be a file's."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def sheet(path: Path, rows: Sequence[Sequence[int | str]]) -> None:
    """Write the table, every text as a text: nothing becomes a formula, a number, a date or a link."""
    import xlsxwriter  # type: ignore[import-untyped]

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    with xlsxwriter.Workbook(str(temporary), {"constant_memory": True}) as book:
        page = book.add_worksheet()
        for number, row in enumerate((COLUMNS, *rows)):
            for place, cell in enumerate(row):
                if isinstance(cell, int):
                    page.write_number(number, place, cell)
                elif cell:
                    page.write_string(number, place, cell)
    temporary.replace(path)


_TAGS = ("question", "hint", "source", "l2-category", "comment", "split")


def _row(record: Record) -> list[int | str]:
    if len(record.choices) > 4:
        raise InputError(f"{record.id}: {len(record.choices)} options, and the format has columns for four")
    tags = dict.fromkeys(COLUMNS[1:], "") | {name: text for name, text in record.tags.items() if name in _TAGS}
    own = {"answer": "".join(record.targets[:1]), "category": record.category, "prediction": record.text or ""}
    texts = tags | dict(zip("ABCD", record.choices, strict=False)) | own
    for name in COLUMNS[1:]:
        if len(text := texts[name]) > LONGEST:
            raise InputError(f"{record.id}: the {name} has {len(text):,} characters, and a cell holds {LONGEST:,}")
    return [int(record.id), *(CONTROL.sub(" ", texts[name]) for name in COLUMNS[1:])]
