"""The fonts of figures: what a text measures, where its lines break, and which families have its letters."""

import importlib.util
import logging
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from unicodedata import east_asian_width

from PIL import ImageFont

from mmeval.reporting.lines import clean

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
EM, WIDE = 200, 1.02
"""Pixels of an em for measuring; width of a Chinese letter in ems."""


def plain(text: str, limit: int = 60) -> str:
    """Return a label on one line, cut at `limit` characters, with letters that no font has replaced."""
    drawable = "".join(c if _in_font(c) or _family(c) else "\N{REPLACEMENT CHARACTER}" for c in clean(text))
    return drawable if len(drawable) <= limit else drawable[: limit - 1] + "…"


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
            keep = bisect_right(range(2, len(word)), width, key=lambda end: measure(word[:end], size, weight)) + 1
            lines.append(word[:keep])
            word = word[keep:]
        lines.append(word)
    return lines


def measure(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a text in inches; letters that FONT lacks are estimated."""
    in_font = text if text.isascii() else "".join(filter(_in_font, text))
    lacking_letters = (letter for letter in text if letter not in in_font) if in_font != text else ()
    wide = sum(WIDE if east_asian_width(letter) in "WF" else 0.7 for letter in lacking_letters)
    return (float(_font(weight).getlength(in_font)) / EM + wide) * size / 72


def lacking(texts: Iterable[str]) -> str:
    """Return a sentence about the letters that no installed font has, and what to do; nothing if there are none."""
    letters = dict.fromkeys(letter for text in texts if not text.isascii() for letter in clean(text))
    missing = "".join(letter for letter in letters if not _in_font(letter) and _family(letter) is None)
    if not missing:
        return ""
    return (
        f"No font here has {missing[:20]}{'…' if len(missing) > 20 else ''}: figures show \N{REPLACEMENT CHARACTER} "
        "instead. Install a font that has them (for Chinese, Japanese and Korean: fonts-noto-cjk), then draw again "
        "with `mmeval score`."
    )


@lru_cache(maxsize=1024)
def families(text: str) -> tuple[str, ...]:
    """Return a small set of font families that have the letters FONT lacks."""
    chosen: list[str] = []
    for letter in text.replace("\n", ""):
        if not _in_font(letter) and not any(_has(family, letter) for family in chosen) and (family := _family(letter)):
            chosen.append(family)
    return tuple(chosen)


@lru_cache(maxsize=2)
def _font(weight: str) -> ImageFont.FreeTypeFont:
    """Return FONT from matplotlib's folder, without importing matplotlib, which takes most of a second."""
    package = importlib.util.find_spec("matplotlib")
    assert package is not None and package.submodule_search_locations  # a dependency of mmeval
    name = "DejaVuSans-Bold.ttf" if weight == "bold" else "DejaVuSans.ttf"
    path = Path(package.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), EM, layout_engine=ImageFont.Layout.BASIC)


def _in_font(letter: str) -> bool:
    """Tell whether FONT has a letter."""
    return letter in COMMON or letter in _glyphs()


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[str]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(map(chr, get_font(findfont(FontProperties(family=FONT))).get_charmap()))


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
