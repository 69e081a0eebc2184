"""The dot plot: a row an axis, a dot a model, its 95% interval as a line, chance dashed. The default for comparing.

Positions are fractions of full marks, so that totals and axes of different full marks share one scale.
"""

from collections.abc import Callable
from pathlib import Path

from mmeval.reporting.chart import Chart, Series, caption, interval, number
from mmeval.reporting.sheet import (
    BAND,
    MARGIN,
    MUTED,
    Pen,
    Sheet,
    foot,
    foot_height,
    head,
    head_height,
    measure,
    notes,
    order,
    paper,
    pens,
    plain,
    save,
)

WIDTH = 10.0
NUMBERS = (0.85, 1.3, 2.55)
"""Right edges of the columns of numbers, in inches from the end of the scale."""
GAP = 0.16
"""Inches between the totals and the axes."""
MARKER = 0.115
"""Inches from one marker to the next, beside or below it, that both are seen whole."""

SHARE, POINTS = "share of full marks", "points, of {:g} an axis"
"""What the two scales are."""


def draw(chart: Chart, folder: Path, name: str = "dotplot") -> tuple[Path, Path]:
    """Draw the chart into `folder` as PNG and SVG and returns their paths.

    Raises InputError if the series are of different tasks, or more than can be told apart.
    """
    lines = notes([*chart.notes, _reading(chart)], WIDTH)
    metrics = (*chart.totals, *chart.axes)
    left, right = _ends(chart)
    lanes = {name: _lanes(chart, name, lambda share: left + share * (right - left)) for name in metrics}
    step = max(0.3, MARKER * max(max(row, default=0) + 1 for row in lanes.values()) + 0.14)
    legend = _legend_rows(chart)
    plot = 0.52 + step * len(metrics) + GAP + (0.45 if _points(chart) else 0.25)
    height = 2 * MARGIN + head_height(chart, WIDTH) + 0.24 * len(legend) + plot + foot_height(lines)
    with paper(WIDTH, height) as sheet:
        y = _legend(sheet, legend, head(sheet, chart) - 0.1)
        _Rows(sheet, chart, lanes, step, y - 0.42).draw()
        foot(sheet, lines)
        return save(sheet, folder, name)


class _Rows:
    """The rows and what they share: where the scale begins and ends, and the numbers beside it."""

    def __init__(self, sheet: Sheet, chart: Chart, lanes: dict[str, list[int]], step: float, top: float) -> None:
        self.sheet, self.chart, self.lanes, self.step, self.top = sheet, chart, lanes, step, top
        self.left, self.right = _ends(chart)
        self.numbers = len(chart.series) == 1

    def draw(self) -> None:
        totals, axes = list(self.chart.totals.items()), list(self.chart.axes.items())
        bottom = self.top - self.step * (len(totals) + len(axes)) - (GAP if totals else 0)
        self._scale(bottom)
        for index, (metric, label) in enumerate(totals + axes):
            gap = GAP if totals and index >= len(totals) else 0
            y = self.top - self.step * (index + 0.5) - gap
            if index % 2 == 0:
                self._band(y)
            self._row(y, metric, label, "bold" if index < len(totals) else "normal")

    def x(self, fraction: float) -> float:
        return self.left + fraction * (self.right - self.left)

    def _band(self, y: float) -> None:
        ends = (MARGIN, WIDTH - MARGIN)
        self.sheet.axes.fill_between(ends, y - self.step / 2, y + self.step / 2, color=BAND, linewidth=0, zorder=0)

    def _scale(self, bottom: float) -> None:
        shared = _points(self.chart)
        for quarter in range(5):
            x = self.x(quarter / 4)
            self.sheet.line((x, x), (bottom, self.top), zorder=1)
            self.sheet.text(x, self.top + 0.09, f"{25 * quarter}%", 8, color=MUTED, ha="center")
            if shared:
                self.sheet.text(x, bottom - 0.2, f"{shared * quarter / 4:g}", 8, color=MUTED, ha="center")
        self.sheet.text(MARGIN, self.top + 0.09, SHARE, 8, color=MUTED)
        if shared:
            self.sheet.text(MARGIN, bottom - 0.2, POINTS.format(shared), 8, color=MUTED)
        if self.numbers:
            for offset, title in zip(NUMBERS, ("score", "of", "95% interval"), strict=True):
                self.sheet.text(self.right + offset, self.top + 0.09, title, 8, color=MUTED, ha="right")

    def _row(self, y: float, metric: str, label: str, weight: str) -> None:
        self.sheet.text(MARGIN + 0.06, y, plain(label, 28), 9, weight=weight, middle=True)
        full, chance = self.chart.full_marks(metric), self.chart.chance(metric)
        if full and chance is not None:
            x = self.x(chance / full)
            ends = (y - self.step / 2, y + self.step / 2)
            self.sheet.line((x, x), ends, color=MUTED, linestyle=(0, (2.2, 1.8)), linewidth=1, zorder=2)
        lanes = self.lanes[metric]
        middle = max(lanes, default=0) / 2
        places = {id(one): y + MARKER * (middle - lane) for one, lane in zip(self.chart.series, lanes, strict=True)}
        for series, pen in order(self.chart.series):
            self._dot(places[id(series)], series, pen, metric)
        if self.numbers:
            self._numbers(y, self.chart.series[0], metric, weight)

    def _dot(self, y: float, series: Series, pen: Pen, metric: str) -> None:
        estimate = series.estimates.get(metric)
        if estimate is None or estimate.value is None:
            return
        full, above = estimate.full_marks, 5 if series.highlight else 4
        if estimate.low is not None and estimate.high is not None:
            ends = (self.x(estimate.low / full), self.x(estimate.high / full))
            self.sheet.line(ends, (y, y), color=pen.colour, linewidth=2, alpha=0.55, zorder=above - 1)
        self.sheet.line((self.x(estimate.value / full),), (y,), **pen.dot, zorder=above)

    def _numbers(self, y: float, series: Series, metric: str, weight: str) -> None:
        estimate = series.estimates.get(metric)
        if estimate is None or estimate.value is None:
            self.sheet.text(self.right + NUMBERS[0], y, "no value", 8.5, middle=True, color=MUTED, ha="right")
            return
        texts = (number(estimate.value), f"{estimate.full_marks:,g}", interval(estimate))
        styles = ({"weight": weight}, {"color": MUTED}, {"color": MUTED})
        for offset, text, style in zip(NUMBERS, texts, styles, strict=True):
            self.sheet.text(self.right + offset, y, text, 8.5, middle=True, ha="right", **style)


