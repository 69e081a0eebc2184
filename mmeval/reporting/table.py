"""The table of a run: on the terminal, as Markdown, as CSV.

Names and labels are untrusted text: no output treats them as markup, code or a formula.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from mmeval.files import write_texts
from mmeval.reporting import baselines, lines
from mmeval.reporting.baselines import Rows
from mmeval.reporting.chart import interval, marks
from mmeval.reporting.lines import escape, fitting, grid, tell
from mmeval.runs.schema import Counts, Results
from mmeval.scoring.baselines import CONSTANT, MAJORITY
from mmeval.types import Estimate, InputError, number, plural

if TYPE_CHECKING:
    from mmeval.task import Task

NUMBERS = ("value", "low", "high", "full_marks", "chance", "n")
NARROW = 100
"""A terminal with fewer columns gets a table without gaps."""
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
    counts: Counts
    scorer: str
    why: str
    """A sentence on why the two scorers can differ."""
    remarks: tuple[str, ...]
    """Sentences about these answers that the reader must know."""
    baselines: Rows = ()
    """A header and rows with the scores of the baselines, for the headline numbers."""

    @property
    def every(self) -> tuple[ScoreRow, ...]:
        """All rows, in the order of the table."""
        return (*self.rows, *self.totals, *self.details)

    @property
    def totals_at(self) -> range:
        """The places of the totals in `every`."""
        return range(len(self.rows), len(self.rows) + len(self.totals))

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
        sentences = [f"No value: {_first(labels)} ({reason})." for reason, labels in without.items()]
        if both := [row for row in self.differing if row.estimate.value is not None]:
            names = "; ".join(row.label for row in both)
            sentences.append(f"The {self.scorer} and the strict scorer differ in: {names}. {self.why}".strip())
        return [*sentences, *self.remarks]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The unrounded numbers, one row per metric; every row repeats data, answers and marks."""
        about = {"reason": "", "answered": self.answered, "data": "; ".join((self.data, *self.marks))}
        rows = []
        for row in self.every:
            numbers: dict[str, Any] = {name: row.extras.get(name) for name in self.columns}
            numbers |= {name: getattr(row.estimate, name) for name in NUMBERS}
            numbers["strict"] = row.strict.value if row.strict else None
            numbers |= {name: row.baselines.get(name) for name in (MAJORITY, CONSTANT)}
            rows.append({"metric": row.label, **numbers, **about, "reason": row.estimate.reason or ""})
        return rows


def tabulate(task: Task, results: Results, title: str, data: str) -> Table:
    """Make the table of results. Raises InputError if a metric is missing."""
    official, strict, constant = results.metrics, results.strict, results.baselines
    if missing := [name for name in task.labels if name not in official]:
        raise InputError(f"the scores have no metric '{missing[0]}'; score the run again")

    def rows(labels: Mapping[str, str]) -> tuple[ScoreRow, ...]:
        by_metric = {n: {name: entry.values.get(n) for name, entry in constant.items()} for n in labels}
        return tuple(
            ScoreRow(label, official[n], results.parts.get(n, {}), strict.get(n), by_metric[n])
            for n, label in labels.items()
        )

    return Table(
        title=title,
        data=data,
        answered=f"{results.answered:,} of {plural(results.planned, 'question')} answered",
        marks=tuple(results.marks),
        rows=rows(task.axes),
        totals=rows(task.totals),
        details=rows(task.details),
        counts=results.counts,
        scorer=results.scorer,
        why=results.differences,
        remarks=tuple(results.remarks),
        baselines=baselines.rows(
            task.totals or task.axes, {name: estimate.chance for name, estimate in official.items()}, constant
        ),
    )


def show(table: Table, console: Console) -> None:
    """Print the table, with its data above and its notes below. On a narrow terminal, columns are dropped."""
    room = 1 if console.width >= NARROW else 0
    dropped = (*reversed(table.columns), *DROPPED)
    header, *rows = fitting(printed(table), console.width, dropped, room)
    first, after = table.totals_at.start, table.totals_at.stop
    tell(console, table.title, "bold")
    tell(console, f"{table.data}: {table.answered}")
    for mark in table.marks:
        tell(console, mark, "yellow")
    console.print(grid(header, [(rows[:first], ""), (rows[first:after], "bold"), (rows[after:], "")], room))
    if table.baselines:
        console.print(grid(table.baselines[0], [(table.baselines[1:], "dim")], room))
    tell(console, counted(table.counts), "red" if table.counts.error else "")
    for note in table.notes:
        tell(console, note, "dim")


def markdown(table: Table) -> str:
    """Return the table as GitHub Markdown."""
    header, *rows = printed(table)
    text_lines = [f"# {escape(table.title)}", "", f"**Data:** {escape(table.data)}, {escape(table.answered)}", ""]
    text_lines += [line for mark in table.marks for line in (f"**{escape(mark)}**", "")]
    text_lines += lines.markdown(header, rows, bold=table.totals_at)
    if table.baselines:
        text_lines += ["", *lines.markdown(table.baselines[0], table.baselines[1:])]
    text_lines += ["", counted(table.counts)]
    text_lines += [line for note in table.notes for line in ("", escape(note))]
    return "\n".join(text_lines) + "\n"


def to_csv(table: Table) -> str:
    """Return the table as CSV, with unrounded numbers and one line per metric."""
    rows = table.records
    return lines.to_csv([list(rows[0]) if rows else [], *(list(row.values()) for row in rows)])


def printed(table: Table) -> list[list[str]]:
    """Return the header and every row as printed: rounded numbers, each interval in one cell."""
    return [_header(table), *(_cells(table, row) for row in table.every)]


def write(table: Table, folder: Path) -> list[Path]:
    """Write `table.md` and `table.csv` into the folder and return their paths."""
    return write_texts({folder / "table.md": markdown(table), folder / "table.csv": to_csv(table)})


def counted(counts: Counts) -> str:
    """Return the counts of outcomes in one line. Zero counts are included, except for `unscored`."""
    parts = [f"{getattr(counts, name):,} {name}" for name in ("correct", "incorrect", "unparsed", "refused")]
    if counts.partly_correct:
        parts[0] += f" ({counts.partly_correct:,} of them in part)"
    if counts.unscored:
        parts.append(f"{counts.unscored:,} unscored")
    return f"{plural(counts.samples, 'sample')}: {', '.join(parts)}, {plural(counts.error, 'error')}"


def _header(table: Table) -> list[str]:
    return ["", *table.columns, "score", "of", "95% interval", "chance", *(["strict"] if table.differing else [])]


def _cells(table: Table, row: ScoreRow) -> list[str]:
    estimate = row.estimate
    extras = [number(row.extras[name]) if name in row.extras else "" for name in table.columns]
    chance = "" if estimate.chance is None else marks(estimate.chance)
    strict = [number(row.strict.value) if row.strict else ""] if table.differing else []
    score = [number(estimate.value), marks(estimate.full_marks), interval(estimate), chance]
    return [row.label, *extras, *score, *strict]


def _first(labels: Sequence[str], most: int = 5) -> str:
    """List labels, which may contain commas; only the first few of many."""
    return "; ".join(labels) if len(labels) <= most else f"{'; '.join(labels[:most])}; {len(labels) - most} more"


def _differ(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is not second
    return not math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)
