"""The figures of a bias study, if they have data: gain by subtask, accuracy by blur, gain by prompt length."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmeval.files import delete
from mmeval.reporting import svg
from mmeval.reporting.chart import minus
from mmeval.reporting.drawing import save
from mmeval.reporting.fonts import measure, plain, wrap
from mmeval.reporting.sheet import GRID, INK, MUTED, PENS, Pen, Sheet, in_rows
from mmeval.runs.study import Study
from mmeval.types import Estimate

SHOWN = {"absent": "picture removed", "swap-category-0": "same category", "grey": "grey"}
"""Controls whose gain is drawn by subtask, if they were run -> their legend."""
MARGIN, ROW, LINE, FOOT = 0.3, 0.34, 0.15, 0.55
"""Inches: margin of a figure, least height of a subtask's row, line spacing, and room below the lowest line."""
Scale = Callable[[float], float]
"""Maps a value to its position in inches."""
Percent = tuple[float, float, float]
"""A value and the ends of its interval, in percent of full marks."""


@dataclass(frozen=True)
class FigureSize:
    """A figure's width, the width of its subtask names and the height of a curve, in inches; font size in points."""

    width: float
    names: float
    curve: float
    points: float


FILE = FigureSize(8.0, 2.0, 2.0, 9)
INLINE = {"broad": FigureSize(6.4, 1.7, 1.8, 9.5), "narrow": FigureSize(4.1, 1.25, 1.7, 9)}
"""The two sizes on a page: in a column, and in a window of 400 pixels."""


@dataclass(frozen=True)
class Figure:
    """A figure: title, legend, and a plot whose height depends on the size."""

    title: str
    subtitle: str
    legend: Sequence[tuple[str, Pen]]
    height: Callable[[FigureSize], float]
    draw: Callable[[Sheet, FigureSize, float], None]
    """Draws the plot between the foot and the given height."""


def draw(study: Study, folder: Path) -> list[Path]:
    """Draw the figures that have data into `folder` as SVG; return the paths."""
    written: list[Path] = []
    for name, figure in figures(study).items():
        if figure is None:
            delete(folder / f"{name}.svg")  # left by a study with more data
        else:
            marked = replace(figure, subtitle="; ".join((figure.subtitle, *study.marks)))
            written += save(laid_out(marked, FILE), folder, name, png=False)
    return written


def inline(study: Study) -> list[str]:
    """Return each figure as elements of a page, for broad and narrow windows, in the page's colors."""
    drawn = (figure for figure in figures(study).values() if figure is not None)
    return [
        "\n".join(svg.inline(laid_out(figure, size), name, figure.title) for name, size in INLINE.items())
        for figure in drawn
    ]


def figures(study: Study) -> dict[str, Figure | None]:
    """Map file names to figures; None if there is no data."""
    return {"bias-gain": _gain(study), "bias-blur": _blur(study), "bias-length": _length(study)}


def laid_out(figure: Figure, size: FigureSize) -> Sheet:
    """Draw a figure with its title and legend, in the given size."""
    room, points = size.width - 2 * MARGIN, size.points
    title, subtitle = wrap(figure.title, points + 3, room, "bold"), wrap(figure.subtitle, points, room)
    rows = in_rows(((entry, 0.4 + measure(entry[0], points - 0.5)) for entry in figure.legend), room)
    plot = FOOT + figure.height(size)
    top = plot + 0.2 + 0.2 * len(rows) + 0.17 * len(subtitle) + 0.22 * len(title)
    paper = Sheet(size.width, top + 0.15)
    for line in title:
        top -= 0.22
        paper.text(MARGIN, top, line, points + 3, weight="bold")
    for line in subtitle:
        top -= 0.17
        paper.text(MARGIN, top, line, points, color=MUTED)
    for row in rows:
        top -= 0.2
        for (label, pen), x in row:
            _dot(paper, (MARGIN + x + 0.05,), (top,), pen)
            paper.text(MARGIN + x + 0.17, top, label, points - 0.5, middle=True)
    figure.draw(paper, size, plot)
    return paper


