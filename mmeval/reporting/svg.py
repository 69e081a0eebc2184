"""Write a sheet as SVG in a few milliseconds, without matplotlib. The bytes are reproducible."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from mmeval.reporting import fonts, sheet
from mmeval.reporting.sheet import Line, Sheet, Text

POINTS = 72
"""Units of the drawing per inch."""
FAMILIES = f"'{fonts.FONT}', Verdana, sans-serif"
"""Verdana has the metrics of DejaVu Sans, which few machines outside Linux have."""
ANCHORS = {"left": "start", "center": "middle", "right": "end"}
SHAPES = {
    "s": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "^": ((0, -1), (1, 1), (-1, 1)),
    "v": ((0, 1), (1, -1), (-1, -1)),
    "D": ((0, -1.41), (1.41, 0), (0, 1.41), (-1.41, 0)),
    "P": tuple((x / 3, y / 3) for x, y in (
        (-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1))),
    "X": tuple((x / 2, y / 2) for x, y in (
        (-1, -2), (0, -1), (1, -2), (2, -1), (1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1), (-1, 0), (-2, -1))),
}  # fmt: skip
"""Marker -> its corners, in units of half its size; `o` is a circle."""


def write(paper: Sheet) -> str:
    """Return the sheet as an SVG file with a background; text stays text."""
    width, height = (round(POINTS * side, 2) for side in (paper.width, paper.height))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}pt" height="{height:g}pt" '
    head += f'viewBox="0 0 {width:g} {height:g}" font-family="{FAMILIES}">'
    ground = f'<rect width="100%" height="100%" fill="{sheet.PAPER}"/>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}\n{ground}\n{_body(paper, {})}</svg>\n'


def inline(paper: Sheet, name: str, title: str) -> str:
    """Return the sheet as an element for a page, with the class `name`, in the page's colors and fonts."""
    box = f"0 0 {POINTS * paper.width:g} {POINTS * paper.height:g}"
    label = escape(fonts.plain(title))
    return f'<svg class="{name}" viewBox="{box}" role="img" aria-label="{label}">\n{_body(paper, VARIABLES)}</svg>'


VARIABLES = {
    color: f"var(--{name})"
    for color, name in (
        (sheet.INK, "ink"),
        (sheet.MUTED, "muted"),
        (sheet.GRID, "grid"),
        (sheet.BAND, "band"),
        (sheet.PAPER, "card"),
        ("white", "card"),
        *((pen.color, f"pen-{index}") for index, pen in enumerate(sheet.PENS)),
    )
}
"""Color -> the page's CSS variable, so figures follow light and dark mode."""


def _body(paper: Sheet, colors: Mapping[str, str]) -> str:
    shapes = sorted(paper.shapes, key=lambda shape: float(shape.style["zorder"]))
    return "".join(
        _text(shape, paper.height, colors) if isinstance(shape, Text) else _line(shape, paper.height, colors)
        for shape in shapes
    )


def _text(shape: Text, height: float, colors: Mapping[str, str]) -> str:
    """Return a text with every line positioned, so the renderer does not have to break or center lines."""
    style, lines = shape.style, shape.text.split("\n")
    step = shape.size * fonts.LEADING
    y = POINTS * (height - shape.y)
    above = {"baseline": 0, "bottom": (len(lines) - 1) * step, "top": -shape.size * fonts.CAPITAL}
    above["center"] = ((len(lines) - 1) * step - shape.size * fonts.CAPITAL) / 2
    y -= above[style["va"]]
    looks = f'font-size="{shape.size:g}" fill="{_color(style["color"], colors)}"'
    if style["ha"] != "left":
        looks += f' text-anchor="{ANCHORS[style["ha"]]}"'
    if style.get("weight", "normal") != "normal":
        looks += f' font-weight="{style["weight"]}"'
    if style.get("halo"):
        looks += f' stroke="{_color(sheet.PAPER, colors)}" stroke-width="3" paint-order="stroke"'
    if style.get("families") and not colors:
        more = "".join(f", '{name}'" for name in style["families"])
        looks += f' font-family="{FAMILIES}{escape(more.replace(chr(34), ""), quote=False)}"'
    x = POINTS * shape.x
    return "".join(
        f'<text x="{x:.1f}" y="{y + index * step:.1f}" {looks}>{escape(line, quote=False)}</text>\n'
        for index, line in enumerate(lines)
    )


def _line(shape: Line, height: float, colors: Mapping[str, str]) -> str:
    """Return a line through points, broken at NaN, and its markers."""
    style, points = shape.style, [(POINTS * x, POINTS * (height - y)) for x, y in zip(shape.xs, shape.ys, strict=True)]
    color, elements = _color(style["color"], colors), ""
    if style.get("fill"):
        (left, top), (right, bottom) = points
        return (
            f'<rect x="{left:.1f}" y="{min(top, bottom):.1f}" width="{right - left:.1f}" '
            f'height="{abs(bottom - top):.1f}" fill="{color}"/>\n'
        )
    if len(points) > 1:
        path, pen = "", "M"
        for x, y in points:
            path += "" if math.isnan(x) else f"{pen}{x:.1f} {y:.1f}"
            pen = "M" if math.isnan(x) else "L"
        width = style["linewidth"]
        looks = f'fill="none" stroke="{color}" stroke-width="{width:g}" stroke-linejoin="round"'
        if isinstance(dashes := style.get("linestyle", "-"), tuple):
            looks += f' stroke-dasharray="{" ".join(f"{width * dash:.2f}" for dash in dashes[1])}"'
        if "alpha" in style:
            looks += f' opacity="{style["alpha"]:g}"'
        elements += f'<path d="{path}" {looks}/>\n'
    return elements + "".join(
        _marker(x, y, style, colors) for x, y in points if "marker" in style and not math.isnan(x)
    )


def _marker(x: float, y: float, style: Mapping[str, Any], colors: Mapping[str, str]) -> str:
    half = style["markersize"] / 2
    looks = f'fill="{_color(style["color"], colors)}" stroke="{_color("white", colors)}" stroke-width="0.5"'
    if style["marker"] == "o":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{half:g}" {looks}/>\n'
    corners = " ".join(f"{x + half * dx:.1f},{y + half * dy:.1f}" for dx, dy in SHAPES[style["marker"]])
    return f'<polygon points="{corners}" {looks}/>\n'


def _color(color: str, colors: Mapping[str, str]) -> str:
    return colors.get(color, color)
