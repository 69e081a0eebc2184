"""A sheet to draw a figure on, in inches: layout, typography, colors. Text is never markup.

`dotplot` and `radar` draw on sheets; `svg` and `raster` write them to files.
"""

import importlib.util
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from PIL import ImageFont

from mmeval.files import write_text
from mmeval.reporting.chart import Chart, Series
from mmeval.reporting.lines import clean
from mmeval.types import InputError

INK, MUTED, GRID, BAND, PAPER = "#1a2027", "#5d6875", "#d5dae0", "#f4f6f8", "#ffffff"
MARGIN = 0.5
"""Margin on every side, in inches."""

FONT = "DejaVu Sans"
"""Comes with matplotlib, so a figure has the same bytes on every machine. Letters that it lacks use another font."""
PLACEHOLDERS = ("Last Resort", "cm", "STIXSize", "STIXNonUnicode")
"""Prefixes of matplotlib's fonts that have boxes for every letter, or pieces of formulas."""
CAPITAL = 0.729
"""Height of FONT's capitals, in ems."""
LEADING = 1.25
"""Line spacing, as a multiple of the font size."""
COMMON = frozenset(map(chr, (*range(0x20, 0x250), *range(0x370, 0x530)))) | frozenset("–—‘’“”…·×→−�")
"""Letters that FONT is known to have. For texts of these no font list is read."""


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
        given: dict[str, Any] = {"color": INK, "va": "baseline", "ha": "left", "zorder": 10} | style
        if more := _families(text):
            given["families"] = more
        self.shapes.append(Text(x, y, text, size, given))

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
    shown = (
        chart.title,
        chart.subtitle,
        *chart.axes.values(),
        *chart.totals.values(),
        *(s.label for s in chart.series),
    )
    notes = [line for text in (*chart.notes, reading, lacking(shown)) if text for line in wrap(text, 7.5, room)]
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


def save(sheet: Sheet, folder: Path, name: str, *, png: bool = True) -> list[Path]:
    """Write `name.svg`, and with `png` also `name.png`; return their paths.

    Without `png` an existing `name.png` is deleted, since it would show old numbers.
    """
    from mmeval.reporting import raster, svg

    folder.mkdir(parents=True, exist_ok=True)
    picture, drawing = folder / f"{name}.png", folder / f"{name}.svg"
    write_text(drawing, svg.write(sheet))
    if not png:
        picture.unlink(missing_ok=True)
        return [drawing]
    raster.write(sheet, picture)
    return [picture, drawing]


def pens(series: Sequence[Series]) -> list[Pen]:
    """Return a pen for each series; HIGHLIGHT if only one is highlighted. Raises InputError for too many series."""
    inked, rest = [one for one in series if one.highlight], iter(PENS)
    if len(series) > len(PENS):
        raise InputError(f"{len(series)} models in one figure, but only {len(PENS)} can be told apart; name fewer")
    return [HIGHLIGHT if len(inked) == 1 and one is inked[0] else next(rest) for one in series]


def order(series: Sequence[Series]) -> list[tuple[Series, Pen]]:
    """Return the series with their pens in drawing order: highlighted series come last, on top."""
    return sorted(zip(series, pens(series), strict=True), key=lambda pair: pair[0].highlight)


def plain(text: str, limit: int = 60) -> str:
    """Return a label on one line, cut at `limit` characters, with letters that no font has replaced."""
    drawable = (c if c in COMMON or c in _glyphs() or _family(c) else "\N{REPLACEMENT CHARACTER}" for c in clean(text))
    kept = "".join(drawable)
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def wrap(text: str, size: float, width: float, weight: str = "normal") -> list[str]:
    """Wrap a text into lines of at most `width` inches."""
    width *= 0.98  # hinting on screens makes letters slightly wider than measured
    lines: list[str] = []
    for word in plain(text, 1000).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size, weight) <= width:
            lines[-1] = longer
            continue
        while measure(word, size, weight) > width:
            keep = next(n for n in range(len(word) - 1, 0, -1) if measure(word[:n], size, weight) <= width)
            lines.append(word[:keep])
            word = word[keep:]
        lines.append(word)
    return lines


def measure(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a text in inches; letters that FONT lacks are estimated."""
    font = _font(weight)
    if text.isascii():
        return float(font.getlength(text)) / EM * size / 72
    own = "".join(letter for letter in text if letter in COMMON or letter in _glyphs())
    wide = (WIDE if east_asian_width(letter) in "WF" else 0.7 for letter in text if letter not in own)
    return (float(font.getlength(own)) / EM + sum(wide)) * size / 72


EM, WIDE = 200, 1.02
"""Pixels of an em for measuring; width of a Chinese letter in ems."""


@lru_cache(maxsize=2)
def _font(weight: str) -> ImageFont.FreeTypeFont:
    """Return FONT from matplotlib's folder, without importing matplotlib, which takes most of a second."""
    package = importlib.util.find_spec("matplotlib")
    assert package is not None and package.submodule_search_locations  # a dependency of mmeval
    name = "DejaVuSans-Bold.ttf" if weight == "bold" else "DejaVuSans.ttf"
    path = Path(package.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), EM, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[str]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(map(chr, get_font(findfont(FontProperties(family=FONT))).get_charmap()))


def lacking(texts: Iterable[str]) -> str:
    """Return a sentence about the letters that no installed font has, and what to do; nothing if there are none."""
    letters = dict.fromkeys(c for text in texts if not text.isascii() for c in clean(text) if c not in COMMON)
    missing = "".join(c for c in letters if c not in _glyphs() and _family(c) is None)
    if not missing:
        return ""
    return (
        f"No font here has {missing[:20]}{'…' if len(missing) > 20 else ''}: figures show \N{REPLACEMENT CHARACTER} "
        "instead. Install a font that has them (for Chinese, Japanese and Korean: fonts-noto-cjk), then draw again "
        "with `mmeval score`."
    )


@lru_cache(maxsize=1024)
def _families(text: str) -> tuple[str, ...]:
    """Return a small set of font families that have the letters FONT lacks."""
    found: dict[str, None] = {}
    for letter in text:
        if (
            letter not in COMMON
            and letter != "\n"
            and letter not in _glyphs()
            and not any(_has(family, letter) for family in found)
        ):
            found |= {family: None} if (family := _family(letter)) else {}
    return tuple(found)


@lru_cache(maxsize=1024)
def _family(letter: str) -> str | None:
    """Return the first installed family that has a letter; sans-serif families come first."""
    return next((family for family in _installed() if _has(family, letter)), None)


@lru_cache(maxsize=4096)
def _has(family: str, letter: str) -> bool:
    from matplotlib.font_manager import get_font

    return get_font(_installed()[family]).get_char_index(ord(letter)) != 0


@lru_cache(maxsize=1)
def _installed() -> dict[str, str]:
    """Map the installed font families to files, including fonts newer than matplotlib's list."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    for path in sorted(set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}):
        with suppress(OSError, RuntimeError):  # some files are not readable fonts
            fontManager.addfont(path)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # hides warnings about missing bold faces
    plain = [font for font in fontManager.ttflist if font.style == "normal" and font.weight in (400, "normal")]
    names = {font.name: font.fname for font in plain if not font.name.startswith(PLACEHOLDERS)}
    return dict(sorted(names.items(), key=lambda item: ("Sans" not in item[0], item[0])))
