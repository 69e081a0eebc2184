"""A sheet to draw a figure on, in inches: layout and colors. Text is never markup.

`dotplot`, `radar` and `bias_figures` draw on sheets; `drawing` saves them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mmeval.reporting.chart import Chart, Series
from mmeval.reporting.fonts import CAPITAL, families, lacking, wrap
from mmeval.types import InputError

T = TypeVar("T")

INK, MUTED, GRID, BAND, PAPER = "#1a2027", "#5d6875", "#d5dae0", "#f4f6f8", "#ffffff"
MARGIN = 0.5
"""Margin on every side, in inches."""


@dataclass(frozen=True)
class Pen:
    """The look of a series: color (Okabe and Ito's, safe for color blindness), marker and line style."""

    color: str
    marker: str
    line: str | tuple[float, tuple[float, ...]]
    size: float = 6
    """Marker size in points; thinner markers are larger."""

    @property
    def dot(self) -> dict[str, Any]:
        """The style of the marker alone. A white edge separates overlapping markers."""
        return {"marker": self.marker, "markersize": self.size, "color": self.color}


PENS = (
    Pen("#0072b2", "o", "-"),
    Pen("#d55e00", "s", (0, (6, 1.6))),
    Pen("#009e73", "^", (0, (3, 1.2)), 7),
    Pen("#b5568f", "D", (0, (7, 1.5, 1.4, 1.5))),
    Pen("#c98a00", "v", (0, (1.4, 1.2)), 7),
    Pen("#3b9fd6", "P", (0, (4, 1.5, 1, 1.2, 1, 1.5)), 8),
    Pen("#7a5c3e", "X", (0, (9, 2)), 7.5),
)
HIGHLIGHT = Pen(INK, "o", "-", 7)


@dataclass(frozen=True)
class Text:
    """A text at a point; its style has color, ha, va, zorder, and may have weight, halo and families."""

    x: float
    y: float
    text: str
    size: float
    style: Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A line through points, or the rectangle between two.

    Its style has color, linewidth and zorder, and may have linestyle, alpha, marker and markersize, and fill.
    """

    xs: Sequence[float]
    ys: Sequence[float]
    style: Mapping[str, Any]


@dataclass(frozen=True)
class Sheet:
    """A figure; coordinates are inches from the lower left corner."""

    width: float
    height: float
    shapes: list[Text | Line] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, size: float = 9, *, middle: bool = False, **style: Any) -> None:
        """Write text at a point, left-aligned on its baseline unless the style says otherwise.

        With `middle`, y is at half the height of a capital, to align with a dot next to the text.
        """
        if middle:
            y -= CAPITAL / 2 * size / 72
        text_style: dict[str, Any] = {"color": INK, "va": "baseline", "ha": "left", "zorder": 10} | style
        if fallback_families := families(text):
            text_style["families"] = fallback_families
        self.shapes.append(Text(x, y, text, size, text_style))

    def line(self, xs: Sequence[float], ys: Sequence[float], **style: Any) -> None:
        """Draw a line through points."""
        self.shapes.append(Line(xs, ys, {"color": GRID, "linewidth": 0.8, "zorder": 2} | style))

    def band(self, xs: tuple[float, float], ys: tuple[float, float]) -> None:
        """Fill a rectangle behind everything else."""
        self.shapes.append(Line(xs, ys, {"color": BAND, "linewidth": 0, "zorder": 0, "fill": True}))


def compose(chart: Chart, reading: str, size: tuple[float, ...], draw: Callable[[Sheet, float], None]) -> Sheet:
    """Return a figure: the title, then the drawing, then the chart's notes and how to read it.

    `size` is the sheet's width and the heights of the drawing's parts; `draw` gets the sheet and the drawing's top.
    """
    width, *heights = size
    room = width - 2 * MARGIN
    title, subtitle = wrap(chart.title, 15, room, "bold"), wrap(chart.subtitle, 10, room)
    labels = (*chart.axes.values(), *chart.totals.values(), *(series.label for series in chart.series))
    texts = (chart.title, chart.subtitle, *labels)
    notes = [line for text in (*chart.notes, reading, lacking(texts)) if text for line in wrap(text, 7.5, room)]
    foot = 0.1 + 0.16 * len(notes)
    height = 2 * MARGIN + (0.29 * len(title) + 0.21 * len(subtitle))
    for part in (*heights, foot):  # `sum` rounds differently in Python 3.12, and the bytes would change
        height += part
    sheet, y = Sheet(width, height), height - MARGIN
    for line in title:
        y -= 0.16
        sheet.text(MARGIN, y, line, 15, weight="bold")
        y -= 0.13
    for line in subtitle:
        y -= 0.12
        sheet.text(MARGIN, y, line, 10, color=MUTED)
        y -= 0.09
    draw(sheet, y)
    top = MARGIN * 0.7 + foot
    sheet.line((MARGIN, width - MARGIN), (top, top), linewidth=0.6)
    for index, line in enumerate(notes):
        sheet.text(MARGIN, top - 0.2 - 0.16 * index, line, 7.5, color=MUTED)
    return sheet


def in_rows(items: Iterable[tuple[T, float]], room: float) -> list[list[tuple[T, float]]]:
    """Wrap items, each with its width, into rows of at most `room` inches; each gets its distance from the left."""
    rows: list[list[tuple[T, float]]] = []
    x = room
    for item, width in items:
        if x + width > room:
            rows.append([])
            x = 0.0
        rows[-1].append((item, x))
        x += width
    return rows


def pens(series: Sequence[Series]) -> list[Pen]:
    """Return a pen for each series; HIGHLIGHT if only one is highlighted. Raises InputError for too many series."""
    highlighted, unused = [entry for entry in series if entry.highlight], iter(PENS)
    if len(series) > len(PENS):
        raise InputError(f"{len(series)} models in one figure, but only {len(PENS)} can be told apart; name fewer")
    single = highlighted[0] if len(highlighted) == 1 else None
    return [HIGHLIGHT if entry is single else next(unused) for entry in series]


def order(series: Sequence[Series]) -> list[tuple[Series, Pen]]:
    """Return the series with their pens in drawing order: highlighted series come last, on top."""
    return sorted(zip(series, pens(series), strict=True), key=lambda pair: pair[0].highlight)