def _gain(study: Study) -> Figure | None:
    """Draw the gain on each axis, in percent of full marks: a dot and its interval per control."""
    gains = {
        name: {axis: gain for axis in study.axes if (gain := _percent(study.controls[name].gain.get(axis)))}
        for name in SHOWN
        if name in study.controls
    }
    axes = [axis for axis in study.axes if any(axis in gain for gain in gains.values())]
    if not axes:
        return None
    ends = [end for gain in gains.values() for _, *interval in gain.values() for end in interval]
    low, high = 25 * math.floor(min(0.0, *ends) / 25), 25 * math.ceil(max(25.0, *ends) / 25)

    def names(size: FigureSize) -> list[list[str]]:
        return [wrap(plain(study.axes[axis]), size.points - 0.5, size.names - 0.12) for axis in axes]

    def step(size: FigureSize) -> float:
        return max(ROW, LINE * max(map(len, names(size))) + 0.08)

    def body(paper: Sheet, size: FigureSize, top: float) -> None:
        left, height = MARGIN + size.names, step(size)
        x = _scale((low, high), (left, size.width - MARGIN))
        named = 25 if x(25) - x(0) > 1.3 * measure(minus("-100"), size.points - 0.5) else 50
        for tick in range(low, high + 1, 25):
            paper.line((x(tick), x(tick)), (FOOT - 0.1, top), color=GRID if tick else INK, zorder=1)
            if tick % named == 0:
                paper.text(x(tick), FOOT - 0.3, minus(f"{tick}"), size.points - 0.5, ha="center", color=MUTED)
        for row, (axis, lines) in enumerate(zip(axes, names(size), strict=True)):
            y = top - height * (row + 0.5)
            for index, line in enumerate(lines):
                above = LINE * ((len(lines) - 1) / 2 - index)
                paper.text(left - 0.12, y + above, line, size.points - 0.5, middle=True, ha="right")
            for lane, (gain, pen) in enumerate(zip(gains.values(), PENS, strict=False)):
                if axis in gain:
                    value, *interval = map(x, gain[axis])
                    at = y - 0.09 * (lane - (len(gains) - 1) / 2)
                    _dot(paper, (value,), (at,), pen)
                    paper.line(interval, (at, at), **_bar(pen))

    legend = [(SHOWN[name], pen) for name, pen in zip(gains, PENS, strict=False)]
    subtitle = f"{study.title}: points of 100 lost without it, with 95% intervals"
    return Figure("Gain from the picture, by subtask", subtitle, legend, lambda size: step(size) * len(axes), body)


def _blur(study: Study) -> Figure | None:
    """Draw accuracy by blur step; accuracy without a picture is a dashed line with its interval."""
    blurred = {n: study.controls[f"blur{n}"] for n in range(1, 5) if f"blur{n}" in study.controls}
    if len(blurred) < 2:
        return None
    # step 0 has the questions that were asked blurred, too
    original = max(blurred.values(), key=lambda control: control.n).as_asked or study.accuracy
    steps = [(0, _percent(original)), *((n, _percent(control.accuracy)) for n, control in blurred.items())]
    blind = _percent(study.controls["absent"].accuracy) if "absent" in study.controls else None
    legend = [("blurred", PENS[0]), *([("no picture", PENS[1])] if blind else [])]

    def body(paper: Sheet, size: FigureSize, top: float) -> None:
        x, y, ends = _axes(paper, size, top, (-0.3, 4.3), (0, 100), "blur step", [(n, f"{n:g}") for n, _ in steps])
        if blind:
            pen, right = PENS[1], ends[1]
            value, *interval = map(y, blind)
            paper.line(ends, (value, value), color=pen.color, linewidth=1.2, linestyle=(0, (5, 3)))
            paper.line((right, right), interval, **_bar(pen))
            _dot(paper, (right,), (value,), pen)
        _curve(paper, x, y, steps)

    subtitle = f"{study.title}: percent correct, with 95% intervals; step 0 is the original picture"
    return Figure("Accuracy under blur", subtitle, legend, lambda size: size.curve, body)


