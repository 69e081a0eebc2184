"""The radar, drawn so it does not mislead.

Every spoke runs from zero to full marks, in the benchmark's own order. Rings are polygons labeled with their values.
Nothing is filled, since areas have no meaning. Intervals are ticks on the spokes; chance is dashed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.reporting import svg
from mmeval.reporting.chart import Chart, Series, caption, marks
from mmeval.reporting.drawing import save
from mmeval.reporting.fonts import measure, plain, wrap
from mmeval.reporting.sheet import GRID, MARGIN, MUTED, Pen, Sheet, compose, order, pens
from mmeval.types import number

FEWEST, MOST = 5, 14
"""Minimum and maximum spokes: fewer have no readable shape, more have overlapping labels. Dot plots have no limit."""
LINE, MANY = 0.165, 8
"""Line spacing of a label, in inches; with more than MANY spokes a label has at most two lines."""
SIDE = 2.7
"""Width in inches of the legend at the right, for several models."""


@dataclass(frozen=True)
class Size:
    """Size of a radar in inches, and the font size of its labels in points."""

    radius: float
    labels: float
    """Width of the labels on each side of the radar."""
    points: float

    @property
    def across(self) -> float:
        """Total width, including labels."""
        return 2 * (self.labels + self.radius)


FILE = Size(2.75, 1.25, 9.5)
INLINE = {"broad": Size(1.9, 1.2, 9.5), "narrow": Size(0.9, 1.0, 8)}
"""The two sizes on a page: in a column, and in a window of 400 pixels."""


def fits(chart: Chart) -> bool:
    """Tell whether a chart can be drawn as a radar, by the number of its axes, all and with a value."""
    with_value = {axis for series in chart.series for axis, e in series.estimates.items() if e.value is not None}
    return len(with_value & chart.axes.keys()) >= FEWEST and len(chart.axes) <= MOST


def draw(chart: Chart, folder: Path, name: str = "radar", *, png: bool = True) -> list[Path]:
    """Draw the chart into `folder` as SVG, and with `png` as PNG too; return the paths.

    Raises InputError if the series are of different tasks, or too many to tell apart.
    """
    radar, several = Wheel(chart, FILE), len(chart.series) > 1
    width = 2 * MARGIN + FILE.across + (0.1 + SIDE if several else 0)
    totals = _totals(chart) if not several else []
    foot = 0.25 * len(totals)

    def body(sheet: Sheet, top: float) -> None:
        radar.draw(sheet, width - MARGIN - SIDE - 0.1 - MARGIN if several else width - 2 * MARGIN, top - 0.1, MARGIN)
        if several:
            _legend(sheet, chart, width - MARGIN - SIDE, top - 0.45)
        for index, (label, value) in enumerate(totals):
            y = top - 0.1 - radar.height - 0.25 * index
            sheet.text(MARGIN, y, label, 10, weight="bold")
            sheet.text(MARGIN + measure(label, 10, "bold") + 0.15, y, value, 10, color=MUTED)

    reading = caption(chart, READING, "Dashed ring", "Ticks on the spokes: 95% intervals", "ticks")
    return save(compose(chart, reading, (width, radar.height, 0.2, foot), body), folder, name, png=png)


def inline(chart: Chart) -> str:
    """Return the radar as two elements of a page, for broad and narrow windows, in the page's colors."""
    drawn = []
    for name, size in INLINE.items():
        radar = Wheel(chart, size)
        sheet = Sheet(size.across, radar.height)
        radar.draw(sheet, size.across, radar.height, 0)
        drawn.append(svg.inline(sheet, name, f"Radar of {chart.title}"))
    return "\n".join(drawn)


