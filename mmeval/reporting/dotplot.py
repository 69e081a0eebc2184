"""The dot plot: one row per axis, one dot per model with its 95% interval as a line; chance is dashed.

Positions are fractions of full marks, so axes and totals with different full marks share one scale.
"""

from collections.abc import Callable
from pathlib import Path

from mmeval.reporting.chart import Chart, caption, interval, marks
from mmeval.reporting.drawing import save
from mmeval.reporting.fonts import measure, plain, wrap
from mmeval.reporting.sheet import MARGIN, MUTED, Pen, Sheet, compose, in_rows, order, pens
from mmeval.types import Estimate, number

WIDTH = 10.0
NUMBERS = (0.85, 1.3, 2.55)
"""Right edges of the columns of numbers, in inches from the end of the scale."""
LABEL, LINE = 2.4, 0.17
"""Maximum width of a label's line, and line spacing, in inches."""
GAP = 0.16
"""Inches between the totals and the axes."""
MARKER = 0.115
"""Inches between two markers that do not overlap."""

SHARE, POINTS = "share of full marks", "points of {} per axis"
"""Titles of the two scales."""

Scale = Callable[[float], float]
"""Maps a fraction of full marks to inches from the left."""


def draw(chart: Chart, folder: Path, name: str = "dotplot", *, png: bool = True) -> list[Path]:
    """Draw the chart into `folder` as SVG, and with `png` as PNG too; return the paths.

    Raises InputError if the series are of different tasks, or too many to tell apart.
    """
    left, right = _ends(chart)

    def x(fraction: float) -> float:
        return left + fraction * (right - left)

    rows = [*chart.totals.items(), *chart.axes.items()]
    lanes = {metric: _lanes(chart, metric, x) for metric, _ in rows}
    lines = {metric: wrap(plain(label, 100), 9, LABEL, "bold") for metric, label in rows}
    tallest = max(map(len, lines.values()))
    step = max(
        0.3,
        LINE * tallest + 0.1 if tallest > 1 else 0,
        MARKER * max(max(row, default=0) + 1 for row in lanes.values()) + 0.14,
    )
    legend = _legend_rows(chart)

    def body(sheet: Sheet, top: float) -> None:
        top = _legend(sheet, legend, top - 0.1) - 0.42
        gap = GAP if chart.totals else 0
        _scale(sheet, chart, x, top, top - step * len(rows) - gap)
        for index, (metric, _) in enumerate(rows):
            total = index < len(chart.totals)
            y = top - step * (index + 0.5) - (0 if total else gap)
            weight, ends = "bold" if total else "normal", (y - step / 2, y + step / 2)
            if index % 2 == 0:
                sheet.band((MARGIN, WIDTH - MARGIN), ends)
            for row, line in enumerate(lines[metric]):
                above = LINE * ((len(lines[metric]) - 1) / 2 - row)
                sheet.text(MARGIN + 0.06, y + above, line, 9, weight=weight, middle=True)
            full, chance = chart.full_marks(metric), chart.chance(metric)
            if full and chance is not None:
                chance_x, dashes = x(chance / full), (0, (2.2, 1.8))
                sheet.line((chance_x, chance_x), ends, color=MUTED, linestyle=dashes, linewidth=1, zorder=2)
            _dots(sheet, chart, x, y, metric, lanes[metric])
            if len(chart.series) == 1:
                _numbers(sheet, chart.series[0].estimates.get(metric), right, y, weight)

    plot = 0.52 + step * len(rows) + GAP + (0.45 if _points(chart) else 0.25)
    return save(compose(chart, _reading(chart), (WIDTH, 0.24 * len(legend), plot), body), folder, name, png=png)


def _scale(sheet: Sheet, chart: Chart, x: Scale, top: float, bottom: float) -> None:
    shared = _points(chart)
    for quarter in range(5):
        tick = x(quarter / 4)
        sheet.line((tick, tick), (bottom, top), zorder=1)
        sheet.text(tick, top + 0.09, f"{25 * quarter}%", 8, color=MUTED, ha="center")
        if shared:
            sheet.text(tick, bottom - 0.2, marks(shared * quarter / 4), 8, color=MUTED, ha="center")
    sheet.text(MARGIN, top + 0.09, SHARE, 8, color=MUTED)
    if shared:
        sheet.text(MARGIN, bottom - 0.2, POINTS.format(marks(shared)), 8, color=MUTED)
    if len(chart.series) == 1:
        for offset, title in zip(NUMBERS, ("score", "of", "95% interval"), strict=True):
            sheet.text(x(1) + offset, top + 0.09, title, 8, color=MUTED, ha="right")


