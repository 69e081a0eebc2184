"""Small tables as Markdown, as HTML and on the terminal, and rows as CSV. Cells are escaped."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as Grid

from mmeval.reporting.chart import minus
from mmeval.reporting.table import clean, escape, inert

WIDEST = 10_000
"""Maximum width of a table that is never cut off, in terminal columns."""


@dataclass(frozen=True)
class Lines:
    """A table: title, columns, and rows with one cell per column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def shared(marks: Mapping[str, Sequence[str]]) -> list[str]:
    """Return each mark, after the names of the runs that have it unless all have it, given each run's marks."""
    found: dict[str, list[str]] = {}
    for name, own in marks.items():
        for mark in own:
            found.setdefault(mark, []).append(name)
    return [mark if len(names) == len(marks) else f"{', '.join(names)}: {mark}" for mark, names in found.items()]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a GitHub Markdown table: first column left-aligned, the others right-aligned."""
    cells = [list(map(escape, row)) for row in (columns, *rows)]
    cells.insert(1, [":--", *["--:"] * (len(columns) - 1)])
    return [f"| {' | '.join(row)} |" for row in cells]


def titled(one: Lines) -> list[str]:
    """Return the lines of a table with its title, then an empty line."""
    return [f"## {escape(one.title)}", "", *markdown(one.columns, one.rows), ""]


def stacked(rows: Sequence[Sequence[str]], title: str = "") -> str:
    """Return a header and rows as an escaped HTML table. In a narrow window its cells stack, so every one is seen."""
    columns, *rest = [[html.escape(minus(clean(cell))) for cell in row] for row in rows]
    head = "".join(
        f'<th scope="col" class="{"num" if place else ""}">{column}</th>' for place, column in enumerate(columns)
    )
    body = []
    for name, *cells in rest:
        own = "".join(
            f'<td class="num" data-label="{column}">{cell}</td>'
            for column, cell in zip(columns[1:], cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{name}</th>{own}</tr>')
    label = f' aria-label="{html.escape(clean(title))}"' if title else ""
    return f'<table class="scores stacked"{label}><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def whole_width(made: Grid, console: Console) -> int:
    """Return the width at which nothing in a table is wrapped or cut off, in terminal columns."""
    return console.measure(made, options=console.options.update(width=WIDEST)).maximum


def print_whole(made: Grid, console: Console) -> None:
    """Print a table without cutting off a number, even if the terminal is too narrow."""
    made.width = whole_width(made, console)
    console.print(made, crop=False)


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV, with texts escaped so no program reads them as formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()
