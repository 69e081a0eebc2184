"""The three figures of a study of bias, each where it has data: gain by subtask, the blur's and the passage's curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmeval.reporting.sheet import GRID, INK, MUTED, PENS, Pen, Sheet, plain, save

NAMES = ("bias-gain", "bias-blur", "bias-length")
SHOWN = {"absent": "picture gone", "swap-category-0": "another of the category", "grey": "grey"}
"""The controls whose gain is drawn by subtask, as far as they were run -> what a legend calls them."""
WIDTH, LEFT, RIGHT, FOOT, HEAD = 8.0, 0.9, 7.6, 0.75, 1.15
"""Inches: of the sheet, the ends of a scale, and what is left below and above."""
Found = Mapping[str, Any]
Scale = Callable[[float], float]
"""Where a value is, in inches."""


def draw(found: Found, labels: Mapping[str, str], folder: Path) -> list[Path]:
    """Draw what the study has data for into `folder`, as SVG; returns the paths."""
    written: list[Path] = []
    for name, paper in drawn(found, labels).items():
        (folder / f"{name}.svg").unlink(missing_ok=True)  # of a study that had more data
        if paper is not None:
            written += save(paper, folder, name, png=False)
    return written


def drawn(found: Found, labels: Mapping[str, str]) -> dict[str, Sheet | None]:
    """Return each figure by its file's name; None where there is no data for it."""
    return dict(zip(NAMES, (figure(found, labels) for figure in (_gain, _blur, _length)), strict=True))


def _gain(found: Found, labels: Mapping[str, str]) -> Sheet | None:
    """Draw what the picture is worth on each axis, as a share of full marks, by a dot and its interval a control."""
    gains = {name: found["controls"][name]["gain"] for name in SHOWN if name in found["controls"]}
    rows = [axis for axis in labels if any(own.get(axis, {}).get("value") is not None for own in gains.values())]
    if not rows:
        return None
    ends = [100 * own[axis][end] / own[axis]["full_marks"] for own in gains.values() for axis in rows if axis in own
            for end in ("low", "high")]  # fmt: skip
    low, high = 25 * math.floor(min(0.0, *ends) / 25), 25 * math.ceil(max(25.0, *ends) / 25)
    height = 0.34 * len(rows) + FOOT + HEAD
    left = 2.3
    x = _scale((low, high), (left, RIGHT))
    paper = _paper(height, "What the picture is worth", f"{found['title']}: points of 100 lost when it is taken away")
    for tick in range(low, high + 1, 25):
        colour = GRID if tick else INK
        paper.line((x(tick), x(tick)), (FOOT - 0.1, height - HEAD), color=colour, zorder=1)
        paper.text(x(tick), FOOT - 0.32, f"{tick}", 8.5, ha="center", color=MUTED)
    for lane, (name, pen) in enumerate(zip(gains, PENS, strict=False)):
        for row, axis in enumerate(rows):
            y = height - HEAD - 0.34 * (row + 0.5)
            if lane == 0:
                paper.text(left - 0.15, y, plain(labels[axis], 26), 9, middle=True, ha="right")
            one = gains[name].get(axis)
            if one is not None and one["value"] is not None:
                share, at = 100 / one["full_marks"], y - 0.09 * (lane - (len(gains) - 1) / 2)
                paper.line((x(share * one["low"]), x(share * one["high"])), (at, at), color=pen.colour, linewidth=1.4)
                paper.line((x(share * one["value"]),), (at,), zorder=5, **pen.dot)
    _legend(paper, height, [(SHOWN[name], pen) for name, pen in zip(gains, PENS, strict=False)])
    return paper


