"""The table of a run: on the terminal, as Markdown, as CSV.

Names and labels are untrusted text: no output treats them as markup, code or a formula.
"""

from __future__ import annotations

import csv
import html
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from mmeval.files import write_text
from mmeval.reporting import baselines
from mmeval.reporting.baselines import Rows
from mmeval.reporting.chart import estimates, interval, marks, number
from mmeval.scoring.baselines import CONSTANT, MAJORITY
from mmeval.types import Estimate, InputError

if TYPE_CHECKING:
    import pandas as pd

    from mmeval.task import Task

NUMBERS = ("value", "low", "high", "full_marks", "chance", "n")
NARROW = 100
"""A terminal with fewer columns gets a table without gaps."""
LEAST = 12
"""Minimum width of the name column; longer names are wrapped."""
DROPPED = ("of", "chance", "strict", "95% interval")
"""Columns dropped on a narrow terminal, in this order, after a benchmark's own columns."""


@dataclass(frozen=True)
class ScoreRow:
    """A row of the table: a label, its estimate, and further columns."""

    label: str
    estimate: Estimate
    extras: Mapping[str, float] = field(default_factory=dict)
    """The benchmark's own extra columns by name (MME: acc and acc+), in the unit that is shown."""
    strict: Estimate | None = None
    """The strict scorer's estimate on the same answers, if that scorer was used."""
    baselines: Mapping[str, float | None] = field(default_factory=dict)
    """What the majority answer and a constant answer score here."""


