"""Tables as LaTeX, for the package booktabs. Cells are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmeval.reporting.chart import minus
from mmeval.reporting.table import clean

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "\N{MINUS SIGN}": "$-$",
    "—": "---",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # \\textquotedbl is missing from LaTeX's default encoding
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def text(value: str) -> str:
    """Escape a text for LaTeX."""
    return "".join(_SPECIAL.get(mark, mark) for mark in clean(value))


def tabular(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with its caption: first column left-aligned, the others right-aligned."""
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{text(title)}}}"]
    lines += [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\toprule", _row(header), r"\midrule"]
    lines += [*map(_row, rows), r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(f"{{{text(minus(cell))}}}" for cell in cells) + r" \\"
