"""The radar, drawn so that it does not mislead.

Every spoke runs from zero to full marks, in the benchmark's own order; rings are polygons with their values
written on them; nothing is filled, since areas say nothing; intervals are ticks on the spokes; chance is dashed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.reporting.chart import Chart, Series, caption, number
from mmeval.reporting.sheet import GRID, MARGIN, MUTED, PAPER, Pen, Sheet, compose, measure, order, pens, plain, wrap

RADIUS = 2.75
LABELS, ABOVE = 1.25, 0.62
"""Inches beside the radar, and above and below it, for the axes' labels."""
LINE, MANY = 0.165, 8
"""Inches from one line of a label to the next, and the spokes beyond which long labels are cut, to stand apart."""
SIDE = 2.7
"""Inches of the column at the right, in which the models stand."""
WIDTH = 2 * (MARGIN + LABELS + RADIUS) + 0.1 + SIDE


def draw(chart: Chart, folder: Path, name: str = "radar") -> tuple[Path, Path]:
    """Draw the chart into `folder` as PNG and SVG and returns their paths.

    Raises InputError if the series are of different tasks, or more than can be told apart.
    """

    spokes = len(chart.axes)
    texts = [_lines(label, spoke / spokes, spokes) for spoke, label in enumerate(chart.axes.values())]
    tallest = max(map(len, texts))
    above = ABOVE if tallest < 3 else LINE * (tallest + 1) + 0.27

    def body(sheet: Sheet, top: float) -> None:
        wheel = _Wheel(MARGIN + LABELS + RADIUS, top - 0.1 - above - RADIUS, spokes)
        _grid(sheet, wheel, chart)
        _labels(sheet, wheel, chart, texts)
        for series, pen in order(chart.series):
            _outline(sheet, wheel, chart, series, pen)
            _intervals(sheet, wheel, chart, series, pen)
        _legend(sheet, chart, WIDTH - MARGIN - SIDE, top - 0.45)

    reading = caption(chart, READING, "Dashed ring", "Ticks on the spokes: 95% intervals", "ticks")
    return compose(chart, reading, (WIDTH, 2 * (RADIUS + above), 0.2), body, folder, name)


@dataclass(frozen=True)
class _Wheel:
    """Where the spokes are: the centre in inches, and how many there are; the first points up, then clockwise."""

    x: float
    y: float
    spokes: int

    def at(self, spoke: int, fraction: float, aside: float = 0) -> tuple[float, float]:
        """Return the point at a fraction of a spoke, `aside` inches to its right as seen from the centre."""
        angle = 2 * math.pi * spoke / self.spokes
        sin, cos = math.sin(angle), math.cos(angle)
        r = RADIUS * fraction
        return self.x + r * sin + aside * cos, self.y + r * cos - aside * sin

    def polygon(self, fractions: Sequence[float | None]) -> tuple[list[float], list[float]]:
        """Return a closed line through a fraction of each spoke; it is broken where there is none."""
        points = [(math.nan, math.nan) if f is None else self.at(k, f) for k, f in enumerate(fractions)]
        points.append(points[0])
        return [x for x, _ in points], [y for _, y in points]


def _grid(sheet: Sheet, wheel: _Wheel, chart: Chart) -> None:
    shared = chart.shared_marks
    for spoke in range(wheel.spokes):
        sheet.line(*zip(wheel.at(spoke, 0), wheel.at(spoke, 1), strict=True), linewidth=0.6, zorder=1)
    for quarter in range(1, 5):
        colour, width = (MUTED, 0.9) if quarter == 4 else (GRID, 0.8)
        sheet.line(*wheel.polygon([quarter / 4] * wheel.spokes), color=colour, linewidth=width, zorder=1)
    for quarter in range(5):
        x, y = wheel.at(0, quarter / 4)
        text = f"{shared * quarter / 4:g}" if shared else f"{25 * quarter}%"
        halo = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        sheet.text(x - 0.07, y, text, 7.5, color=MUTED, ha="right", middle=True, bbox=halo, zorder=6)
    chances = [_fraction(chart.chance(metric), chart.full_marks(metric)) for metric in chart.axes]
    dashes = (0, (2.2, 1.8))
    sheet.line(*wheel.polygon(chances), color=MUTED, linestyle=dashes, linewidth=1.1, zorder=2)