def _blur(found: Found, labels: Mapping[str, str]) -> Sheet | None:
    """Draw accuracy over the steps of the blur, and without a picture as a dashed line and its interval."""
    steps = [(0, found["seen"]["accuracy"])]
    steps += [(n, found["controls"][f"blur{n}"]["accuracy"]) for n in range(1, 5) if f"blur{n}" in found["controls"]]
    if len(steps) < 3:
        return None
    x, y = _scale((-0.3, 4.3), (LEFT, RIGHT)), _scale((0, 100), (FOOT, 3.7 - HEAD))
    paper = _paper(3.7, "Accuracy under a blur", f"{found['title']}: percent right; step 0 is the picture as it is")
    _levels(paper, y, range(0, 101, 20))
    for step, _ in steps:
        paper.text(x(step), FOOT - 0.25, f"{step}", 8.5, ha="center", color=MUTED)
    paper.text((LEFT + RIGHT) / 2, FOOT - 0.48, "step of the blur", 8.5, ha="center", color=MUTED)
    legend = [("blurred", PENS[0])]
    blind = found["controls"].get("absent", {}).get("accuracy")
    if blind and blind["value"] is not None:
        legend.append(("no picture", PENS[1]))
        paper.line((LEFT, RIGHT), (y(blind["value"]),) * 2, color=PENS[1].colour, linewidth=1.2, linestyle=(0, (5, 3)))
        paper.line((RIGHT,) * 2, (y(blind["low"]), y(blind["high"])), color=PENS[1].colour, linewidth=1.4)
        paper.line((RIGHT,), (y(blind["value"]),), zorder=5, **PENS[1].dot)
    _curve(paper, x, y, steps)
    _legend(paper, 3.7, legend)
    return paper


def _length(found: Found, labels: Mapping[str, str]) -> Sheet | None:
    """Draw what the picture is worth over the measured length of the prompt."""
    points = [(one["input_tokens"], one["gain"]) for one in found.get("length") or [] if one["gain"]["low"] is not None]
    if len(points) < 2:
        return None
    low = 20 * math.floor(min(0.0, *(one["low"] for _, one in points)) / 20)
    high = 20 * math.ceil(max(20.0, *(one["high"] for _, one in points)) / 20)
    longest = max(tokens for tokens, _ in points)
    x, y = _scale((0, longest * 1.05), (LEFT, RIGHT)), _scale((low, high), (FOOT, 3.7 - HEAD))
    title = "What the picture is worth behind a long text"
    paper = _paper(3.7, title, f"{found['title']}: points of accuracy lost without it")
    _levels(paper, y, range(low, high + 1, 20))
    for tokens, _ in points:
        paper.text(x(tokens), FOOT - 0.25, f"{tokens:,.0f}", 8.5, ha="center", color=MUTED)
    paper.text((LEFT + RIGHT) / 2, FOOT - 0.48, "tokens of the prompt, mean", 8.5, ha="center", color=MUTED)
    _curve(paper, x, y, points)
    return paper


def _paper(height: float, title: str, subtitle: str) -> Sheet:
    """Return a sheet with its title."""
    paper = Sheet(WIDTH, height)
    paper.text(0.4, height - 0.42, title, 12, weight="bold")
    paper.text(0.4, height - 0.65, plain(subtitle, 100), 9, color=MUTED)
    return paper


def _scale(values: tuple[float, float], inches: tuple[float, float]) -> Scale:
    (low, high), (start, end) = values, inches
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _levels(paper: Sheet, y: Scale, ticks: Sequence[int]) -> None:
    for tick in ticks:
        paper.line((LEFT, RIGHT), (y(tick), y(tick)), color=GRID if tick else INK, zorder=1)
        paper.text(LEFT - 0.12, y(tick), f"{tick}", 8.5, middle=True, ha="right", color=MUTED)


def _curve(paper: Sheet, x: Scale, y: Scale, points: Sequence[tuple[float, Found]]) -> None:
    known = [(x(at), one) for at, one in points if one["value"] is not None]
    style = PENS[0]
    paper.line([at for at, _ in known], [y(one["value"]) for _, one in known], color=style.colour, linewidth=1.2)
    for at, one in known:
        if one["low"] is not None:
            paper.line((at, at), (y(one["low"]), y(one["high"])), color=style.colour, linewidth=1.4)
        paper.line((at,), (y(one["value"]),), zorder=5, **style.dot)


def _legend(paper: Sheet, height: float, entries: Sequence[tuple[str, Pen]]) -> None:
    left = 0.45
    for label, pen in entries:
        paper.line((left,), (height - 0.9,), zorder=5, **pen.dot)
        paper.text(left + 0.12, height - 0.9, label, 8.5, middle=True)
        left += 0.45 + 0.08 * len(label)