@dataclass(frozen=True)
class Table:
    """The content of a table: axes in the benchmark's order, totals, details, and counts of outcomes."""

    title: str
    data: str
    """The data that the numbers were measured on."""
    answered: str
    """`n of N questions answered`."""
    marks: tuple[str, ...]
    """Warnings: how the run differs from a complete run on the benchmark's data."""
    rows: tuple[ScoreRow, ...]
    totals: tuple[ScoreRow, ...]
    details: tuple[ScoreRow, ...]
    counts: Mapping[str, int]
    scorer: str
    why: str
    """A sentence on why the two scorers can differ."""
    remarks: tuple[str, ...]
    """Sentences about these answers that the reader must know."""
    baselines: Rows = ()
    """A header and rows with the headline numbers of answers that do not look at the question."""

    @property
    def every(self) -> tuple[ScoreRow, ...]:
        """All rows, in the order of the table."""
        return (*self.rows, *self.totals, *self.details)

    @property
    def columns(self) -> list[str]:
        """Names of the extra columns, in order of first appearance."""
        return list(dict.fromkeys(name for row in self.every for name in row.extras))

    @property
    def differing(self) -> list[ScoreRow]:
        """Rows in which the two scorers disagree."""
        return [row for row in self.every if row.strict and _differ(row.estimate.value, row.strict.value)]

    @property
    def notes(self) -> list[str]:
        """Notes on the numbers: rows without a value, rows in which the scorers differ, and the remarks."""
        without: dict[str | None, list[str]] = {}
        for row in self.every:
            if row.estimate.value is None:
                without.setdefault(row.estimate.reason, []).append(row.label)
        parts = [f"{', '.join(labels)} ({reason})" for reason, labels in without.items()]
        found = [f"No value: {'; '.join(parts)}."] if parts else []
        if self.differing:
            names = ", ".join(row.label for row in self.differing)
            found.append(f"The {self.scorer} and the strict scorer differ in: {names}. {self.why}".strip())
        return [*found, *self.remarks]

    def frame(self) -> pd.DataFrame:
        """Return the unrounded numbers, one row per metric; every row repeats data, answers and marks."""
        import pandas as pd

        return pd.DataFrame(self.records)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows of `frame`, as dictionaries."""
        about = {"reason": "", "answered": self.answered, "data": "; ".join((self.data, *self.marks))}
        rows = []
        for row in self.every:
            numbers: dict[str, Any] = {name: row.extras.get(name) for name in self.columns}
            numbers |= {name: getattr(row.estimate, name) for name in NUMBERS}
            numbers["strict"] = row.strict.value if row.strict else None
            numbers |= {name: row.baselines.get(name) for name in (MAJORITY, CONSTANT)}
            rows.append({"metric": row.label, **numbers, **about, "reason": row.estimate.reason or ""})
        return rows


def tabulate(task: Task, results: Mapping[str, Any], title: str, data: str) -> Table:
    """Make the table of a `scores.json`. Raises InputError if a metric is missing or malformed."""
    official = estimates(results)
    strict = estimates(results, "strict") if "strict" in results else {}
    if missing := [name for name in task.labels if name not in official]:
        raise InputError(f"the scores have no metric '{missing[0]}'; score the run again")

    constant = results.get("baselines", {})

    def rows(labels: Mapping[str, str]) -> tuple[ScoreRow, ...]:
        parts = results.get("parts", {})
        by_metric = {n: {name: one["values"].get(n) for name, one in constant.items()} for n in labels}
        return tuple(
            ScoreRow(label, official[n], parts.get(n, {}), strict.get(n), by_metric[n]) for n, label in labels.items()
        )

    answered, planned = results.get("answered", 0), results.get("planned", 0)
    return Table(
        title=title,
        data=data,
        answered=f"{answered:,} of {planned:,} questions answered",
        marks=tuple(results.get("marks", ())),
        rows=rows(task.axes),
        totals=rows(task.totals),
        details=rows(task.details),
        counts=dict(results["counts"]),
        scorer=str(results["scorer"]),
        why=str(results.get("differences", "")),
        remarks=tuple(results.get("remarks", ())),
        baselines=baselines.rows(
            task.totals or task.axes, {name: one.chance for name, one in official.items()}, constant
        ),
    )


def grid(header: Iterable[str], sections: Iterable[tuple[Iterable[list[str]], str]], room: int = 1) -> Grid:
    """Return a table for the terminal: sections of rows, each in its style, with `room` spaces between columns."""
    made = Grid(box=box.SIMPLE_HEAD, padding=(0, room, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for index, name in enumerate(header):
        made.add_column(Text(clean(name)), justify="right" if index else "left", no_wrap=index > 0, overflow="fold")
    for rows, style in sections:
        for row in rows:
            made.add_row(*map(Text, row), style=style)
        made.add_section()
    return made


def show(table: Table, console: Console) -> None:
    """Print the table, with its data above and its notes below."""
    parts = ((table.rows, ""), (table.totals, "bold"), (table.details, ""))
    room = 1 if console.width >= NARROW else 0
    kept = _fitting(table, console.width, room)
    sections = [([_kept(_cells(table, row), kept) for row in rows], style) for rows, style in parts]
    console.print(Text(clean(table.title), style="bold"))
    console.print(Text(clean(f"{table.data}: {table.answered}")))
    for mark in table.marks:
        console.print(Text(clean(mark), style="yellow"))
    console.print(grid(_kept(_header(table), kept), sections, room))
    if table.baselines:
        header, *rest = table.baselines
        console.print(grid(header, [(map(list, rest), "dim")], room))
    console.print(Text(counted(table.counts), style="red" if table.counts.get("error") else ""))
    for note in table.notes:
        console.print(Text(clean(note), style="dim"))


def _fitting(table: Table, width: int, room: int) -> list[int]:
    """Return the columns that fit next to names of the minimum width. The score always fits."""
    header = _header(table)
    rows = [header, *(_cells(table, row) for row in table.every)]
    widths = [max(map(cell_len, column)) + 1 + room for column in zip(*rows, strict=True)]
    kept = list(range(len(header)))
    for name in (*reversed(table.columns), *DROPPED):
        if min(widths[0], LEAST) + sum(widths[place] for place in kept[1:]) > width and name in header:
            kept.remove(header.index(name))
    return kept


def _kept(cells: Sequence[str], kept: Sequence[int]) -> list[str]:
    return [cells[place] for place in kept]


def markdown(table: Table) -> str:
    """Return the table as GitHub Markdown."""
    header = _header(table)
    lines = [f"# {escape(table.title)}", "", f"**Data:** {escape(table.data)}, {escape(table.answered)}", ""]
    lines += [line for mark in table.marks for line in (f"**{escape(mark)}**", "")]
    lines += [_pipes(map(escape, header)), _pipes([":--", *["--:"] * (len(header) - 1)])]
    lines += [_pipes(map(escape, _cells(table, row))) for row in table.rows]
    lines += [_pipes(f"**{escape(cell)}**" if cell else "" for cell in _cells(table, row)) for row in table.totals]
    lines += [_pipes(map(escape, _cells(table, row))) for row in table.details]
    if table.baselines:
        rows = [_pipes(map(escape, row)) for row in table.baselines]
        lines += ["", rows[0], _pipes([":--", *["--:"] * (len(table.baselines[0]) - 1)]), *rows[1:]]
    lines += ["", counted(table.counts)]
    lines += [line for note in table.notes for line in ("", escape(note))]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Return the table as CSV, with unrounded numbers and one line per metric."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = table.records
    writer.writerow(map(inert, rows[0]) if rows else ())
    writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row.values()] for row in rows)
    return out.getvalue()


def lines(table: Table) -> list[list[str]]:
    """Return the header and every row as printed: rounded numbers, each interval in one cell."""
    return [_header(table), *(_cells(table, row) for row in table.every)]


def write(table: Table, folder: Path) -> list[Path]:
    """Write `table.md` and `table.csv` into the folder and return their paths."""
    texts = {folder / "table.md": markdown(table), folder / "table.csv": to_csv(table)}
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def counted(counts: Mapping[str, int]) -> str:
    """Return the counts of outcomes in one line. Zero counts are included, except for `unscored`."""
    parts = [f"{counts[name]:,} {name}" for name in ("correct", "incorrect", "unparsed", "refused")]
    if counts.get("unscored"):
        parts.append(f"{counts['unscored']:,} unscored")
    errors = counts["error"]
    samples = f"{counts['samples']:,} sample{'' if counts['samples'] == 1 else 's'}"
    return f"{samples}: {', '.join(parts)}, {errors:,} error{'' if errors == 1 else 's'}"


def clean(text: str) -> str:
    """Return the text as one line without control characters, so it cannot move the cursor or break a row."""
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def escape(text: str) -> str:
    """Escape a text for Markdown."""
    return re.sub(r"([\\`*_{}\[\]|~$#!])", r"\\\1", html.escape(clean(text), quote=False))


def inert(text: str) -> str:
    """Return a cell that no spreadsheet reads as a formula: a text that looks like one gets an apostrophe.

    The characters are those of OWASP's page on CSV injection, including their full-width forms.
    """
    text = clean(text)
    return f"'{text}" if text.startswith(tuple("=+-@＝＋－＠")) else text


def _header(table: Table) -> list[str]:
    return ["", *table.columns, "score", "of", "95% interval", "chance", *(["strict"] if table.differing else [])]


def _cells(table: Table, row: ScoreRow) -> list[str]:
    estimate = row.estimate
    extras = [number(row.extras[name]) if name in row.extras else "" for name in table.columns]
    chance = "" if estimate.chance is None else marks(estimate.chance)
    strict = [number(row.strict.value) if row.strict else ""] if table.differing else []
    score = [number(estimate.value), marks(estimate.full_marks), interval(estimate), chance]
    return [clean(row.label), *extras, *score, *strict]


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _differ(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is not other
    return not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