def _legend_rows(chart: Chart) -> list[list[tuple[Series, Pen, float]]]:
    """Return the series with their pens and places, broken into rows of the sheet's width; none for a single series."""
    rows: list[list[tuple[Series, Pen, float]]] = []
    x = WIDTH
    for series, pen in zip(chart.series, pens(chart.series), strict=True):
        taken = 0.5 + measure(plain(series.label, 40), 9, "bold" if series.highlight else "normal")
        if x + taken > WIDTH - MARGIN:
            rows.append([])
            x = MARGIN
        rows[-1].append((series, pen, x))
        x += taken
    return rows if len(chart.series) > 1 else []


def _legend(sheet: Sheet, rows: list[list[tuple[Series, Pen, float]]], y: float) -> float:
    for row in rows:
        y -= 0.24
        for series, pen, x in row:
            sheet.line((x + 0.08,), (y,), **pen.dot)
            weight = "bold" if series.highlight else "normal"
            sheet.text(x + 0.22, y, plain(series.label, 40), 9, weight=weight, middle=True)
    return y


def _ends(chart: Chart) -> tuple[float, float]:
    """Where the scale begins and ends, in inches from the left."""
    labels = [plain(label, 28) for label in (*chart.totals.values(), *chart.axes.values())]
    wide = max(measure(label, 9, "bold") for label in labels)
    left = MARGIN + max(wide, *(measure(text, 8) + 0.1 for text in (SHARE, POINTS.format(1000)))) + 0.2
    return left, WIDTH - MARGIN - (NUMBERS[-1] + 0.06 if len(chart.series) == 1 else 0.2)


def _points(chart: Chart) -> float | None:
    """Return the full marks that all axes share, where a scale of points says more than that of percent."""
    marks = {chart.full_marks(metric) for metric in chart.axes} - {None}
    return marks.pop() if len(marks) == 1 and marks != {100} else None


def _lanes(chart: Chart, metric: str, x: Callable[[float], float]) -> list[int]:
    """Which of a row's lines each series is on: one of its own where several have intervals, else the first free."""
    if sum(any(e.low is not None for e in series.estimates.values()) for series in chart.series) > 1:
        return list(range(len(chart.series)))
    taken: list[list[tuple[float, float]]] = []
    lanes = []
    for series in chart.series:
        estimate = series.estimates.get(metric)
        if estimate is None or estimate.value is None:
            lanes.append(0)
            continue
        known = (estimate.value, estimate.low, estimate.high)
        places = [x(value / estimate.full_marks) for value in known if value is not None]
        low, high = min(places) - MARKER, max(places) + MARKER
        free = (n for n, spans in enumerate(taken) if all(high <= a or b <= low for a, b in spans))
        lane = next(free, len(taken))
        taken += [[]] if lane == len(taken) else []
        taken[lane].append((min(places), max(places)))
        lanes.append(lane)
    return lanes


def _reading(chart: Chart) -> str:
    several = " Height within a row means nothing." if len(chart.series) > 1 else ""
    opening = f"Every row runs from zero to full marks.{several}"
    return caption(chart, opening, "Dashed", "Line through a dot: 95% interval", "a line")