def _dots(sheet: Sheet, chart: Chart, x: Scale, y: float, metric: str, lanes: list[int]) -> None:
    """Draw a row's dots with their intervals, each in its lane around the middle of the row."""
    middle = max(lanes, default=0) / 2
    heights = {id(s): y + MARKER * (middle - lane) for s, lane in zip(chart.series, lanes, strict=True)}
    for series, pen in order(chart.series):
        estimate, height = series.estimates.get(metric), heights[id(series)]
        if estimate is None or estimate.value is None:
            continue
        full, above = estimate.full_marks, 5 if series.highlight else 4
        if estimate.low is not None and estimate.high is not None:
            ends = (x(estimate.low / full), x(estimate.high / full))
            sheet.line(ends, (height, height), color=pen.color, linewidth=2, alpha=0.55, zorder=above - 1)
        sheet.line((x(estimate.value / full),), (height,), **pen.dot, zorder=above)


def _numbers(sheet: Sheet, estimate: Estimate | None, right: float, y: float, weight: str) -> None:
    if estimate is None or estimate.value is None:
        sheet.text(right + NUMBERS[0], y, "no value", 8.5, middle=True, color=MUTED, ha="right")
        return
    texts = (number(estimate.value), marks(estimate.full_marks), interval(estimate))
    styles = ({"weight": weight}, {"color": MUTED}, {"color": MUTED})
    for offset, text, style in zip(NUMBERS, texts, styles, strict=True):
        sheet.text(right + offset, y, text, 8.5, middle=True, ha="right", **style)


Legend = list[list[tuple[tuple[str, str, Pen], float]]]
"""Rows of labels with their weights and pens, and their distances from the left margin."""


def _legend_rows(chart: Chart) -> Legend:
    """Return the legend, wrapped at the sheet's width; nothing for one series."""
    entries = [
        (plain(series.label, 40), "bold" if series.highlight else "normal", pen)
        for series, pen in zip(chart.series, pens(chart.series), strict=True)
    ]
    wide = ((entry, 0.5 + measure(entry[0], 9, entry[1])) for entry in entries)
    return in_rows(wide, WIDTH - 2 * MARGIN) if len(entries) > 1 else []


def _legend(sheet: Sheet, rows: Legend, y: float) -> float:
    for row in rows:
        y -= 0.24
        for (label, weight, pen), x in row:
            sheet.line((MARGIN + x + 0.08,), (y,), **pen.dot)
            sheet.text(MARGIN + x + 0.22, y, label, 9, weight=weight, middle=True)
    return y


def _ends(chart: Chart) -> tuple[float, float]:
    """Return the start and end of the scale, in inches from the left."""
    labels = (*chart.totals.values(), *chart.axes.values())
    wide = max(measure(line, 9, "bold") for label in labels for line in wrap(plain(label, 100), 9, LABEL, "bold"))
    left = MARGIN + max(wide, *(measure(text, 8) + 0.1 for text in (SHARE, POINTS.format("1,000")))) + 0.2
    return left, WIDTH - MARGIN - (NUMBERS[-1] + 0.06 if len(chart.series) == 1 else 0.2)


def _points(chart: Chart) -> float | None:
    """Return the full marks that all axes share, or None if they differ or equal 100, the scale in percent."""
    return None if chart.shared_marks == 100 else chart.shared_marks


def _lanes(chart: Chart, metric: str, x: Scale) -> list[int]:
    """Return each series' lane in a row: its own if several series have intervals, else the first free one."""
    if sum(any(e.low is not None for e in series.estimates.values()) for series in chart.series) > 1:
        return list(range(len(chart.series)))
    occupied: list[list[tuple[float, float]]] = []
    lanes = []
    for series in chart.series:
        estimate = series.estimates.get(metric)
        if estimate is None or estimate.value is None:
            lanes.append(0)
            continue
        known = (estimate.value, estimate.low, estimate.high)
        positions = [x(value / estimate.full_marks) for value in known if value is not None]
        low, high = min(positions) - MARKER, max(positions) + MARKER
        free = (n for n, spans in enumerate(occupied) if all(high <= a or b <= low for a, b in spans))
        lane = next(free, len(occupied))
        occupied += [[]] if lane == len(occupied) else []
        occupied[lane].append((min(positions), max(positions)))
        lanes.append(lane)
    return lanes


def _reading(chart: Chart) -> str:
    several = " Height within a row has no meaning." if len(chart.series) > 1 else ""
    opening = f"Every row runs from zero to full marks.{several}"
    return caption(chart, opening, "Dashed", "Line through a dot: 95% interval", "a line")
