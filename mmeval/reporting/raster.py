"""Write a sheet as PNG with matplotlib, on request. This takes a second; an SVG takes a few milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.reporting import fonts, sheet
from mmeval.reporting.sheet import Sheet, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 200
"""Dots per inch."""
SETTINGS: Any = {"font.family": fonts.FONT, "text.parse_math": False, "figure.dpi": 100, "path.simplify": False}
"""matplotlib's settings while a figure is drawn and saved."""


def write(paper: Sheet, path: Path) -> None:
    """Save the sheet as PNG. The same drawing gives the same bytes."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure(paper).savefig(path, dpi=DOTS, metadata={"Software": None})


def figure(paper: Sheet) -> Figure:
    """Return the sheet as a matplotlib figure."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(paper.width, paper.height), facecolor=sheet.PAPER)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, paper.width), ylim=(0, paper.height))
    axes.set_axis_off()
    for shape in paper.shapes:
        style = dict(shape.style)
        if isinstance(shape, Text):
            if families := style.pop("families", ()):
                style["fontfamily"] = [fonts.FONT, *families]
            if style.pop("halo", False):
                style["bbox"] = {"facecolor": sheet.PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
            axes.text(shape.x, shape.y, shape.text, fontsize=shape.size, linespacing=fonts.LEADING, **style)
        elif style.pop("fill", False):
            low, high = shape.ys
            axes.fill_between(shape.xs, low, high, color=style["color"], linewidth=0, zorder=style["zorder"])
        else:
            if "marker" in style:
                style |= {"markeredgecolor": "white", "markeredgewidth": 0.5}
            axes.plot(shape.xs, shape.ys, solid_capstyle="butt", **style)
    return drawn
