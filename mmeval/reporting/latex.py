"""Tables as LaTeX, for the packages booktabs and graphicx. Cells are escaped."""

import re
from collections.abc import Iterable, Sequence

from mmeval.reporting.chart import minus
from mmeval.reporting.lines import clean

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
    "`": r"\textasciigrave{}",  # after ? and !, a plain one would turn them upside down
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "°": r"\textdegree{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_APART = re.compile("(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")
"""Between two marks that a font would draw as another one: `--` as a dash."""
_KNOWN = frozenset(map(chr, range(0x80))) | frozenset(map(chr, range(0xC0, 0x100))) - frozenset("ÐðÞþ") | {*"‘’“”…"}
"""The characters that every LaTeX engine draws without further packages, once `_SPECIAL` has been replaced."""


def text(value: str) -> str:
    """Escape a text for LaTeX."""
    return "{}".join("".join(_SPECIAL.get(mark, mark) for mark in part) for part in _APART.split(clean(value)))


def tabular(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with its caption, no wider than the text: first column left-aligned, the others right-aligned.

    Letters that pdfLaTeX cannot draw are named in a comment above it.
    """
    body = [_row(header), r"\midrule", *map(_row, rows)]
    caption = text(title)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
    lines += [r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"]
    lines += [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\toprule", *body, r"\bottomrule"]
    lines += [r"\end{tabular}}", r"\end{table}", ""]
    if undrawable := dict.fromkeys(mark for mark in "".join((caption, *body)) if mark not in _KNOWN):
        lines.insert(0, f"% Needs LuaLaTeX or XeLaTeX, and a font that has {''.join(undrawable)}")
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(f"{{{text(minus(cell))}}}" for cell in cells) + r" \\"
