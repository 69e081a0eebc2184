"""The table of a run: on the terminal, as Markdown, as CSV.

Names and labels may have been written by a model or a stranger: no output lets them be markup, code or a formula.
"""

from __future__ import annotations

import csv
import html
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.reporting.chart import estimates, interval, number
from mmeval.types import Estimate, InputError

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class ScoreRow:
    """A line of the table: a number, and what stands beside it."""

    label: str
    estimate: Estimate
    extras: Mapping[str, float] = field(default_factory=dict)
    """Further columns of the benchmark's own, by name (MME: acc and acc+), in the unit in which they are shown."""
    strict: Estimate | None = None
    """What the strict scorer makes of the same answers, where it was asked."""


@dataclass(frozen=True)
class Table:
    """What is tabled: the axes in the benchmark's order, the totals, details, and what became of the answers."""

    title: str
    data: str
    """What the numbers were measured on, as it is to be read beside them."""
    rows: tuple[ScoreRow, ...]
    totals: tuple[ScoreRow, ...]
    counts: Mapping[str, int]
    scorer: str = "official"
    why: str = ""
    """A sentence on why the two scorers can differ."""
    comparable: bool = True
    """Whether the data are the benchmark's own; if not, the data label is shown as a warning."""
    remarks: tuple[str, ...] = ()
    """What the benchmark itself has to say of these answers."""
    details: tuple[ScoreRow, ...] = ()
    """Further numbers, which are neither axes nor headlines."""

    @property
    def every(self) -> tuple[ScoreRow, ...]:
        """All rows, in the order in which they are tabled."""
        return (*self.rows, *self.totals, *self.details)

    @property
    def columns(self) -> list[str]:
        """Names of the extra columns, in the order in which the rows bring them."""
        return list(dict.fromkeys(name for row in self.every for name in row.extras))

    @property
    def differing(self) -> list[ScoreRow]:
        """The rows in which the two scorers do not agree."""
        return [row for row in self.every if _differ(row)]

    @property
    def notes(self) -> list[str]:
        """What a reader must know beside the numbers: where the scorers differ, and what has no value."""
        without: dict[str | None, list[str]] = {}
        for row in self.every:
            if row.estimate.value is None:
                without.setdefault(row.estimate.reason, []).append(row.label)
        said = [f"{'; '.join(labels)}: no value ({reason})" for reason, labels in without.items()]
        if self.differing:
            names = ", ".join(row.label for row in self.differing)
            said.append(f"The {self.scorer} and the strict scorer differ in: {names}. {self.why}".strip())
        return [*said, *self.remarks]


def tabulate(
    scores: Mapping[str, Any],
    title: str,
    data: str,
    axes: Mapping[str, str],
    totals: Mapping[str, str],
    extras: Mapping[str, Mapping[str, float]] | None = None,
    why: str = "",
    comparable: bool = True,
    *,
    details: Mapping[str, str] | None = None,
) -> Table:
    """The table of a `scores.json`; axes, totals and details map metric names to labels, extras to further columns.

    Raises InputError if the scores lack a metric or cannot be read.
    """
    official = estimates(scores)
    strict = estimates(scores, "strict") if "strict" in scores else {}
    if missing := [name for name in (*axes, *totals, *(details or {})) if name not in official]:
        raise InputError(f"the scores have no metric '{missing[0]}'; score the run again")

    def row(name: str, label: str) -> ScoreRow:
        return ScoreRow(label, official[name], (extras or {}).get(name, {}), strict.get(name))

    return Table(
        title,
        data,
        tuple(row(name, label) for name, label in axes.items()),
        tuple(row(name, label) for name, label in totals.items()),
        dict(scores["counts"]),
        str(scores["scorer"]),
        why,
        comparable,
        tuple(scores.get("remarks", ())),
        tuple(row(name, label) for name, label in (details or {}).items()),
    )