def _lines(label: str, turn: float, spokes: int) -> list[str]:
    """Break the label of a spoke into lines; a long one above or below the radar has more room than one beside it."""
    text = plain(label, 40 if spokes > MANY else 100)
    lines = wrap(text, 9.5, LABELS - 0.17)
    return wrap(text, 9.5, 2 * LABELS) if len(lines) > 2 and abs(math.sin(2 * math.pi * turn)) < 0.15 else lines


def _labels(sheet: Sheet, wheel: _Wheel, chart: Chart, texts: Sequence[Sequence[str]]) -> None:
    for spoke, metric in enumerate(chart.axes):
        x, y = wheel.at(spoke, 1 + 0.17 / RADIUS)
        side = (x - wheel.x) / RADIUS
        ha = "center" if abs(side) < 0.15 else "left" if side > 0 else "right"
        up = (y - wheel.y) / RADIUS
        va = "center" if abs(up) < 0.75 else "bottom" if up > 0 else "top"
        lines = [*texts[spoke]]
        if len(chart.series) == 1 and (estimate := chart.series[0].estimates.get(metric)):
            lines.append(number(estimate.value))
        sheet.text(x, y, "\n".join(lines), 9.5, ha=ha, va=va)


def _outline(sheet: Sheet, wheel: _Wheel, chart: Chart, series: Series, pen: Pen) -> None:
    found = [series.estimates.get(metric) for metric in chart.axes]
    fractions = [_fraction(e.value, e.full_marks) if e else None for e in found]
    heavy = series.highlight or len(chart.series) == 1
    style: dict[str, Any] = pen.dot | {"linestyle": pen.line, "zorder": 5 if series.highlight else 4}
    xs, ys = wheel.polygon(fractions)
    sheet.line(xs, ys, linewidth=2.2 if heavy else 1.3, **style)


def _intervals(sheet: Sheet, wheel: _Wheel, chart: Chart, series: Series, pen: Pen) -> None:
    """Draw a tick along the spoke from low to high, with feet; those of several series stand side by side."""
    ticked = [one for one in chart.series if any(e.low is not None for e in one.estimates.values())]
    aside = next((0.06 * (i - (len(ticked) - 1) / 2) for i, one in enumerate(ticked) if one is series), 0)
    for spoke, metric in enumerate(chart.axes):
        estimate = series.estimates.get(metric)
        if estimate is None or estimate.low is None or estimate.high is None:
            continue
        ends = [bound / estimate.full_marks for bound in (estimate.low, estimate.high)]
        style: dict[str, Any] = {"color": pen.colour, "linewidth": 1.2, "alpha": 0.75, "zorder": 3}
        sheet.line(*zip(*(wheel.at(spoke, end, aside) for end in ends), strict=True), **style)
        for end in ends:
            sheet.line(*zip(*(wheel.at(spoke, end, aside + foot) for foot in (-0.04, 0.04)), strict=True), **style)


def _legend(sheet: Sheet, chart: Chart, x: float, y: float) -> None:
    """Draw the models in a column at the right, each with its line, marker and totals."""
    for series, pen in zip(chart.series, pens(chart.series), strict=True):
        heavy = series.highlight or len(chart.series) == 1
        xs = (x, x + 0.25, x + 0.5)
        sheet.line(xs, (y, y, y), **pen.dot, linestyle=pen.line, linewidth=2.2 if heavy else 1.5)
        for line in wrap(plain(series.label), 9.5, SIDE - 0.64, "bold"):
            sheet.text(x + 0.64, y, line, 9.5, weight="bold", middle=True)
            y -= 0.19
        for metric, label in chart.totals.items():
            estimate = series.estimates.get(metric)
            if estimate is not None:
                value = f"{number(estimate.value)} / {estimate.full_marks:,.0f}"
                sheet.text(x + SIDE, y, value, 8, color=MUTED, ha="right", middle=True)
                for line in wrap(plain(label), 8, SIDE - 0.64 - measure(value, 8) - 0.1):
                    sheet.text(x + 0.64, y, line, 8, color=MUTED, middle=True)
                    y -= 0.17
        y -= 0.18


def _fraction(value: float | None, full: float | None) -> float | None:
    return None if value is None or full is None else value / full


READING = (
    "Each spoke runs from 0 to the full marks of its axis, in the benchmark's own order; nothing is rescaled to the "
    "models shown. Read along the spokes: the area enclosed means nothing."
)
