"""Small tables of texts, as Markdown, and rows of anything as CSV; whatever a cell holds, it is text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmeval.reporting.table import escape, inert


@dataclass(frozen=True)
class Lines:
    """A table: its title, its columns, and rows of as many cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table of GitHub's Markdown: names on the left, numbers on the right."""
    cells = [list(map(escape, row)) for row in (columns, *rows)]
    cells.insert(1, [":--", *["--:"] * (len(columns) - 1)])
    return [f"| {' | '.join(row)} |" for row in cells]


def titled(one: Lines) -> list[str]:
    """Return a table under its title, and an empty line."""
    return [f"## {escape(one.title)}", "", *markdown(one.columns, one.rows), ""]


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV, texts so that no program takes them for formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()