def show(table: Table, console: Console) -> None:
    """Prints the table with its data label above it and its notes below."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    room = 1 if console.width >= 100 else 0
    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, room, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for index, name in enumerate(_header(table)):
        grid.add_column(Text(clean(name)), justify="right" if index else "left", no_wrap=True)
    for row in table.rows:
        grid.add_row(*(Text(cell) for cell in _cells(table, row)))
    grid.add_section()
    for row in table.totals:
        grid.add_row(*(Text(cell) for cell in _cells(table, row)), style="bold")
    grid.add_section()
    for row in table.details:
        grid.add_row(*(Text(cell) for cell in _cells(table, row)))
    console.print(Text(clean(table.title), style="bold"))
    console.print(Text(clean(table.data), style="" if table.comparable else "yellow"))
    console.print(grid)
    console.print(Text(counted(table.counts), style="red" if table.counts.get("error") else ""))
    for note in table.notes:
        console.print(Text(clean(note), style="dim"))


def markdown(table: Table) -> str:
    """The same as GitHub's Markdown."""
    header = _header(table)
    lines = [f"# {escape(table.title)}", "", f"**Data:** {escape(table.data)}", ""]
    lines += [_pipes(map(escape, header)), _pipes([":--", *["--:"] * (len(header) - 1)])]
    lines += [_pipes(map(escape, _cells(table, row))) for row in table.rows]
    lines += [_pipes(f"**{escape(cell)}**" if cell else "" for cell in _cells(table, row)) for row in table.totals]
    lines += [_pipes(map(escape, _cells(table, row))) for row in table.details]
    lines += ["", counted(table.counts)]
    lines += [line for note in table.notes for line in ("", escape(note))]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """The same as CSV, numbers in full and a line a metric; the data label stands in every line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("value", "low", "high", "full_marks", "chance", "n")
    writer.writerow(["metric", *map(inert, table.columns), *names, "strict", "reason", "data"])
    for row in table.every:
        numbers = [row.extras.get(name) for name in table.columns]
        numbers += [getattr(row.estimate, name) for name in names]
        texts = [inert(row.estimate.reason or ""), inert(table.data)]
        writer.writerow([inert(row.label), *numbers, row.strict and row.strict.value, *texts])
    return out.getvalue()


def write(table: Table, folder: Path) -> list[Path]:
    """Writes `table.md` and `table.csv` into the folder and returns their paths."""
    paths = [folder / "table.md", folder / "table.csv"]
    for path, text in zip(paths, (markdown(table), to_csv(table)), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def counted(counts: Mapping[str, int]) -> str:
    """What became of the answers, in a line; nothing is left out because it is zero."""
    parts = [f"{counts[name]:,} {name}" for name in ("correct", "incorrect", "unparsed", "refused")]
    if counts.get("unscored"):
        parts.append(f"{counts['unscored']:,} unscored")
    errors = counts["error"]
    return f"{counts['samples']:,} samples: {', '.join(parts)}, {errors:,} error{'' if errors == 1 else 's'}"


def clean(text: str) -> str:
    """One line without control characters, so that no text moves a terminal's cursor or breaks a row."""
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def escape(text: str) -> str:
    """A text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]|~$#!])", r"\\\1", html.escape(clean(text), quote=False))


def inert(text: str) -> str:
    """A cell that no spreadsheet takes as a formula: an apostrophe is put before what would be one."""
    text = clean(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _header(table: Table) -> list[str]:
    strict = ["strict"] if table.differing else []
    return ["", *table.columns, "score", "of", "95% interval", "chance", *strict]


def _cells(table: Table, row: ScoreRow) -> list[str]:
    estimate = row.estimate
    extras = [number(row.extras[name], 2) if name in row.extras else "" for name in table.columns]
    chance = "" if estimate.chance is None else f"{estimate.chance:,.4g}"
    strict = [number(row.strict.value, 2) if row.strict else ""] if table.differing else []
    score = [number(estimate.value, 2), f"{estimate.full_marks:,g}", interval(estimate), chance]
    return [clean(row.label), *extras, *score, *strict]


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _differ(row: ScoreRow) -> bool:
    if row.strict is None:
        return False
    one, other = row.estimate.value, row.strict.value
    if one is None or other is None:
        return one is not other
    return not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
