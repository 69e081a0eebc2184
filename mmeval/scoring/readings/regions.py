"""Compare points with a region of any shape: a mask, which records keep as text, or a polygon."""

import base64
import binascii
import math
import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mmeval.scoring.readings.answer import plain
from mmeval.scoring.readings.boxes import BEYOND, PIXELS, SCALES, Point, Size
from mmeval.scoring.readings.choices import unanswered
from mmeval.scoring.readings.overlap import written
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import InputError, Record, Score, whole_number

Mask = npt.NDArray[np.uint8]
"""How much each pixel belongs to the region, 0 to 255, [height, width]."""
PointsReader = Callable[[str, Size], Sequence[Point] | None]
"""Returns all points of an answer in shares of width and height, or None."""
MASK, SHARE = "mask", "share"
"""Tags of a question whose answer is in a region: its mask, and the share of the picture that it covers."""
_N = r"([-+]?(?:\d+(?:\.\d+)?|\.\d+))"
_THEN = r"(?:\s{0,9},\s{0,9}|\s{1,9})"
_PAIR = re.compile(rf"[\[(]\s{{0,9}}{_N}{_THEN}{_N}\s{{0,9}}[\])]")
_ALONE = re.compile(rf"{_N}{_THEN}{_N}\.?")
_MANY = re.compile(rf"[\[(]\s{{0,9}}{_N}{_THEN}{_N}{_THEN}{_N}")
_OTHERS = re.compile(r"box_2d|<points?\b|\"point\"", re.IGNORECASE)
"""Notations of other coordinates: Gemini's, whose top comes first, and Molmo's, in percent."""


def packed(mask: Mask) -> dict[str, str]:
    """Return the tags of a question with that mask."""
    pixels = base64.b64encode(zlib.compress(mask.tobytes(), 9)).decode("ascii")
    sizes = {"width": str(mask.shape[1]), "height": str(mask.shape[0])}
    return {**sizes, MASK: pixels, SHARE: repr(float(mask.mean()) / 255)}


def unpacked(record: Record) -> Mask:
    """Return the mask of a record. Raises InputError, since records are files that anybody may have changed."""
    width, height = whole_number(record.tags, "width"), whole_number(record.tags, "height")
    try:
        inflate = zlib.decompressobj()
        pixels = inflate.decompress(base64.b64decode(record.tags[MASK], validate=True), width * height + 1)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise InputError(f"record {record.id}: its mask is damaged; restore the file") from error
    if len(pixels) != width * height:
        raise InputError(f"record {record.id}: its mask is not {width} x {height} pixels; restore the file")
    return np.frombuffer(pixels, np.uint8).reshape(height, width)


def covered(records: Sequence[Record]) -> float | None:
    """Return the mean share of the picture that is right, as a percentage: how often a random point is right."""
    try:
        shares = [float(record.tags[SHARE]) for record in records]
    except ValueError as error:
        raise InputError(f"a record's tag '{SHARE}' is not a number; restore the file") from error
    return 100.0 * math.fsum(shares) / len(shares) if shares else None


def hitting(read: PointsReader) -> Callable[[Record], Score]:
    """Return the scorer of points: the share of an answer's points that are in the region."""

    def score(record: Record) -> Score:
        if record.text is None:
            return unanswered(record)
        mask = unpacked(record)
        height, width = mask.shape
        points = read(record.text, (width, height))
        if not points:
            return Score(0.0, "refused" if refuses(record.text) else "unparsed")
        pixels = [(int(x * width), int(y * height)) for x, y in points]
        return marked(math.fsum(worth(mask, pixel) for pixel in pixels) / len(points), points)

    return score


def worth(mask: Mask, pixel: tuple[int, int]) -> float:
    """Return how much a pixel, given as column and row, belongs to the region, 0 to 1; 0 outside the picture."""
    x, y = pixel
    height, width = mask.shape
    return float(mask[y, x]) / 255 if 0 <= x < width and 0 <= y < height else 0.0


def marked(value: float, points: Sequence[Point]) -> Score:
    """Return the score of points, some of which may be right."""
    return Score(value, "correct" if value else "incorrect", ", ".join(map(written, points)))


def strict_points(system: str) -> PointsReader:
    """Return the reader of all points in an answer, in these coordinates.

    A point is `[a, b]` or `(a, b)`, or an answer of two numbers. Not read are boxes, notations of other coordinates,
    and numbers that the coordinates exclude: beyond the picture, or all at most 1 where 1 is not the whole picture.
    """

    def read(text: str, size: Size) -> Sequence[Point] | None:
        text = plain(text)
        if _OTHERS.search(text) or _MANY.search(text):
            return None
        alone = _ALONE.fullmatch(text.strip())
        matches = [alone] if alone else [*_PAIR.finditer(text)]
        pairs = [(float(match[1]), float(match[2])) for match in matches]
        width, height = size if system == PIXELS else (SCALES[system],) * 2
        if system != "unit" and all(max(abs(x), abs(y)) <= 1 for x, y in pairs):
            return None
        points = [(x / width, y / height) for x, y in pairs]
        return points if all(-BEYOND <= share <= 1 + BEYOND for point in points for share in point) else None

    return read


def in_polygon(x: float, y: float, corners: Sequence[Point]) -> bool:
    """Return whether a ray from the point to the right crosses the polygon's edges an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, (*corners[-1:], *corners[:-1]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