class Wheel:
    """A chart laid out on spokes; the first points up, the others follow clockwise."""

    def __init__(self, chart: Chart, size: Size) -> None:
        self.chart, self.size, self.spokes = chart, size, len(chart.axes)
        self.texts = [self._lines(label, spoke) for spoke, label in enumerate(chart.axes.values())]
        self.x, self.y = 0.0, 0.0
        reach = (abs(self._at(spoke, 1)[1]) + self._line * (len(t) + 1) for spoke, t in enumerate(self.texts))
        self.above = max(max(reach) - size.radius + 0.2, 0.3)
        self.height = 2 * (size.radius + self.above)

    @property
    def _line(self) -> float:
        return LINE * self.size.points / 9.5

    def draw(self, sheet: Sheet, width: float, top: float, left: float) -> None:
        """Draw the grid, labels and series, centered in the width."""
        self.x, self.y = left + width / 2, top - self.above - self.size.radius
        self._grid(sheet)
        self._labels(sheet)
        for series, pen in order(self.chart.series):
            self._outline(sheet, series, pen)
            self._intervals(sheet, series, pen)

    def _at(self, spoke: int, fraction: float, aside: float = 0) -> tuple[float, float]:
        """Return the point at a fraction of a spoke, `aside` inches to its right as seen from the center."""
        angle = 2 * math.pi * spoke / self.spokes
        sin, cos = math.sin(angle), math.cos(angle)
        r = self.size.radius * fraction
        return self.x + r * sin + aside * cos, self.y + r * cos - aside * sin

    def _polygon(self, fractions: Sequence[float | None]) -> tuple[list[float], list[float]]:
        """Return a closed line through a fraction of each spoke, broken at None."""
        points = [(math.nan, math.nan) if f is None else self._at(k, f) for k, f in enumerate(fractions)]
        points.append(points[0])
        return [x for x, _ in points], [y for _, y in points]

    def _grid(self, sheet: Sheet) -> None:
        chart, shared = self.chart, self.chart.shared_marks
        for spoke in range(self.spokes):
            sheet.line(*zip(self._at(spoke, 0), self._at(spoke, 1), strict=True), linewidth=0.6, zorder=1)
        for quarter in range(1, 5):
            color, width = (MUTED, 0.9) if quarter == 4 else (GRID, 0.8)
            sheet.line(*self._polygon([quarter / 4] * self.spokes), color=color, linewidth=width, zorder=1)
        for quarter in range(5):
            x, y = self._at(0, quarter / 4)
            text = marks(shared * quarter / 4) if shared else f"{25 * quarter}%"
            sheet.text(x - 0.07, y, text, 7.5, color=MUTED, ha="right", middle=True, halo=True, zorder=6)
        chances = [_fraction(chart.chance(metric), chart.full_marks(metric)) for metric in chart.axes]
        dashes = (0, (2.2, 1.8))
        if any(chance is not None for chance in chances):
            sheet.line(*self._polygon(chances), color=MUTED, linestyle=dashes, linewidth=1.1, zorder=2)

    def _lines(self, label: str, spoke: int) -> list[str]:
        """Wrap a label; long labels above or below the radar get more room than those at its sides."""
        text, size = plain(label, 100), self.size
        lines = wrap(text, size.points, size.labels - 0.15)
        upright = abs(math.sin(2 * math.pi * spoke / self.spokes)) < 0.15
        if len(lines) > 2 and upright and self.spokes <= MANY:
            lines = wrap(text, size.points, 2 * size.labels)
        return [lines[0], f"{lines[1][:-1]}…"] if len(lines) > 2 and self.spokes > MANY else lines

    def _labels(self, sheet: Sheet) -> None:
        size, series = self.size, self.chart.series
        for spoke, metric in enumerate(self.chart.axes):
            x, y = self._at(spoke, 1 + 0.15 / size.radius)
            side, up = (x - self.x) / size.radius, (y - self.y) / size.radius
            ha = "center" if abs(side) < 0.15 else "left" if side > 0 else "right"
            va = "center" if abs(up) < 0.75 else "bottom" if up > 0 else "top"
            lines = [*self.texts[spoke]]
            estimate = series[0].estimates.get(metric) if len(series) == 1 else None
            if estimate and estimate.value is not None:
                lines.append(number(estimate.value))
            sheet.text(x, y, "\n".join(lines), size.points, ha=ha, va=va)

    def _outline(self, sheet: Sheet, series: Series, pen: Pen) -> None:
        estimates = [series.estimates.get(metric) for metric in self.chart.axes]
        fractions = [_fraction(e.value, e.full_marks) if e else None for e in estimates]
        style: dict[str, Any] = pen.dot | {"linestyle": pen.line, "zorder": 5 if series.highlight else 4}
        style["markersize"] *= min(1, 0.55 + self.size.radius / 6)
        heavy = series.highlight or len(self.chart.series) == 1
        sheet.line(*self._polygon(fractions), linewidth=2 if heavy else 1.3, **style)

    def _intervals(self, sheet: Sheet, series: Series, pen: Pen) -> None:
        """Draw a tick along the spoke from low to high, with end bars; ticks of several series are side by side.

        They are faint, so a run does not outshine published scores, which have no intervals.
        """
        ticked = [s for s in self.chart.series if any(e.low is not None for e in s.estimates.values())]
        aside = next((0.06 * (i - (len(ticked) - 1) / 2) for i, s in enumerate(ticked) if s is series), 0)
        style: dict[str, Any] = {"color": pen.color, "linewidth": 1.0, "alpha": 0.45, "zorder": 3}
        for spoke, metric in enumerate(self.chart.axes):
            estimate = series.estimates.get(metric)
            if estimate is None or estimate.low is None or estimate.high is None:
                continue
            ends = [bound / estimate.full_marks for bound in (estimate.low, estimate.high)]
            sheet.line(*zip(*(self._at(spoke, end, aside) for end in ends), strict=True), **style)
            for end in ends:
                feet = (self._at(spoke, end, aside + foot) for foot in (-0.035, 0.035))
                sheet.line(*zip(*feet, strict=True), **style)