def _length(study: Study) -> Figure | None:
    """Draw the gain by the measured length of the prompt."""
    points = [(length.input_tokens, gain) for length in study.length if (gain := _percent(length.gain))]
    longest = max((tokens for tokens, _ in points), default=0)
    if len(points) < 2 or not longest:  # not every server counts tokens
        return None
    low = 20 * math.floor(min(0.0, *(low for _, (_, low, _) in points)) / 20)
    high = 20 * math.ceil(max(20.0, *(high for _, (_, _, high) in points)) / 20)

    def body(paper: Sheet, size: FigureSize, top: float) -> None:
        ticks = [(tokens, f"{tokens:,.0f}") for tokens, _ in points]
        x, y, _ = _axes(paper, size, top, (0, longest * 1.05), (low, high), "mean prompt tokens", ticks)
        _curve(paper, x, y, points)

    title, subtitle = (
        "Gain from the picture, by prompt length",
        "points of accuracy lost without it, with 95% intervals",
    )
    return Figure(title, f"{study.title}: {subtitle}", (), lambda size: size.curve, body)


def _axes(
    paper: Sheet,
    size: FigureSize,
    top: float,
    across: tuple[float, float],
    up: tuple[int, int],
    unit: str,
    ticks: Sequence[tuple[float, str]],
) -> tuple[Scale, Scale, tuple[float, float]]:
    """Draw the axes of a curve; return both scales, and the ends of the x axis in inches."""
    ends = (MARGIN + 0.35, size.width - MARGIN)
    x, y = _scale(across, ends), _scale(up, (FOOT, top - 0.1))
    for level in range(up[0], up[1] + 1, 20):
        paper.line(ends, (y(level), y(level)), color=GRID if level else INK, zorder=1)
        paper.text(ends[0] - 0.1, y(level), minus(f"{level}"), size.points - 0.5, middle=True, ha="right", color=MUTED)
    for at, text in ticks:
        paper.text(x(at), FOOT - 0.22, text, size.points - 0.5, ha="center", color=MUTED)
    paper.text(sum(ends) / 2, FOOT - 0.43, plain(unit), size.points - 0.5, ha="center", color=MUTED)
    return x, y, ends


def _scale(values: tuple[float, float], inches: tuple[float, float]) -> Scale:
    (low, high), (start, end) = values, inches
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _curve(paper: Sheet, x: Scale, y: Scale, points: Sequence[tuple[float, Percent | None]]) -> None:
    known = [(x(at), [y(end) for end in percent]) for at, percent in points if percent]
    pen = PENS[0]
    paper.line([at for at, _ in known], [value for _, (value, *_) in known], color=pen.color, linewidth=1.2)
    for at, (value, *interval) in known:
        paper.line((at, at), interval, **_bar(pen))
        _dot(paper, (at,), (value,), pen)


def _percent(estimate: Estimate | None) -> Percent | None:
    """Return a number in percent of full marks, as far as an axis may reach; None if there is nothing to draw."""
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    full = estimate.full_marks or 100
    value, low, high = (
        max(-100.0, min(100 * end / full, 100.0)) for end in (estimate.value, estimate.low, estimate.high)
    )
    return value, low, high


def _dot(paper: Sheet, xs: Sequence[float], ys: Sequence[float], pen: Pen) -> None:
    paper.line(xs, ys, zorder=5, **pen.dot)


def _bar(pen: Pen) -> dict[str, Any]:
    """Return the line style of an interval."""
    return {"color": pen.color, "linewidth": 1.4}
