"""Read points as benchmarks' own scripts do: RefSpatial-Bench, Where2Place, RoboSpatial-Home, and lmms-eval's."""

import math
import re
from collections.abc import Callable, Sequence

from mmeval.scoring.readings.boxes import Point, Size
from mmeval.scoring.readings.choices import unanswered
from mmeval.scoring.readings.regions import Mask, in_polygon, marked, unpacked, worth
from mmeval.scoring.readings.scripts.literals import literal
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import InputError, Record, Score

_N = r"[-+]?\d+(?:\.\d*)?"
_VECTOR = re.compile(rf"\(({_N}(?:,\s*{_N})*)\)")
_LMMS_PAIR = re.compile(rf"[\[(]\s*({_N})\s*,\s*({_N})\s*[\])]")
_ROUND = re.compile(r"\(\s*(\d+(?:\.\d*)?)\s*,\s*(\d+(?:\.\d*)?)\s*\)")
_SQUARE = re.compile(r"\[\s*(\d+(?:\.\d*)?)\s*,\s*(\d+(?:\.\d*)?)\s*\]")
_LIST = re.compile(r"\[([^\]]*)\]")
WHERE2PLACE = (640, 480)
"""The size of Where2Place's pictures, in its script."""

Part = tuple[float, int, Sequence[Point]]
"""What the points of a text's part have in the region, their number, and the points or corners in pixels."""
Read = Callable[[str, Mask], Sequence[Part]]


def scored(read: Read) -> Callable[[Record], Score]:
    """Return the scorer by the share of points that are in the region; a text that stops the script is left out."""

    def score(record: Record) -> Score:
        if record.text is None:
            return unanswered(record)
        mask = unpacked(record)
        height, width = mask.shape
        try:
            parts = read(record.text, mask)
            points = [(x / width, y / height) for _, _, points in parts for x, y in points]
        except (ValueError, OverflowError):
            return Score(None, "unparsed")
        if not (count := sum(count for _, count, _ in parts)):
            return Score(0.0, "refused" if refuses(record.text) else "unparsed")
        return marked(math.fsum(hits for hits, _, _ in parts) / count, points)

    return score


def refspatial(text: str, mask: Mask) -> Sequence[Part]:
    """Read as `text2pts` of `Evaluation/summarize_acc.py` (Zhoues/RoboRefer, d97a995): "(x, y)", "(a, b, c, d)".

    Four numbers are a box in shares, and each of its pixels is a point. Of a point, decimals are shares and whole
    numbers pixels. Raises ValueError for a box whose edges are in the wrong order.
    """
    height, width = mask.shape
    parts: list[Part] = []
    for numbers in _vectors(text):
        if len(numbers) == 2:
            parts.append(_point(numbers, (width, height), mask))
        elif len(numbers) == 4:
            left, top, right, bottom = (int(n * side) for n, side in zip(numbers, (width, height) * 2, strict=True))
            if right < left or bottom < top:
                raise ValueError
            region = mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            parts.append((float(region.sum()) / 255, (right - left) * (bottom - top), [(left, top), (right, bottom)]))
    return parts


def where2place(text: str, mask: Mask) -> Sequence[Part]:
    """Read as `text2pts` of `robopoint/eval/summarize_vqa.py` (wentaoyuan/RoboPoint, adbee8d).

    That is as `refspatial`, but a box whose left edge is a whole number is in pixels, and only its part in the picture
    counts; negative numbers count from the other side.
    """
    width, height = WHERE2PLACE
    parts: list[Part] = []
    for numbers in _vectors(text):
        if len(numbers) == 2:
            parts.append(_point(numbers, WHERE2PLACE, mask))
        elif len(numbers) == 4:
            factors = (width, height) * 2 if isinstance(numbers[0], float) else (1,) * 4
            left, top, right, bottom = (int(n * factor) for n, factor in zip(numbers, factors, strict=True))
            if not all(isinstance(n, int) or factors[0] != 1 for n in numbers):
                raise ValueError  # an index that is not a whole number
            rows, columns = range(height)[top:bottom], range(width)[left:right]
            region = mask[rows.start : rows.stop, columns.start : columns.stop]
            parts.append((float(region.sum()) / 255, len(rows) * len(columns), [(left, top), (right, bottom)]))
    return parts


def lmms_eval(text: str, mask: Mask) -> Sequence[Part]:
    """Read as `parse_point2d` of lmms-eval's `_task_utils/point_format.py` (75571cf): "[x, y]" and "(x, y)".

    Decimals are shares and whole numbers thousandths.
    """
    height, width = mask.shape
    parts = []
    for x, y in _LMMS_PAIR.findall(text):
        scale = 1 if "." in x + y else 1000
        pixel = int(float(x) / scale * width), int(float(y) / scale * height)
        parts.append((worth(mask, pixel), 1, [pixel]))
    return parts


def _vectors(text: str) -> list[list[int | float]]:
    vectors = (match.split(",") for match in _VECTOR.findall(text))
    return [[float(number) if "." in number else int(number) for number in vector] for vector in vectors]


def _point(numbers: Sequence[int | float], size: Size, mask: Mask) -> Part:
    x, y = numbers
    shares = isinstance(x, float) or isinstance(y, float)
    pixel = (int(x * size[0]), int(y * size[1])) if shares else (int(x), int(y))
    return worth(mask, pixel), 1, [pixel]


def robospatial(text: str) -> Point | None:
    """Read as `evaluate_answer` of `evaluation.py` (chanhee-luke/RoboSpatial-Eval, 19f04a5): one point of an answer.

    It is the first "(x, y)" of numbers without signs, else the first "[x, y]", else the first point of the first list.
    """
    for pattern in (_ROUND, _SQUARE):
        if match := pattern.search(text):
            return float(match[1]), float(match[2])
    listed = _LIST.search(text)
    if listed is None:
        return None
    content = re.sub(r",(\S)", r", \1", listed[1]).strip().removesuffix(",")
    try:
        value = literal(f"[{content}]")
        first, *others = value if isinstance(value, list) else []
        if len(others) == 1 and isinstance(first, (int, float)) and isinstance(others[0], (int, float)):
            x, y = first, others[0]
        elif isinstance(first, (tuple, list)):
            x, y = first
        else:
            return None
        return float(x), float(y)
    except (ValueError, TypeError, OverflowError):
        return None


def robospatial_score(record: Record) -> Score:
    """Score as that script: a text that begins with the right word, or whose point is in the polygon of the key."""
    if record.text is None:
        return unanswered(record)
    key = record.targets[0]
    if key in ("yes", "no"):
        answer = record.text.strip().lower()
        right = answer.startswith(key)
        first = next((word for word in ("yes", "no") if answer.startswith(word)), None)
        return Score(float(right), "correct" if right else "incorrect" if answer else "unparsed", first)
    point = robospatial(record.text)
    if point is None:
        return Score(0.0, "refused" if refuses(record.text) else "unparsed")
    return marked(float(in_polygon(*point, corners(record))), [point])


def corners(record: Record) -> Sequence[Point]:
    """Return the polygon of a record's key. Raises InputError, since anybody may have changed the file."""
    try:
        return polygon(record.targets[0])
    except ValueError as error:
        raise InputError(f"record {record.id}: its target is not a polygon; restore the file") from error


def polygon(key: str) -> Sequence[Point]:
    """Return the points in the text of a list. Raises ValueError for anything else."""
    pairs = literal(key)
    try:
        return [(float(x), float(y)) for x, y in pairs]  # type: ignore[attr-defined]
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{key!r:.60} is not a list of points") from error