def _totals(chart: Chart) -> list[tuple[str, str]]:
    """Return the headline numbers of a chart of one series: label, and "value / full marks"."""
    totals = [(label, chart.series[0].estimates.get(metric)) for metric, label in chart.totals.items()]
    return [
        (plain(label), f"{number(estimate.value)} / {marks(estimate.full_marks)}")
        for label, estimate in totals
        if estimate is not None and estimate.value is not None
    ]


def _legend(sheet: Sheet, chart: Chart, x: float, y: float) -> None:
    """Draw the legend at the right: each model with its line, marker and totals."""
    for series, pen in zip(chart.series, pens(chart.series), strict=True):
        xs = (x, x + 0.25, x + 0.5)
        sheet.line(xs, (y, y, y), **pen.dot, linestyle=pen.line, linewidth=2 if series.highlight else 1.5)
        for line in wrap(plain(series.label), 9.5, SIDE - 0.64, "bold"):
            sheet.text(x + 0.64, y, line, 9.5, weight="bold", middle=True)
            y -= 0.19
        for metric, label in chart.totals.items():
            estimate = series.estimates.get(metric)
            if estimate is not None:
                value = f"{number(estimate.value)} / {marks(estimate.full_marks)}"
                sheet.text(x + SIDE, y, value, 8, color=MUTED, ha="right", middle=True)
                for line in wrap(plain(label), 8, SIDE - 0.64 - measure(value, 8) - 0.1):
                    sheet.text(x + 0.64, y, line, 8, color=MUTED, middle=True)
                    y -= 0.17
        y -= 0.18


def _fraction(value: float | None, full: float | None) -> float | None:
    return None if value is None or full is None else value / full


READING = (
    "Each spoke runs from 0 to the full marks of its axis, in the benchmark's own order; nothing is rescaled to the "
    "models shown. Read along the spokes: the enclosed area has no meaning."
)
