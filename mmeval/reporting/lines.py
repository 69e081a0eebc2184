"""Small tables on the terminal, as Markdown, HTML and CSV.

Cells are untrusted text: no output treats them as markup, code or a formula.
"""

import csv
import html
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from mmeval.reporting.chart import minus

LEAST = 12
"""Minimum width of the first column on a terminal; longer names are wrapped."""
WIDEST = 10_000
"""Maximum width of a table that is never cut off, in terminal columns."""


@dataclass(frozen=True)
class Lines:
    """A table: title, columns, and rows with one cell per column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


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


def shared(marks: Mapping[str, Sequence[str]]) -> list[str]:
    """Return each mark, after the names of the runs that have it unless all have it, given each run's marks."""
    names_by_mark: dict[str, list[str]] = {}
    for name, marks_of_run in marks.items():
        for mark in marks_of_run:
            names_by_mark.setdefault(mark, []).append(name)
    return [
        mark if len(names) == len(marks) else f"{', '.join(names)}: {mark}" for mark, names in names_by_mark.items()
    ]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]], bold: Iterable[int] = ()) -> list[str]:
    """Return the lines of a GitHub Markdown table: first column left-aligned, the others right-aligned.

    `bold` are the indices of the rows in bold.
    """
    cells = [list(map(escape, row)) for row in (columns, *rows)]
    for index in bold:
        cells[index + 1] = [f"**{cell}**" if cell else "" for cell in cells[index + 1]]
    cells.insert(1, [":--", *["--:"] * (len(columns) - 1)])
    return [f"| {' | '.join(row)} |" for row in cells]


def titled(table: Lines) -> list[str]:
    """Return the lines of a table with its title, then an empty line."""
    return [f"## {escape(table.title)}", "", *markdown(table.columns, table.rows), ""]


def stacked(rows: Sequence[Sequence[str]], title: str = "") -> str:
    """Return a header and rows as an escaped HTML table. In a narrow window its cells stack, so every one is seen."""
    columns, *body_rows = [[html.escape(minus(clean(cell))) for cell in row] for row in rows]
    head = "".join(
        f'<th scope="col" class="{"num" if index else ""}">{column}</th>' for index, column in enumerate(columns)
    )
    body = []
    for name, *cells in body_rows:
        data_cells = "".join(
            f'<td class="num" data-label="{column}">{cell}</td>'
            for column, cell in zip(columns[1:], cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{name}</th>{data_cells}</tr>')
    label = f' aria-label="{html.escape(clean(title))}"' if title else ""
    return f'<table class="scores stacked"{label}><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def tell(console: Console, text: str, style: str = "") -> None:
    """Print a line."""
    console.print(Text(clean(text), style))


def grid(header: Iterable[str], sections: Iterable[tuple[Iterable[Sequence[str]], str]], room: int = 1) -> Grid:
    """Return a table for the terminal: sections of rows, each in its style, with `room` spaces between columns."""
    table = Grid(box=box.SIMPLE_HEAD, padding=(0, room, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for index, name in enumerate(header):
        table.add_column(Text(clean(name)), justify="right" if index else "left", no_wrap=index > 0, overflow="fold")
    for rows, style in sections:
        for row in rows:
            table.add_row(*(Text(clean(cell)) for cell in row), style=style)
        table.add_section()
    return table


def fitting(rows: Sequence[Sequence[str]], width: int, dropped: Iterable[str], room: int = 1) -> list[list[str]]:
    """Return a header and rows without the `dropped` columns, in that order, that do not fit next to the names."""
    widths = [max(map(cell_len, column)) + 1 + room for column in zip(*rows, strict=True)]
    indices = list(range(len(widths)))
    for name in dropped:
        if min(widths[0], LEAST) + sum(widths[index] for index in indices[1:]) > width and name in rows[0]:
            indices.remove(rows[0].index(name))
    return [[row[index] for index in indices] for row in rows]


def whole_width(table: Grid, console: Console) -> int:
    """Return the width at which nothing in a table is wrapped or cut off, in terminal columns."""
    return console.measure(table, options=console.options.update(width=WIDEST)).maximum


def print_wrapped(table: Grid, console: Console) -> None:
    """Print a table with its names wrapped to the terminal's width, or whole if the numbers alone are wider."""
    if console.measure(table, options=console.options.update(width=WIDEST)).minimum > console.width:
        print_whole(table, console)
    else:
        console.print(table)


def print_whole(table: Grid, console: Console) -> None:
    """Print a table without cutting off a number, even if the terminal is too narrow."""
    table.width = whole_width(table, console)
    console.print(table, crop=False)


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV, with texts escaped so no program reads them as formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()
